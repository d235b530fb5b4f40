"""The technician's kiosk on booted machines: installed, selling, surviving, upgraded, removed.

Each machine is a bare Debian with systemd as PID 1, without display and keypad: those are the virtual counter's, as are
the printer on the network and the account. Everything else is as in a shop: ``sudo ./install.sh``, one edited file, the
unit as it is shipped.
"""

from __future__ import annotations

import json
import re
import shutil
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from kiosk.sale.screens import not_running
from kiosk.sale.words import Down
from kiosk.systemd import message_id
from tests.cli_shop import unpacked
from tests.counter_books import audit
from tests.cuts import cut_at_any_moment
from tests.machine import (
    CHECKOUT,
    MINUTES_S,
    TOKEN,
    Machine,
    bare_tree,
    impossible,
    layered,
    machine,
    put_checkout,
    small_disk,
    wheels,
)
from tests.machine_world import SETTINGS
from tests.side_by_side import selected, told_at

NO_MACHINE = impossible()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(NO_MACHINE), reason=NO_MACHINE),
]

EXPOSED_AT_MOST = 1.5
WHEELS = "/srv/wheels"
CRASHES, MANY_CRASHES = 5, 100
CUT_EVERY = 5
"""Which of the installer's commands are cut."""

Story: TypeAlias = Callable[[Machine], None]


@dataclass(frozen=True, slots=True)
class Installed:
    """A machine on which the kiosk was installed and sold once, switched off again."""

    layers: tuple[Path, ...]
    steps: tuple[tuple[float, str], ...]
    exposure: str

    @contextmanager
    def booted(self, folder: Path, root: Path) -> Iterator[Machine]:
        """That machine, switched on: the kiosk comes up by itself, with an empty journal."""
        with layered(self.layers, folder) as tree:
            small_disk(tree / "var/lib/kiosk")
            with machine(tree, folder, root) as kiosk:
                kiosk.until_state("idle")
                yield kiosk


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Installed:
    return on_a_bare("bookworm", "3.11", tmp_path_factory.mktemp("installed"), root)


def on_a_bare(suite: str, python: str, folder: Path, root: Path) -> Installed:
    """Install on that Debian and sell once."""
    bare = bare_tree(suite, folder)
    with layered([bare], folder) as tree:
        put_checkout(root, tree)
        wheels(root, python, tree / WHEELS.lstrip("/"))
        with machine(tree, folder, root) as kiosk:
            first_sale(kiosk)
            exposure = kiosk.inside("systemd-analyze", "security", "kiosk.service", "--no-pager").splitlines()[-1]
            kiosk.inside("systemctl", "stop", "kiosk")
            kiosk.inside("find", "/var/lib/kiosk", "-type", "f", "-delete")  # the next counter's account is another one
            return Installed((folder / "upper", bare), tuple(kiosk.steps), exposure)


def first_sale(kiosk: Machine) -> None:
    """What the technician does, in order, and then the cashier."""
    kiosk.join_counter()
    kiosk.inside(f"{CHECKOUT}/install.sh", "--dry-run", "--token", TOKEN)
    assert not (kiosk.tree / "opt/kiosk").exists()
    assert not (kiosk.tree / "etc/kiosk").exists()
    kiosk.step("sudo ./install.sh", f"{CHECKOUT}/install.sh", "--wheels", WHEELS, "--token", TOKEN)
    assert kiosk.service("ActiveState") == ["inactive"], "nothing sells before the shop has filled in its own"
    set_up(kiosk)
    kiosk.fill_in()
    kiosk.step("systemctl start kiosk, until READY", "systemctl", "start", "kiosk")
    kiosk.until_state("idle")
    assert "BAD" not in kiosk.step("kiosk check", "kiosk", "check")
    began = time.monotonic()
    kiosk.sell("2500")
    assert kiosk.customer("pay")
    kiosk.until_state("paid")
    assert [paper.total for paper in audit(kiosk).tickets] == ["R$ 25,00"]
    kiosk.steps.append((time.monotonic() - began, "the first sale, from the first key to the ticket"))
    explained(kiosk)


def set_up(kiosk: Machine) -> None:
    """The account is found; the installed version has the annotated configuration to fill in."""
    mine = tomllib.loads((kiosk.private / "kiosk.toml").read_text())["mercadopago"]
    options = ("--token-file", TOKEN, "--base-url", mine["base_url"], "--shop", "Padaria", "--qr", "/srv/qr")
    told = kiosk.step("sudo kiosk setup", "kiosk", "setup", *options)
    assert told.endswith("next: sudo systemctl restart kiosk; sudo kiosk check\n")
    settings = kiosk.tree / "etc/kiosk/kiosk.toml"
    assert tomllib.loads(settings.read_text())["mercadopago"]["external_pos_id"] == mine["external_pos_id"]
    assert (settings.stat().st_uid, settings.stat().st_mode & 0o777) == (0, 0o644)
    token = kiosk.tree / "etc/kiosk/mercadopago-token"
    assert (token.stat().st_uid, token.stat().st_mode & 0o777) == (0, 0o600)


def explained(kiosk: Machine) -> None:
    """One sale's whole story by its number, and what a message means, as the technician asks for them."""
    [sale] = kiosk.sales()
    asked = ("journalctl", "--unit=kiosk", "--no-pager", f"KIOSK_SALE={sale['number']}")
    story = [json.loads(line) for line in kiosk.inside(*asked, "--output=json").splitlines()]
    assert [line["KIOSK_EVENT"] for line in story] == ["placing", "waiting", "paid", "printed"]
    for line in story:
        assert (line["KIOSK_REFERENCE"], line["KIOSK_AMOUNT"]) == (sale["reference"], "2500")
        assert line["MESSAGE_ID"] == message_id(line["KIOSK_EVENT"])
        assert bool(line.get("KIOSK_REQUEST_ID")) == (line["KIOSK_EVENT"] != "printed")
    kiosk.inside("systemctl", "kill", "--signal=HUP", "kiosk")
    kiosk.until_told("nothing can be re-read")
    told = kiosk.inside("journalctl", "--unit=kiosk", "--no-pager", "--catalog", "--priority=warning")
    assert " Subject: Nothing can be read anew by a signal" in told
    told = kiosk.inside("kiosk", "report", "--output", "/srv/report.tar.gz")
    for name in ("version", "status", "check", "log", "sales", "unit"):
        assert re.search(rf"^with +{name}\.", told, re.MULTILINE), told
    texts = unpacked(kiosk.tree / "srv/report.tar.gz")
    token = (kiosk.private / "token").read_bytes().strip()
    assert not [name for name, text in texts.items() if token in text]
    assert sale["reference"].encode() in texts["sales.json"]


Record: TypeAlias = Callable[[str, object], None]


def test_from_a_bare_machine_to_the_first_sale(installed: Installed, record_property: Record) -> None:
    record_property("log", told_of("Debian 12", installed))


@pytest.mark.long
def test_the_same_on_debian_13(tmp_path: Path, root: Path, record_property: Record) -> None:
    """From the bare machine to the first sale, and then every story."""
    installed = on_a_bare("trixie", "3.13", tmp_path, root)
    record_property("log", told_of("Debian 13", installed))

    def booted(_story: Story, folder: Path) -> AbstractContextManager[Machine]:
        return installed.booted(folder, root)

    with told_at(booted, [*STORIES, encrypted_token], tmp_path) as told:
        for story in (*STORIES, encrypted_token):
            told(story)


@pytest.mark.long
def test_from_the_network(tmp_path: Path, root: Path) -> None:
    """As on a Raspberry Pi: Python's packages come from where this machine's pip finds them."""
    with layered([bare_tree("bookworm", tmp_path)], tmp_path) as tree:
        put_checkout(root, tree)
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", tree / "srv")  # a company's own authority, perhaps
        (tree / "etc/pip.conf").write_text("[global]\ncert = /srv/ca-certificates.crt\n")
        with machine(tree, tmp_path, root) as kiosk:
            kiosk.join_counter()
            told = kiosk.inside(f"{CHECKOUT}/install.sh", "--token", TOKEN)
            assert "Building wheel" not in told
            kiosk.fill_in()
            kiosk.inside("systemctl", "start", "kiosk")
            kiosk.until_state("idle")
            kiosk.sell("2500")
            assert kiosk.customer("pay")
            kiosk.until_state("paid")


def told_of(system: str, installed: Installed) -> str:
    """What took how long, and how the unit is rated: no worse than it must be."""
    found = re.search(r"(\d+\.\d+) ", installed.exposure)
    assert found
    assert float(found[1]) <= EXPOSED_AT_MOST
    steps = [f"  {seconds:5.1f} s  {text}" for seconds, text in installed.steps]
    return "\n".join((f"From a bare {system} to the first sale:", *steps, installed.exposure))


# --- surviving --------------------------------------------------------------------------------------------------------


def troubles_in_the_middle_of_a_sale(kiosk: Machine) -> None:
    """One trouble after the other; each time the sale goes on, and its ticket is an ordinary one."""
    kiosk.drop_in("WatchdogSec=4", "TimeoutAbortSec=1")  # the unit's own half a minute is long for a test
    kiosk.inside("systemctl", "restart", "kiosk")
    kiosk.inside("systemctl", "reload", "kiosk")
    kiosk.until_told("nothing has changed")
    for number, trouble in enumerate((killed, hanging, settings_read_only), start=1):
        kiosk.until_state("idle")
        reference = kiosk.sell("2500")
        trouble(kiosk)
        kiosk.until_picture(not_running("pt", Down.RESTARTING))  # not what the dead kiosk showed last
        kiosk.until_told(f"restart counter is at {number}")
        assert kiosk.until_state("waiting").sale["reference"] == reference
        assert kiosk.customer("pay")
        kiosk.until_state("paid")
        assert [paper.marks for paper in audit(kiosk).tickets] == [set()] * number
        kiosk.leave()


def killed(kiosk: Machine) -> None:
    """``kill -9`` of the program: where all of the unit is named, systemd 257 ends what draws the picture, too."""
    kiosk.inside("systemctl", "kill", "--signal=KILL", "--kill-whom=main", "kiosk")


def hanging(kiosk: Machine) -> None:
    """The loop, and all else of the program, stands still."""
    kiosk.inside("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "kiosk")
    kiosk.until_told("Watchdog timeout")


def settings_read_only(kiosk: Machine) -> None:
    """``/etc`` cannot be written, from now on."""
    kiosk.inside("mount", "--bind", "/etc", "/etc")
    kiosk.inside("mount", "-o", "remount,bind,ro", "/etc")
    killed(kiosk)


def ends_that_the_panel_tells(kiosk: Machine) -> None:
    """Stopped, not to be started with such settings, restarted, switched off: each as it is (the unit's sandbox)."""
    kiosk.inside("systemctl", "stop", "kiosk")
    kiosk.until_picture(not_running("pt", Down.STOPPED))
    settings = kiosk.tree / SETTINGS
    right = settings.read_text()
    settings.write_text(right.replace("\n[shop]\n", "\n[shop]\nopen = true\n", 1))
    kiosk.inside("systemctl", "start", "kiosk", check=False)
    kiosk.until_picture(not_running("pt", Down.FAILED))
    settings.write_text(right)
    kiosk.inside("systemctl", "start", "kiosk")
    kiosk.until_state("idle")
    kiosk.inside("systemctl", "kill", "--signal=TERM", "kiosk")  # it ends in order, and is started again
    kiosk.until_picture(not_running("pt", Down.RESTARTING))
    kiosk.until_state("idle")
    kiosk.inside("systemctl", "poweroff", check=False)
    kiosk.until_picture(not_running("pt", Down.OFF))
    kiosk.until_state("idle")  # the counter boots a machine that went off by itself


def disk_full(kiosk: Machine) -> None:
    """No new sale starts until there is room again; then the kiosk sells by itself."""
    filler = kiosk.tree / "var/lib/kiosk/filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    kiosk.press("2500#")
    kiosk.until(lambda status: status.health["journal"] is False)
    kiosk.until_screen("DISCO")
    filler.unlink()
    kiosk.leave()
    kiosk.sell("2500")
    assert kiosk.customer("pay")
    kiosk.until_state("paid")
    assert len(audit(kiosk).tickets) == 1


def crashes(kiosk: Machine) -> None:
    """All of the machine dies in running sales; that it does is seen first."""
    alive = kiosk.leader
    with kiosk.without_power():
        pass
    kiosk.until_state("idle")
    assert not Path(f"/proc/{alive}").exists()
    cut_at_any_moment(kiosk, CRASHES)


# --- upgrading and removing -------------------------------------------------------------------------------------------


def upgrades(kiosk: Machine) -> None:
    """A new version waits for the customer; one that does not start is taken back."""
    first = in_force(kiosk)
    newer = checkout(kiosk, "newer", "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    kiosk.sell("2500")
    with ThreadPoolExecutor(1) as pool:
        log = kiosk.tree / "srv/upgrade.log"
        upgrade = pool.submit(kiosk.inside, "sh", "-c", f"{newer} --wheels {WHEELS} >/srv/upgrade.log 2>&1")
        kiosk.until(lambda _: log.exists() and "waiting: the kiosk is waiting" in log.read_text(), MINUTES_S)
        assert in_force(kiosk) == first
        assert kiosk.customer("pay")
        upgrade.result()
    assert in_force(kiosk).startswith("0.2.0-")
    assert "is in force and running" in kiosk.inside(newer, "--wheels", WHEELS), (
        "the second time there is nothing to do"
    )
    rolled_back(kiosk)
    assert "refunds   no supervisors" in kiosk.inside("kiosk", "check", check=False)
    kiosk.inside("sh", "-c", "echo 2580 | kiosk pin Ana")
    has_a_supervisor(kiosk)
    kiosk.inside("kiosk", "backup", "/srv")
    before = kiosk.sales()
    removed(kiosk)
    restored(kiosk, before)


def rolled_back(kiosk: Machine) -> None:
    """A version that ends before it is READY: the one before it sells again, and the technician is told."""
    before = in_force(kiosk)
    start = "def _run(parsed: argparse.Namespace) -> int:\n"
    broken = checkout(kiosk, "broken", "kiosk/cli.py", start, f"{start}    return 1\n")
    told = kiosk.inside(broken, "--wheels", WHEELS, check=False)
    assert "did not become ready" in told
    assert f"version {before} is back and running" in told
    assert in_force(kiosk) == before
    kiosk.leave()
    kiosk.sell("1000")
    assert kiosk.customer("pay")
    kiosk.until_state("paid")
    assert [paper.total for paper in audit(kiosk).tickets] == ["R$ 25,00", "R$ 10,00"]


def removed(kiosk: Machine) -> None:
    """Uninstalled, it leaves what is the shop's; purged, nothing."""
    kiosk.inside(f"{CHECKOUT}/install.sh", "--uninstall")
    assert not (kiosk.tree / "opt/kiosk").exists()
    assert not (kiosk.tree / "etc/systemd/system/kiosk.service").exists()
    assert not (kiosk.tree / "usr/local/lib/systemd/catalog/kiosk.catalog").exists()
    assert message_id("reload") not in kiosk.inside("journalctl", "--list-catalog")
    assert (kiosk.tree / "var/lib/kiosk/journal.db").exists()
    assert (kiosk.tree / "etc/kiosk/mercadopago-token").exists()
    kiosk.inside("umount", "/var/lib/kiosk")  # the test's own small disk
    kiosk.inside(f"{CHECKOUT}/install.sh", "--uninstall", "--purge")
    assert not (kiosk.tree / "etc/kiosk").exists()
    assert "kiosk" not in (kiosk.tree / "etc/passwd").read_text()


def has_a_supervisor(kiosk: Machine) -> None:
    """In a file that the service can read, as root can, and nobody else."""
    file = "/etc/kiosk/supervisors"
    assert kiosk.inside("stat", "--format=%U %G %a", file).split() == ["root", "kiosk", "640"]
    assert kiosk.inside("runuser", "-u", "kiosk", "--", "cat", file).startswith("Ana:")
    assert "Permission denied" in kiosk.inside("runuser", "-u", "nobody", "--", "cat", file, check=False)
    assert "refunds   1 supervisor" in kiosk.inside("kiosk", "check", check=False)


def restored(kiosk: Machine, before: list[dict[str, Any]]) -> None:
    """A new card: one command, and the shop goes on where it was; a second one puts nothing but the backup back."""
    [backup] = (kiosk.tree / "srv").glob("kiosk-*")
    assert not (kiosk.tree / "var/lib/kiosk").exists(), "as on a new card"
    again = (f"{CHECKOUT}/install.sh", "--wheels", WHEELS, "--token", TOKEN, "--restore", f"/srv/{backup.name}")
    kiosk.join_counter()
    assert "BAD" not in kiosk.step("sudo ./install.sh --restore, on a new card", *again)
    kiosk.until_state("idle")
    assert kiosk.sales() == before
    kiosk.sell("700")
    assert kiosk.customer("pay")
    kiosk.until_state("paid")
    assert audit(kiosk).tickets[-1].total == "R$ 7,00"
    assert kiosk.sales()[0]["number"] == before[0]["number"] + 1
    has_a_supervisor(kiosk)
    kiosk.leave()
    assert "is kept in /var/lib/kiosk/before-" in kiosk.inside(*again)
    assert kiosk.sales() == before


CUT = """
# Before each command of install.sh, counted: the one of that number is not reached any more.
if [[ $0 == */install.sh ]]; then
    count=0
    set -o functrace
    trap '((++count != CUT_AT)) || kill -KILL $$' DEBUG
    trap 'echo $count >/srv/commands' EXIT
fi
"""


def interrupted(kiosk: Machine) -> None:
    """Killed before any of its commands, an upgrade leaves a kiosk that starts; run again, it comes to its end."""
    (kiosk.tree / "srv/cut.sh").write_text(CUT)
    newer = checkout(kiosk, "newer", "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    installers = (f"{CHECKOUT}/install.sh", newer)

    def upgrade(at: int, installer: str) -> str:
        cut = ("env", "BASH_ENV=/srv/cut.sh", f"CUT_AT={at}", installer, "--wheels", WHEELS)
        return kiosk.inside(*cut, check=False)

    upgrade(0, newer)
    assert in_force(kiosk).startswith("0.2.0-")
    upgrade(0, installers[0])  # from one made version to the other: so many commands it takes
    commands = int((kiosk.tree / "srv/commands").read_text())
    assert commands > 100
    for number, at in enumerate(range(1, commands, CUT_EVERY), start=1):
        installer = installers[number % 2]
        assert "is in force and running" not in upgrade(at, installer)
        kiosk.inside("systemctl", "restart", "kiosk")  # as after a power cut
        assert kiosk.inside(installer, "--wheels", WHEELS)
        assert in_force(kiosk).startswith(("0.1.0-", "0.2.0-")[number % 2])
        assert kiosk.service("ActiveState") == ["active"]
    kiosk.sell("2500")
    assert kiosk.customer("pay")
    kiosk.until_state("paid")


def encrypted_token(kiosk: Machine) -> None:
    """The recipe of systemd/README.md: the token lies nowhere in the clear, and the kiosk sells."""
    clear, locked = "/etc/kiosk/mercadopago-token", "/etc/kiosk/mercadopago-token.cred"
    kiosk.inside("systemd-creds", "encrypt", "--name=mercadopago-token", clear, locked)
    drop_in = kiosk.tree / "etc/systemd/system/kiosk.service.d/encrypted.conf"
    credential = f"LoadCredentialEncrypted=mercadopago-token:{locked}"
    drop_in.write_text(f"[Unit]\nAssertPathExists=\n[Service]\nLoadCredential=\n{credential}\n")
    (kiosk.tree / clear.lstrip("/")).unlink()
    kiosk.inside("systemctl", "daemon-reload")
    kiosk.inside("systemctl", "restart", "kiosk")
    kiosk.until_state("idle")
    kiosk.sell("2500")
    assert kiosk.customer("pay")
    kiosk.until_state("paid")


def in_force(kiosk: Machine) -> str:
    """The version that a start runs."""
    return (kiosk.tree / "opt/kiosk/current").readlink().name


def checkout(kiosk: Machine, name: str, file: str, old: str, new: str) -> str:
    """Another checkout on the machine, changed in one place; answers its install.sh."""
    shutil.copytree(kiosk.tree / CHECKOUT.lstrip("/"), kiosk.tree / "srv" / name)
    path = kiosk.tree / "srv" / name / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return f"/srv/{name}/install.sh"


# --- told -------------------------------------------------------------------------------------------------------------


STORIES: list[Story] = [crashes, upgrades, troubles_in_the_middle_of_a_sale, ends_that_the_panel_tells, disk_full]
LONG_STORIES: list[Story] = [interrupted, encrypted_token]
ALL = [*STORIES, *(pytest.param(story, marks=pytest.mark.long) for story in LONG_STORIES)]


@pytest.fixture(scope="module")
def told(
    request: pytest.FixtureRequest, installed: Installed, tmp_path_factory: pytest.TempPathFactory, root: Path
) -> Iterator[Callable[[Story], None]]:
    """The stories, side by side: each on a machine of its own."""

    def booted(_story: Story, folder: Path) -> AbstractContextManager[Machine]:
        return installed.booted(folder, root)

    with told_at(booted, selected(request), tmp_path_factory.mktemp("machines")) as told:
        yield told


@pytest.mark.parametrize("story", ALL, ids=lambda story: story.__name__)
def test_on_a_machine_that_came_up_by_itself(story: Story, told: Callable[[Story], None]) -> None:
    told(story)


@pytest.mark.long
def test_many_crashes_of_the_whole_machine(installed: Installed, tmp_path: Path, root: Path) -> None:
    with installed.booted(tmp_path, root) as kiosk:
        cut_at_any_moment(kiosk, MANY_CRASHES)
