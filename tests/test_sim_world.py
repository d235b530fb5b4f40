"""``kiosk sim`` as a process: what it prints, what it refuses, and how it ends. The kiosk is a stand-in."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from kiosk.config import ConfigError
from kiosk.sim.child import STOP_S
from kiosk.sim.world import CannotStart, make_plan, run_sim
from tests.counter_client import LIMITS

STANDIN = (sys.executable, str(Path(__file__).with_name("standin_kiosk.py")))
WORLD = """
import sys
from pathlib import Path
from kiosk.sim.world import run_sim
journal = Path(sys.argv[1]) if sys.argv[1] else None
sys.exit(run_sim(None, journal, sys.argv[2], frozenset(), program=tuple(sys.argv[3:])))
"""
NOT_REAL: frozenset[str] = frozenset()


@dataclass
class Running:
    """A virtual counter in a process of its own."""

    process: subprocess.Popen[str]
    client: httpx.Client
    private: Path
    """Where its private folder is made."""

    def until(self, condition: Callable[[dict[str, object]], bool]) -> None:
        for _ in range(5000):
            if condition(self.client.get("/state").json()):
                return
        raise AssertionError("it never came to that")

    def end(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """In less time than a kiosk may take to stop."""
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=STOP_S / 2)
        return self.process.returncode, said


@contextmanager
def running(
    tmp_path: Path, *, journal: str = "", listen: str = "127.0.0.1:0", program: tuple[str, ...] = STANDIN
) -> Iterator[Running]:
    private = tmp_path / "private"
    private.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", WORLD, journal, listen, *program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(private)},
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with httpx.Client(base_url=address, trust_env=False, timeout=30, limits=LIMITS) as client:
            yield Running(process, client, private)
    finally:
        process.kill()
        process.communicate()


def hears(state: dict[str, object]) -> bool:
    return state["state"] not in ("starting", "off")


# --- what it prints, and how it ends ------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_prints_its_address_serves_and_ends_in_order_at_ctrl_c(tmp_path: Path) -> None:
    journal = tmp_path / "kept.db"
    with running(tmp_path, journal=str(journal)) as world:
        world.until(hears)
        [private] = world.private.iterdir()
        assert private.stat().st_mode & 0o777 == 0o700
        assert world.client.post("/keys", json={"keys": "25#"}).status_code == 200
        assert world.client.get("/paper").text == "25\n"
        status, said = world.end()
        assert status == 0
        assert "Traceback" not in said
        assert journal.read_text() == "25 stopped"  # The kiosk was asked to end, and had the time to.
        assert list(world.private.iterdir()) == []


@pytest.mark.slow
def test_without_a_journal_nothing_is_kept(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        world.until(hears)
        assert world.client.post("/keys", json={"keys": "25"}).status_code == 200
        [private] = world.private.iterdir()
        assert (private / "journal.db").read_text() == "25"
        assert world.end(signal.SIGTERM)[0] == 0
        assert list(world.private.iterdir()) == []


@pytest.mark.slow
def test_who_asks_twice_does_not_wait_for_the_kiosk(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"
    )
    with running(tmp_path, program=(sys.executable, "-c", stubborn)) as world:
        assert world.process.stderr is not None
        assert world.process.stderr.readline() == "up\n"  # What the kiosk says is seen in the world's standard error.
        world.process.send_signal(signal.SIGINT)
        assert "once more to stop at once" in world.process.stderr.readline()
        assert world.client.get("/state").json()["state"] == "off"  # The world goes on until the kiosk has ended.
        assert world.end()[0] == 0


@pytest.mark.slow
def test_a_kiosk_that_was_called_wrongly_ends_the_world_with_its_status(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        world.until(hears)
        assert world.client.post("/keys", json={"keys": "D"}).status_code == 503
        assert world.process.wait(60) == 2


# --- what it refuses ------------------------------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], listen: str, *real: str) -> str:
    assert run_sim(None, None, listen, frozenset(real)) == 2
    said, complaint = capsys.readouterr()
    assert said == ""
    assert complaint.startswith("kiosk sim: ")
    assert complaint.count("\n") == 1
    return complaint


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        assert f"--listen {listen}: Address already in use" in refused(capsys, listen)


@pytest.mark.parametrize(
    "listen",
    ["0.0.0.0:8080", ":8080", "8080", "localhost", "192.168.1.5:80", "127.0.0.1:x", "127.0.0.1:65536", "[::]:1"],
)
def test_only_loopback_addresses_are_listened_on(listen: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "must be 127.0.0.1:PORT" in refused(capsys, listen)


@pytest.mark.slow
def test_loopback_has_more_than_one_name(tmp_path: Path) -> None:
    with running(tmp_path, listen="localhost:0") as world:
        assert world.client.get("/state").status_code == 200
        assert world.end()[0] == 0


def test_an_unknown_far_end_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--real drawer: it must be some of" in refused(capsys, "127.0.0.1:0", "drawer", "printer")


def test_a_real_account_needs_the_shops_own_configuration(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[shop]\nname = "Shop"\nsite = "MLA"\n'
        '[mercadopago]\nuser_id = 1\nexternal_store_id = "S1"\nexternal_pos_id = "P1"\n'
    )
    with pytest.raises(CannotStart, match="--config"):
        make_plan(None, None, frozenset({"mercadopago"}))
    assert make_plan(own, None, frozenset({"mercadopago"})).tables["mercadopago"]["user_id"] == 1


def test_mistakes_in_the_shops_configuration_are_told_about_that_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[shop]\nname = "Shop"\nsite = "MLX"\n[mercadopago]\nuser_id = 1\n')
    with pytest.raises(ConfigError):
        make_plan(own, None, NOT_REAL)
    assert run_sim(own, None, "127.0.0.1:0", NOT_REAL) == 2
    complaint = capsys.readouterr().err
    assert f"{own}: [shop] site" in complaint
    assert f"{own}: [mercadopago] external_pos_id" in complaint


def test_a_journal_is_meant_from_where_the_world_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert make_plan(None, Path("kept.db"), NOT_REAL).journal == tmp_path / "kept.db"
    assert make_plan(None, None, NOT_REAL).journal is None
