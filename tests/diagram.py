"""The state diagram in the README, drawn from ``TRANSITIONS``: ``python -m tests.diagram`` writes it anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kiosk.sale.front import TRANSITIONS
from kiosk.sale.states import Adopting, Starting, State

BEGIN: Final = "<!-- states -->"
END: Final = "<!-- /states -->"
HOW: Final = "python -m tests.diagram writes it anew"

Transitions = Mapping[type[State], Mapping[type[State], str]]


def mermaid(transitions: Transitions = TRANSITIONS) -> str:
    """The diagram in Mermaid's words, as GitHub draws it.

    A label of a transition ends at the next colon or semicolon (Mermaid's grammar of state diagrams): both become
    commas.
    """
    arrows = [
        f"    {before.__name__} --> {after.__name__}: {why.replace(':', ',').replace(';', ',')}"
        for before, ways in transitions.items()
        for after, why in ways.items()
    ]
    starts = [f"    [*] --> {Starting.__name__}", f"    [*] --> {Adopting.__name__}: a sale was open"]
    return "\n".join(["```mermaid", "stateDiagram-v2", *starts, *arrows, "```"])


def between(text: str) -> str:
    """What stands between the two marks.

    Raises:
        ValueError: they are not both there, once each and in this order.
    """
    before, begin, rest = text.partition(BEGIN)
    inside, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in inside + after or END in before + after:
        raise ValueError(f"README.md needs the marks {BEGIN} and {END}, once each; {HOW}")
    return inside.strip("\n")


def drawn_into(text: str) -> str:
    """The text with the diagram of today between the marks."""
    between(text)
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{mermaid()}\n\n{END}{after}"


if __name__ == "__main__":
    readme = Path(__file__).parent.parent / "README.md"
    readme.write_text(drawn_into(readme.read_text(encoding="utf-8")), encoding="utf-8")
