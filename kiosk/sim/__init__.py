"""The double: what stands at the far ends of the real program when nothing real is there."""
