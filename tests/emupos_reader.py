"""Tickets read by emupos, a simulator of receipt printers by another author, for ``tests/test_tickets_read.py``.

Run by a Python 3.13 of its own that has emupos installed, never imported. A list of {"dots", "fonts", "data"} comes in
as JSON on standard input; a list of {"lines", "strange"} goes out: what is on paper, a symbol as "[qr TEXT]",
and what it had to say about commands or pages that it does not know.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

from emupos.config import PrinterProfile  # type: ignore[import-not-found]
from emupos.printer.escpos.model import PrintModel  # type: ignore[import-not-found]
from emupos.printer.escpos.tokenizer import Command, Tokenizer  # type: ignore[import-not-found]

PAGES = {0: "PC437", 2: "PC850", 3: "PC860", 16: "WPC1252", 19: "PC858"}
OF_THE_DEVICE = ("GS V", "ESC p", "DLE EOT")  # emupos handles them beside its paper


def read(ticket: dict[str, Any]) -> dict[str, list[str]]:
    """One ticket, on a printer of so many dots with these fonts."""
    fonts = {f"font_{name.lower()}": dict(zip(("width", "height"), cell)) for name, cell in ticket["fonts"].items()}  # noqa: B905
    traits = {"code_pages": PAGES, "default_code_page": 0, "drawer_sensor_open_level": "high"}
    profile = PrinterProfile(type="printer", name="ours", dpi=203, width_dots=ticket["dots"], **fonts, **traits)
    model, strange = PrintModel("ours", profile), []
    for token in Tokenizer().feed(base64.b64decode(ticket["data"])):
        if not (isinstance(token, Command) and token.name in OF_THE_DEVICE):
            strange += [str(event) for event in model.process(token)]
    text = model.finish("cut").text
    return {"lines": [line.strip() for line in text.splitlines() if line.strip()], "strange": strange}


json.dump([read(ticket) for ticket in json.load(sys.stdin)], sys.stdout)
