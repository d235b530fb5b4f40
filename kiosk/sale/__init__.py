"""The centre: what a sale is and what happens to it. Pure: no I/O, no clock, no threads, no third party."""
