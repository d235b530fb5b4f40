"""What stands on the panel while no kiosk runs: why, in systemd's words, and drawn by another process."""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.config import DisplayConfig, PanelConfig
from kiosk.display.picture import draw
from kiosk.sale.screens import not_running
from kiosk.sale.words import LANGUAGES, Down
from kiosk.still import UNIT, leave, why_down
from tests.fake_bus import Bus

CONFIG = PanelConfig(DisplayConfig(), "gpiod", "pt", Path("journal.db"))
ORDERLY = {"SERVICE_RESULT": "success", "EXIT_CODE": "exited", "EXIT_STATUS": "0"}
KILLED = {"SERVICE_RESULT": "signal", "EXIT_CODE": "killed", "EXIT_STATUS": "KILL"}
HANGING = {"SERVICE_RESULT": "watchdog", "EXIT_CODE": "killed", "EXIT_STATUS": "ABRT"}
CRASHED = {"SERVICE_RESULT": "exit-code", "EXIT_CODE": "exited", "EXIT_STATUS": "1"}
CALLED_WRONGLY = {"SERVICE_RESULT": "exit-code", "EXIT_CODE": "exited", "EXIT_STATUS": "2"}
STOP, RESTART, START = (UNIT, "stop"), (UNIT, "restart"), (UNIT, "start")
POWEROFF, REBOOT = ("poweroff.target", "start"), ("reboot.target", "start")
ANOTHER = ("apt-daily.service", "start")


@pytest.mark.parametrize("ended", [KILLED, HANGING, CRASHED])
@pytest.mark.parametrize("jobs", [None, set(), {ANOTHER}, {START}])
def test_a_kiosk_that_did_not_end_in_order_is_started_again(
    ended: dict[str, str], jobs: set[tuple[str, str]] | None
) -> None:
    assert why_down(ended, jobs) is Down.RESTARTING


@pytest.mark.parametrize("ended", [ORDERLY, KILLED, HANGING], ids=["in order", "killed at the end", "hanging"])
def test_one_that_was_stopped_stays_stopped_however_it_ended(ended: dict[str, str]) -> None:
    """A stop that took too long ends by SIGKILL, and is a stop all the same."""
    assert why_down(ended, {STOP, ANOTHER}) is Down.STOPPED


def test_one_that_ended_in_order_without_being_told_to_is_started_again() -> None:
    """``Restart=always``; or it is restarted on request. Where systemd says nothing, it counts as stopped."""
    assert why_down(ORDERLY, set()) is Down.RESTARTING
    assert why_down(ORDERLY, {RESTART}) is Down.RESTARTING
    assert why_down(ORDERLY, None) is Down.STOPPED


def test_wrong_settings_are_no_restart() -> None:
    """The unit has ``RestartPreventExitStatus=2``; and any other status is none of that."""
    for jobs in (None, set(), {START}):
        assert why_down(CALLED_WRONGLY, jobs) is Down.FAILED
    assert why_down({**KILLED, "EXIT_STATUS": "2"}, set()) is Down.RESTARTING


@pytest.mark.parametrize("ended", [ORDERLY, KILLED, CALLED_WRONGLY])
def test_a_machine_that_goes_off_says_so_and_one_that_boots_again_restarts(ended: dict[str, str]) -> None:
    assert why_down(ended, {STOP, POWEROFF}) is Down.OFF
    assert why_down(ended, {STOP, ("halt.target", "start")}) is Down.OFF
    assert why_down(ended, {STOP, REBOOT}) is Down.RESTARTING
    assert why_down(ORDERLY, {STOP, ("reboot.target", "stop")}) is Down.STOPPED


def test_called_by_hand_nothing_runs() -> None:
    assert why_down({}, set()) is why_down({}, None) is Down.STOPPED


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("why", Down)
def test_it_is_drawn_to_the_dot_and_left_there_alight(why: Down, language: str) -> None:
    """Over whatever another process left, perhaps in the middle of a transfer."""
    bus = Bus()
    bus.oled.feed("data", [0xA5] * 500)
    assert leave(replace(CONFIG, language=language), why, lambda: 7.0, bus) == ""
    assert bus.oled.image().tobytes() == draw(not_running(language, why), (128, 64), 0.0).image.tobytes()
    assert bus.oled.on
    assert bus.released == 1


def test_a_panel_that_is_gone_is_told_and_no_more() -> None:
    bus = Bus()
    bus.plugged = False
    assert leave(CONFIG, Down.RESTARTING, lambda: 7.0, bus) == "[Errno 121] Remote I/O error"
    assert leave(replace(CONFIG, display=DisplayConfig(port=87)), Down.RESTARTING, lambda: 7.0, None)


def test_one_transfer_that_fails_is_made_good() -> None:
    """There is no next picture that would do it."""
    for at in range(8):
        bus = Bus()
        bus.fail_at = at
        assert leave(CONFIG, Down.RESTARTING, lambda: 7.0, bus) == ""
        assert bus.oled.image().tobytes() == draw(not_running("pt", Down.RESTARTING), (128, 64), 0.0).image.tobytes()


def test_no_panel_one_of_no_such_size_and_a_fault_of_the_program_are_told() -> None:
    assert leave(replace(CONFIG, display=DisplayConfig(driver="none")), Down.OFF, lambda: 7.0, Bus()) != ""
    assert "[display]" in leave(replace(CONFIG, display=DisplayConfig(width=100)), Down.OFF, lambda: 7.0, Bus())
    bus = Bus()
    bus.plugged, bus.error = False, ZeroDivisionError("a fault")
    assert leave(CONFIG, Down.OFF, lambda: 7.0, bus) == "ZeroDivisionError('a fault')"


@pytest.mark.slow
def test_a_bus_that_hangs_is_left_hanging() -> None:
    """The end of the service does not wait for it: two seconds at most."""
    over = threading.Event()

    class Hanging(Bus):
        def data(self, data: Sequence[int]) -> None:
            over.wait(60.0)
            raise OSError(errno.ETIMEDOUT, "Connection timed out")

    assert leave(CONFIG, Down.STOPPED, lambda: 7.0, Hanging()) == "its bus hangs"
    over.set()
