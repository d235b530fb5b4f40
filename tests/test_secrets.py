"""Law L10: the access token, and a supervisor's PIN, are in no log, error, screen, ticket, report or process list.

One counter has a bad day, and everything that it showed, said, wrote and printed is searched for them, and for any
piece of them that is long enough to be one.
"""

from __future__ import annotations

import base64
import os
import resource
import signal
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from kiosk.supervisors import Supervisor
from tests.cli_shop import unpacked
from tests.counter_books import audit
from tests.counter_client import Counter, virtual_counter
from tests.test_counter_refunds import given_back_and_not_known, inquired, known_again, refund_papers

pytestmark = pytest.mark.slow

PIECE: Final = 8
"""Characters of the token in a row that may stand nowhere."""


SUPERVISOR: Final = "Eva"
PIN: Final = "86420975"
"""Hers: the built-in shop's own PIN stands in its token, too."""
PIN_PIECE: Final = 5
"""Digits of the PIN in a row that may stand nowhere."""


class Findings:
    """All that came out of a counter, by where."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._found: dict[str, bytes] = {}

    def look_around(self, when: str) -> None:
        """Everything that can be seen at the counter, and what ``ps`` shows of it, now."""
        counter = self._counter
        for path in ("/state", "/screen", "/screen.png", "/paper", "/paper.png", "/view", "/trouble"):
            self.add(f"{path} {when}", counter.client.get(path).content)
        for pid in (counter.process.pid, counter.pid):
            for file in ("cmdline", "environ", "comm"):
                with suppress(OSError):  # It died meanwhile.
                    self.add(f"{file} of {pid} {when}", Path(f"/proc/{pid}/{file}").read_bytes())

    def add_files(self) -> None:
        """Every file of the counter but the one that is there to hold the token."""
        for path in sorted(self._counter.folder.rglob("*")):
            if path.is_file() and path.name != "token":
                self.add(path.name, path.read_bytes())

    def command(self, *arguments: str, **environ: str) -> str:
        """What one of the technician's commands says; it is one that works, or says why not."""
        done = self._counter.kiosk(*arguments, **environ)
        self.add(" ".join(arguments), (done.stdout + done.stderr).encode())
        return done.stdout

    def add(self, where: str, content: bytes) -> None:
        """Something that came out."""
        self._found[where] = self._found.get(where, b"") + content

    def where(self, words: bytes) -> list[str]:
        """Where these stand."""
        return [where for where, content in self._found.items() if words in content]


def test_no_secret_comes_out_on_a_bad_day(tmp_path: Path) -> None:
    with virtual_counter(tmp_path, KIOSK_DEBUG="1", PYTHONFAULTHANDLER="1") as counter:
        token = (counter.private / "token").read_text().strip()
        found = Findings(counter)
        for event in bad_day(counter):
            found.look_around(event)
        technician(found, counter)
        found.add_files()
        assert found.where(b"Fatal Python error: Aborted") == ["stderr"]
        assert {"journal.db", "journal.db-wal", "stderr"} <= set(found.where(b""))
        for secret in (*secrets_of(token), *secrets_of_pin()):
            assert found.where(secret) == []
        # The search finds what is there: the twin of what must not be found.
        assert "stderr" in found.where(b"ready")
        assert {"stderr", "journal.db-wal"} <= set(found.where(SUPERVISOR.encode()))
        assert "/paper after the sale" in found.where("Padaria do Balcão".encode())


def bad_day(counter: Counter) -> Iterator[str]:
    """A sale, every kind of refusal and failure, money that goes back, and a crash; says when to look around."""
    with counter.without_power(), counter.supervisors.open("a") as file:
        file.write(Supervisor.made(SUPERVISOR, PIN, b"salt" * 4).entry + "\n")
    counter.until_state("idle")
    yield "at the start"
    counter.sell("2500")
    yield "in a sale"
    counter.trouble("token-expired", True)
    counter.until(lambda status: status.health["reject"] is not None)
    yield "with a token that is refused"
    counter.trouble("token-expired", False)
    counter.until(lambda status: status.health["reject"] is None)
    unknown = counter.said().count("look-unknown")
    counter.trouble("mp-down", True)  # 500 and 503 in JSON and a proxy's HTML, in turn.
    counter.until(lambda _: counter.said().count("look-unknown") >= unknown + 3)
    yield "with errors for answers"
    counter.trouble("mp-down", False)
    counter.customer("pay")
    counter.until_state("paid")
    audit(counter)
    yield "after the sale"
    counter.leave()
    inquired(counter)
    counter.press("#" + PIN)
    yield "with a PIN that is typed"
    given_back_and_not_known(counter, "#")
    yield "with money of which nobody knows whether it went back"
    pid = counter.pid
    resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))  # A core dump holds everything, by its nature.
    os.kill(pid, signal.SIGABRT)
    known_again(counter)
    counter.until(lambda _: counter.pid != pid)
    refund_papers(counter, 1)
    counter.until_state("idle")
    yield "after a crash"
    counter.trouble("token-expired", True)
    counter.press("100#")
    counter.until_state("notice")
    yield "with a sale refused"
    counter.trouble("token-expired", False)


def technician(found: Findings, counter: Counter) -> None:
    """Every command that looks at the shop, when all is well and when it is not."""
    config = str(counter.config)
    assert "access_token_file" in found.command("config", "--config", config)
    for arguments in (["sales", "--config", config], ["sales", "--config", config, "show", "1"]):
        assert found.command(*arguments)
        assert found.command(*arguments, "--json")
    for trouble in ("token-expired", "mp-down", "no-network", "answer-lost"):
        counter.trouble(trouble, True)
        assert "BAD" in found.command("check", "--config", config)
        counter.trouble(trouble, False)
    assert "BAD" not in found.command("check", "--config", config, "--json")
    file = counter.folder / "report.tar.gz"
    assert "with     sales.json" in found.command("report", "--config", config, "--output", str(file))
    for name, content in unpacked(file).items():
        found.add(f"{name} of the report", content)
    provider = tomllib.loads(counter.config.read_text())["mercadopago"]
    options = ("--token-file", provider["access_token_file"], "--base-url", provider["base_url"], "--dry-run")
    assert "would be written" in found.command("setup", "--config", str(counter.folder / "new.toml"), *options)
    wrongly_kept(found, counter)


def wrongly_kept(found: Findings, counter: Counter) -> None:
    """The token where everybody can read it, with a line too many, and in the configuration itself."""
    token = counter.private / "token"
    wrong = counter.private / "wrong.toml"
    wrong.touch(0o600)
    text = counter.config.read_text()
    wrong.write_text(text.replace("[mercadopago]", f'[mercadopago]\naccess_token = "{token.read_text()}"'))
    assert found.command("config", "--config", str(wrong)) == ""
    assert found.command("run", "--config", str(wrong), KIOSK_DEBUG="1") == ""
    wrong.unlink()
    token.chmod(0o644)
    found.command("run", "--config", str(counter.config), KIOSK_DEBUG="1")
    with token.open("a") as file:
        file.write("\nand another line\n")
    found.command("run", "--config", str(counter.config), KIOSK_DEBUG="1")


def secrets_of_pin() -> list[bytes]:
    """Its pieces."""
    return [PIN[at : at + PIN_PIECE].encode() for at in range(len(PIN) - PIN_PIECE + 1)]


def secrets_of(token: str) -> list[bytes]:
    """The token, its pieces, and the ways in which they are written down."""
    assert len(token) > 4 * PIECE
    pieces = [token[at : at + PIECE].encode() for at in range(5, len(token) - PIECE + 1)]
    return [*pieces, base64.b64encode(token.encode()), token.encode().hex().encode(), token[::-1].encode()]
