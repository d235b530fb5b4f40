"""A virtual counter in a process of its own, driven over its HTTP interface as the design describes it.

Nothing here imports the counter's world: what the tests know of the kiosk is what stands on the page, what came out of
the printer, and what the technician's commands say.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from PIL import Image

from kiosk.display.picture import draw
from kiosk.sale.records import Mark
from kiosk.sale.screens import Screen
from kiosk.sale.words import words_of

WORDS: Final = words_of("pt")
"""The built-in shop's words."""
KIOSK: Final = (sys.executable, "-m", "kiosk")
SHOP: Final = """\
[shop]
name = "Padaria do Balcão"
site = "MLB"
language = "pt"
[mercadopago]
user_id = 123456789
external_store_id = "LOJA01"
external_pos_id = "CAIXA01"
"""
"""A shop like the built-in one, for tests that add settings to it; what follows is ``[mercadopago]``'s."""
PANEL: Final = (128, 64)
"""The virtual panel's columns and rows."""
PATIENCE_S: Final = 60.0
"""Longer than any bound that the rules of money set for a line that is up, on a machine with other things to do."""
POLL_S: Final = 0.05
LIMITS: Final = httpx.Limits(keepalive_expiry=2.0)
"""uvicorn closes a quiet connection after 5 s: a request must never be on its way at that moment."""
RESTING: Final = ("idle", "notice", "paid")
_CUT: Final = re.compile(r"^(?:- )+-?$", re.MULTILINE)
"""How the paper's text shows that the printer cut it."""


@dataclass(frozen=True, slots=True)
class Status:
    """``GET /state``."""

    state: str
    sale: Mapping[str, Any]
    """Empty where there is none."""
    health: Mapping[str, Any]
    watched: frozenset[str]
    """References."""
    debts: tuple[Mapping[str, Any], ...]
    disputes: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Status:
        """The status in an answer; what a kiosk without power cannot say is empty."""
        obligations = answer["obligations"] or {"watches": [], "debts": [], "disputes": []}
        return cls(
            answer["state"],
            answer["sale"] or {},
            answer["health"] or {},
            frozenset(watch["reference"] for watch in obligations["watches"]),
            tuple(obligations["debts"]),
            tuple(obligations["disputes"]),
        )


@dataclass(frozen=True, slots=True)
class Paper:
    """One piece of paper as it came out, from cut to cut."""

    text: str

    @property
    def marks(self) -> frozenset[Mark]:
        """What it says of itself, the training mark aside: everything here is training."""
        return frozenset(mark for mark, words in WORDS.marks.items() if words in self.text) - {Mark.TRAINING}

    @property
    def slip(self) -> bool:
        """A slip for disputed money, no ticket."""
        return Mark.MONEY_TO_SETTLE in self.marks

    @property
    def original(self) -> bool:
        """A ticket, or the beginning of one, that does not say it may be a second one."""
        return not self.marks & {Mark.COPY, Mark.POSSIBLE_DUPLICATE, Mark.MONEY_TO_SETTLE} and self.number > 0

    @property
    def number(self) -> int:
        """The sale's number; 0 where none is on it."""
        found = re.search(rf"^{WORDS.sale} (\d+)\b", self.text, re.MULTILINE)
        return int(found[1]) if found else 0

    @property
    def payments(self) -> frozenset[str]:
        """The payments on it."""
        return frozenset(re.findall(rf"^{WORDS.payment} +(\d+)$", self.text, re.MULTILINE))

    @property
    def total(self) -> str:
        """The total as printed; empty on paper that has none."""
        found = re.search(rf"^{WORDS.total} +(.+)$", self.text, re.MULTILINE)
        return found[1] if found else ""


class Counter:
    """One virtual counter; everything by HTTP but its end, and the technician's commands."""

    def __init__(self, process: subprocess.Popen[str], client: httpx.Client, folder: Path) -> None:
        self.process = process
        self.client = client
        self.folder = folder
        [self.private] = folder.glob("kiosk-sim-*")
        """Where the counter keeps what its kiosk must know."""

    # --- what happens at the counter ------------------------------------------------------------------------------

    def press(self, keys: str) -> None:
        """Press keys; the kiosk has taken them when this returns."""
        self._post("/keys", {"keys": keys})

    def hold(self, keys: str) -> None:
        """Press keys, and hold the last one down."""
        self._post("/keys", {"keys": keys, "held": True})

    def customer(self, action: str) -> bool:
        """Let the customer act; answers whether it came to pass."""
        return bool(self._post("/customer", {"action": action})["ok"])

    def trouble(self, name: str, on: bool) -> None:
        """Begin or end a trouble."""
        self._post("/trouble", {"name": name, "on": on})

    def sell(self, amount: str) -> str:
        """Type an amount, and wait until the customer can pay; answers the order's reference."""
        self.press(f"{amount}#")
        return str(self.until_state("waiting").sale["reference"])

    def cancel(self) -> None:
        """Take the order back, as a cashier does who means it."""
        self.press("*")
        self.press("#")

    def leave(self) -> None:
        """From PAID or a notice back to ready. They ignore keys until they have been seen for a second."""
        for _ in range(10):
            with suppress(AssertionError):
                self.until_state("idle", within_s=1.5)
                return
            self.press("#")
        self.until_state("idle")

    @contextmanager
    def without_power(self) -> Iterator[None]:
        """The plug is pulled, with a real SIGKILL, and put back afterwards."""
        self.trouble("power-cut", True)
        assert self.status().state == "off"
        yield
        self.trouble("power-cut", False)

    # --- what is seen ---------------------------------------------------------------------------------------------

    def status(self) -> Status:
        """The kiosk's state now."""
        return Status.of(self._get("/state").json())

    def screen(self) -> str:
        """The words on the panel."""
        return self._get("/screen").text

    def phone(self) -> dict[str, Any]:
        """What the customer's phone shows."""
        shown: dict[str, Any] = self._get("/phone").json()
        return shown

    def lit(self) -> bool:
        """Whether any pixel of the panel is: a dark picture is smaller than any other."""
        return len(self._get("/screen.png").content) > 200

    def signals(self) -> tuple[str, str, str]:
        """The green light, the red one, and what was heard last."""
        view = self._get("/view").json()
        return view["lights"]["green"], view["lights"]["red"], view["tune"]

    def papers(self) -> list[Paper]:
        """All that was printed, oldest first."""
        return [Paper(text) for text in _CUT.split(self._get("/paper").text) if text.strip()]

    def until(self, holds: Callable[[Status], bool], within_s: float = PATIENCE_S) -> Status:
        """Look again and again, a bounded number of times, until it holds; answers the status that it holds for."""
        for _ in range(math.ceil(within_s / POLL_S)):
            status = self.status()
            if holds(status):
                return status
            self._pause()
        raise AssertionError(
            f"not within {within_s} s; {status}, screen: {self.screen()!r}\n{self.told()}\n{self.said()}"
        )

    def until_state(self, *names: str, within_s: float = PATIENCE_S) -> Status:
        """Until the state is one of these."""
        return self.until(lambda status: status.state in names, within_s)

    def until_screen(self, words: str, within_s: float = PATIENCE_S) -> None:
        """Until these words are on the panel."""
        self.until(lambda _: words in self.screen(), within_s)

    def until_picture(self, screen: Screen) -> None:
        """Until the panel's dots are exactly that screen, as one draws it who has just begun."""
        wanted = draw(screen, PANEL, 0.0).image.tobytes()
        self.until(lambda _: self._dots() == wanted)

    def _dots(self) -> bytes:
        with Image.open(io.BytesIO(self._get("/screen.png").content)) as picture:
            return picture.tobytes()

    def told(self) -> str:
        """What the kiosk wrote elsewhere than to standard error."""
        return ""

    def said(self) -> str:
        """What the counter and its kiosk wrote to standard error."""
        return (self.folder / "stderr").read_text()

    # --- what the technician has -----------------------------------------------------------------------------------

    @property
    def config(self) -> Path:
        """The kiosk's configuration."""
        return self.private / "kiosk.toml"

    @property
    def supervisors(self) -> Path:
        """The file of those who may give money back; read when the kiosk starts."""
        return self.private / "supervisors"

    @property
    def journal(self) -> Path:
        """The kiosk's journal."""
        return self.folder / "journal.db"

    def kiosk(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run one of the technician's commands beside the running kiosk."""
        known = {**os.environ, "KIOSK_CONTROL": str(self.private / "control.sock"), **environ}
        command = [*KIOSK, *arguments]
        return subprocess.run(command, env=known, capture_output=True, text=True, timeout=PATIENCE_S, check=False)

    def sales(self) -> list[dict[str, Any]]:
        """``kiosk sales list``, newest first."""
        listed = self.kiosk("sales", "--config", str(self.config), "list", "--count", "1000", "--json")
        assert listed.returncode == 0, listed.stderr
        sales: list[dict[str, Any]] = json.loads(listed.stdout)
        return sales

    @property
    def pid(self) -> int:
        """The kiosk's process; 0 while none runs."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    # proc(5): after the name in brackets come the state and the parent.
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(fields[1]) == self.process.pid and fields[0] != "Z":
                        return int(entry.name)
        return 0

    # --- the wire -------------------------------------------------------------------------------------------------

    def _get(self, path: str) -> httpx.Response:
        return self.client.get(path).raise_for_status()

    def _post(self, path: str, what: Mapping[str, object]) -> dict[str, Any]:
        answer = self.client.post(path, json=what)
        assert answer.status_code == 200, f"{path} {what}: {answer.text}\n{self.told()}\n{self.said()}"
        content: dict[str, Any] = answer.json()
        return content

    def _pause(self) -> None:
        """Wait a little; the counter must not end meanwhile."""
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the counter ended with status {self.process.wait(POLL_S)}\n{self.said()}")


@contextmanager
def virtual_counter(folder: Path, *, shop: str = "", **environ: str) -> Iterator[Counter]:
    """A counter with a kiosk that is ready to sell; at the end it stops in order, and must not have complained.

    ``folder`` holds all it writes; ``shop``: a configuration in place of the built-in shop's.
    """
    options = ["--listen", "127.0.0.1:0", "--journal", str(folder / "journal.db")]
    if shop:
        (folder / "shop.toml").write_text(shop)
        options += ["--config", str(folder / "shop.toml")]
    with counter_process(folder, [*KIOSK, "sim", *options], **environ) as (process, client):
        counter = Counter(process, client, folder)
        counter.until_state("idle")
        yield counter
        counter.trouble("power-cut", True)  # Nothing is left that would take its time to stop.
        # Before its end: answers that are slow on purpose are called off then, and uvicorn writes that out.
        assert "Traceback" not in counter.said(), counter.said()
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


@contextmanager
def counter_process(
    folder: Path, command: Sequence[str], **environ: str
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The counter that ``command`` starts, and how it is asked; ``folder`` gets what it writes."""
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "TMPDIR": str(folder), **environ},
        )
    with process, _ended(process):
        address = _address(process)
        assert address, (folder / "stderr").read_text()
        with httpx.Client(base_url=address, trust_env=False, timeout=30, limits=LIMITS) as client:
            yield process, client


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], PATIENCE_S)[0], "the counter does not tell its address"
    return process.stdout.readline().strip()
