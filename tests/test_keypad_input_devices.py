"""evdev, where it is installed: called as it wants to be, and all there that is used of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kiosk.keypad.input_devices import Evdev, InputDevice
from tests.usb_pads import F1, KP


def test_evdev_itself_is_called_as_it_wants_to_be(tmp_path: Path) -> None:
    """Where it is installed: names, and refusals that are OSErrors."""
    pytest.importorskip("evdev", reason="evdev is not installed")
    library = Evdev()
    assert [library.name(code) for code in (F1, KP["5"], 113, 9999)] == [
        "KEY_F1",
        "KEY_KP5",
        "KEY_MIN_INTERESTING",
        "code 9999",
    ]
    with pytest.raises(FileNotFoundError):
        library.open(str(tmp_path / "event0"))
    with pytest.raises(OSError, match="Inappropriate ioctl"):
        library.open(os.devnull)


def test_evdevs_device_has_what_is_used_of_it() -> None:
    """Where it is installed."""
    evdev = pytest.importorskip("evdev", reason="evdev is not installed")
    used = [name for name in vars(InputDevice) if not name.startswith("_")]
    assert {"grab", "read", "active_keys", "fd"} <= set(used)
    assert [name for name in used if not hasattr(evdev.InputDevice, name)] == []
