"""What every test stands on: the same world on every machine, and the same random examples at every run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# The examples follow from the test alone, none is remembered between runs, and no clock judges one.
settings.register_profile("kiosk", derandomize=True, database=None, deadline=None)
settings.load_profile("kiosk")

# What a shell or a service manager may have set, and a kiosk would obey. KIOSK_TEST_... name a real test account, which
# test_real_account alone reads.
for name in [*os.environ]:
    if name.startswith("KIOSK_TEST_"):
        continue
    if name.startswith("KIOSK_") or name in (
        *("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM"),
        *("GPIOZERO_PIN_FACTORY", "TZ"),
    ):
        del os.environ[name]

# A job in a shell's background ignores Ctrl-C, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: begun last, one of them would keep one process busy and the others waiting."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a test recorded for people as its ``log`` is shown, whichever process ran it."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "log":
                terminalreporter.write_line(str(text))
