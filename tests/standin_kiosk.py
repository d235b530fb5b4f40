"""A kiosk of a few lines at the far end of everything: what the virtual counter must bring to a child and back.

It shares nothing with the real one but the wires. Its keys do to it what a test wants: digits are typed, ``#`` prints
them, ``A`` asks Mercado Pago for the account, ``B`` shows what it was given to live with, ``C`` exits with status 1,
``D`` with status 2. The journal keeps the digits, one run after the other.
"""

import argparse
import json
import os
import signal
import socket
import sys
import threading
import tomllib
import urllib.request
from pathlib import Path
from types import FrameType

from kiosk.control import ControlServer
from kiosk.sale.events import Key
from kiosk.sim.remote import RemoteKeypad, RemoteWire

# SSD1306: charge pump, horizontal addressing from the first column and page on, upright, on.
LIT = (0x8D, 0x14, 0x20, 0x00, 0x21, 0, 127, 0x22, 0, 7, 0xA1, 0xC8, 0xAF)


class Standin:
    def __init__(self, config: Path, journal: Path) -> None:
        self.config = tomllib.loads(config.read_text())
        self.journal = journal
        self.typed = journal.read_text() if journal.exists() else ""
        self.told = ""
        self.held = ""
        self.taken = threading.Event()
        place = Path(os.environ["KIOSK_COUNTER"])
        self.wire = RemoteWire(place / "display.sock") if (place / "display.sock").exists() else None
        self.draw()
        keypad = place / "keypad.sock"
        self.keypad = RemoteKeypad(keypad, self.key, lambda: None) if keypad.exists() else None
        self.control = ControlServer(Path(os.environ["KIOSK_CONTROL"]), self.answer)  # From now on its thread draws.

    def answer(self, _request: dict[str, object]) -> dict[str, object]:
        return {
            "state": "entering" if self.typed else "idle",
            "sale": None,
            "health": {"trouble": None, "panel": self.draw()},
            "obligations": {"watches": [], "debts": [], "disputes": []},
            "screen": [self.typed, self.told, self.held],
            "lights": {"green": "flash" if self.typed else "dark", "red": "dark"},
            "tune": "click" if self.typed else "",
        }

    def key(self, key: Key) -> None:
        if key.held:
            self.held = f"held {key.key}"
            return
        match key.key:
            case "#":
                self.print()
            case "A":
                self.told = self.account()
            case "B":
                self.told = json.dumps({"environ": dict(os.environ), "config": self.config, "argv": sys.argv})
            case "C" | "D":
                os._exit(1 if key.key == "C" else 2)
            case digit:
                self.typed += digit
                self.journal.write_text(self.typed)

    def draw(self) -> str:
        try:
            if self.wire is not None:
                self.wire.command(*LIT)
                self.wire.data([0xFF] * len(self.typed))
        except OSError as error:
            return f"{type(error).__name__} {error.errno}"
        return "ok"

    def print(self) -> None:
        printer = self.config["printer"]
        with socket.create_connection((printer["host"], printer["port"]), timeout=5) as line:
            line.sendall(self.typed.encode() + b"\n\x10\x04\x01")
            line.recv(1)

    def account(self) -> str:
        own = self.config["mercadopago"]
        token = Path(own["access_token_file"]).read_text()
        request = urllib.request.Request(own["base_url"] + "/users/me", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            return str(json.load(answer)["id"])


def main() -> None:
    parser = argparse.ArgumentParser()
    if sys.argv[1] == "panel":
        sys.exit(f"the stand-in was to draw: {sys.argv[-1]}")
    parser.add_argument("command", choices=["run"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    options = parser.parse_args()
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    Standin(options.config, options.journal)
    stopped.wait()
    with options.journal.open("a") as journal:
        journal.write(" stopped")


if __name__ == "__main__":
    main()
