"""The machine's self-tests, on machines made of files, and before everyone who may stand in the provider's place."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from kiosk.check import TROUBLES, Result
from kiosk.check_machine import LITTLE_ROOM, NO_ROOM, check_machine, check_way, run
from kiosk.sale.events import Trouble
from tests.adversary_wire import ENDS, End, far_end, on_a_machine_of_ours

NOWHERE = "http://127.0.0.1:1"


def found(root: Path, programs: Mapping[str, str] | None = None, journal: Path | None = None) -> dict[str, Result]:
    """What is found on a machine of those files, whose programs say that."""
    said = programs or {}

    def told(command: Sequence[str]) -> str | None:
        return said.get(command[0])

    results = list(check_machine(journal or root / "journal.db", NOWHERE, root, told))
    assert all(result.ok or result.advice for result in results), "what is wrong, and what to do"
    return {result.name: result for result in results}


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_what_a_machine_does_not_have_is_passed_over(tmp_path: Path) -> None:
    assert set(found(tmp_path)) == {"disk", "names"}


# --- time, power, heat ------------------------------------------------------------------------------------------------


def test_a_clock_that_a_time_service_sets_and_one_that_runs_by_itself(tmp_path: Path) -> None:
    assert found(tmp_path, {"timedatectl": "yes\n"})["time"].advice == ""
    alone = found(tmp_path, {"timedatectl": "no\n"})["time"]
    assert alone.ok, "the account says whether it is right"
    assert "timedatectl" in alone.advice


@pytest.mark.parametrize(
    ("bits", "well", "words"),
    [
        ("0x0", True, "was since the machine started"),
        ("0x50005", False, "too low now"),
        ("0x1", False, "too low now"),
        ("0x50000", False, "was too low since"),
        ("0x80008", True, "well"),  # it was hot: that is the thermometer's
    ],
)
def test_the_supply_by_the_firmwares_word(tmp_path: Path, bits: str, well: bool, words: str) -> None:
    power = found(tmp_path, {"vcgencmd": f"throttled={bits}\n"})["power"]
    assert (power.ok, words in power.text) == (well, True)
    put(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", f"{bits[2:]}\n")
    assert found(tmp_path)["power"] == power, "the kernel says the same where there is no vcgencmd"


def test_a_firmware_that_says_something_else_is_quoted(tmp_path: Path) -> None:
    power = found(tmp_path, {"vcgencmd": "throttled=error\n"})["power"]
    assert (power.ok, power.text) == (True, "the firmware says 'error'")


@pytest.mark.parametrize(("text", "well"), [("79999", True), ("80000", False), ("-3000", True)])
def test_a_hot_machine(tmp_path: Path, text: str, well: bool) -> None:
    put(tmp_path, "sys/class/thermal/thermal_zone0/temp", f"{text}\n")
    heat = found(tmp_path)["heat"]
    assert (heat.ok, heat.text) == (well, f"{int(text) // 1000} °C")


# --- disk and card ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "flags", "well", "advised"),
    [
        (LITTLE_ROOM, 0, True, False),
        (LITTLE_ROOM - 4096, 0, True, True),
        (NO_ROOM - 4096, 0, False, True),
        (LITTLE_ROOM, os.ST_RDONLY, False, True),
    ],
)
def test_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, flags: int, well: bool, advised: bool
) -> None:
    disk = os.statvfs_result((4096, 4096, 10**6, 10**6, free // 4096, 0, 0, 0, flags, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: disk)
    result = found(tmp_path)["disk"]
    assert (result.ok, bool(result.advice)) == (well, advised)


def test_the_disk_is_the_one_that_will_hold_the_journal(tmp_path: Path) -> None:
    """A kiosk that never ran has no folder for it yet."""
    journal = tmp_path / "not" / "yet" / "journal.db"
    assert str(journal) in found(tmp_path, journal=journal)["disk"].text


def block(root: Path, place: Path) -> Path:
    """The device of that place, as sysfs shows it; answers the disk that it is a part of."""
    device = os.stat(place).st_dev
    disk = root / "sys/devices/mmc/mmcblk0"
    (disk / "mmcblk0p2").mkdir(parents=True)
    link = root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    link.parent.mkdir(parents=True)
    link.symlink_to(disk / "mmcblk0p2")
    return disk


def test_a_file_system_that_had_errors(tmp_path: Path) -> None:
    block(tmp_path, tmp_path)
    put(tmp_path, "sys/fs/ext4/mmcblk0p2/errors_count", "0\n")
    assert found(tmp_path)["card"].ok
    put(tmp_path, "sys/fs/ext4/mmcblk0p2/errors_count", "3\n")
    card = found(tmp_path)["card"]
    assert (card.ok, card.text) == (False, "its file system had errors: 3")
    assert "backup" in card.advice


@pytest.mark.parametrize(("worn", "well"), [("0x00", True), ("0x01", True), ("0x02", False), ("0x03", False)])
def test_an_emmc_that_is_worn(tmp_path: Path, worn: str, well: bool) -> None:
    disk = block(tmp_path, tmp_path)
    put(disk, "device/pre_eol_info", f"{worn}\n")
    assert ("card" not in found(tmp_path)) == well


# --- the radio --------------------------------------------------------------------------------------------------------

WIRELESS = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   54.  {level}  -256        0      0      0      0      0        0
"""


@pytest.mark.parametrize(("level", "well"), [("-75.", True), ("-76.", False)])
def test_a_weak_signal(tmp_path: Path, level: str, well: bool) -> None:
    put(tmp_path, "proc/net/wireless", WIRELESS.format(level=level))
    wifi = found(tmp_path)["wifi"]
    assert (wifi.ok, wifi.text) == (well, f"wlan0: {level[:-1]} dBm")


@pytest.mark.parametrize(("told", "sleeps"), [("Power save: on\n", True), ("Power save: off\n", False)])
def test_a_radio_that_sleeps(tmp_path: Path, told: str, sleeps: bool) -> None:
    put(tmp_path, "proc/net/wireless", WIRELESS.format(level="-50."))
    wifi = found(tmp_path, {"iw": told})["wifi"]
    assert wifi.ok
    assert ("power_save off" in wifi.advice) == sleeps


def test_a_machine_on_a_cable_has_no_radio(tmp_path: Path) -> None:
    put(tmp_path, "proc/net/wireless", "".join(WIRELESS.splitlines(keepends=True)[:2]))
    assert "wifi" not in found(tmp_path, {"iw": "Power save: on\n"})


# --- the way to the provider ------------------------------------------------------------------------------------------

BY_TROUBLE = {
    None: ["names", "tls"],
    Trouble.TLS: ["names", "tls"],
    Trouble.CLOCK: ["names", "tls"],
    Trouble.NAME: ["names"],
    Trouble.NONSENSE: ["names"],
    Trouble.NETWORK: ["names", "network"],
    Trouble.SLOW: ["names", "network"],
}


@pytest.mark.parametrize("end", ENDS, ids=[end.name for end in ENDS])
def test_whoever_stands_there_is_named(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same far ends that the adapter is held against, and the same words for what is wrong."""
    on_a_machine_of_ours(monkeypatch)
    with far_end(end) as (port, _):
        results = list(check_way(end.url.format(port=port), end.limit_s))
    if end.url.startswith("http:"):
        assert [result.name for result in results] == ["names"], "in the clear there is no door to try"
        return
    assert [result.name for result in results][:2] == BY_TROUBLE[end.trouble][: len(results)]
    last = results[-1]
    assert last.ok == (end.trouble is None)
    if end.trouble is Trouble.NONSENSE:
        assert last.advice == TROUBLES[Trouble.NAME]
    elif end.trouble is not None:
        assert last.advice == TROUBLES[end.trouble]


# --- its programs -----------------------------------------------------------------------------------------------------


def test_a_program_that_is_there_one_that_fails_and_one_that_is_not() -> None:
    assert run(("echo", "well")) == "well\n"
    assert run(("false",)) is None
    assert run(("no-such-program-here",)) is None
