"""What the kernel tells of a USB pad's keys, and what the keys did."""

from __future__ import annotations

import math
import random
import re
from itertools import product
from pathlib import Path

import pytest

from kiosk.keypad import codes
from kiosk.keypad.codes import DOWN, LETTERS, PAD_DIGITS, PAD_ENTER, SHIFTS, UP, Pad
from kiosk.keypad.scan import HELD_S, STUCK_S
from kiosk.sale.events import Key

NAMES = {
    **{f"KEY_KP{digit}": str(digit) for digit in range(10)},
    **{f"KEY_{digit}": str(digit) for digit in range(10)},
    **dict.fromkeys(("KEY_KPENTER", "KEY_ENTER"), "#"),
    **dict.fromkeys(("KEY_KPASTERISK", "KEY_BACKSPACE", "KEY_DELETE", "KEY_ESC"), "*"),
    **dict(zip(("KEY_KPPLUS", "KEY_KPSLASH", *(f"KEY_{letter}" for letter in "ABCD")), "ACABCD", strict=True)),
}
UNUSED = {"KEY_KPDOT": 83, "KEY_KPCOMMA": 121, "KEY_KPMINUS": 74, "KEY_NUMLOCK": 69, "KEY_HOME": 102, "KEY_F1": 59}
ENTER, BACKSPACE, SHIFT, THREE, EIGHT, FOUR = 96, 14, 42, 4, 9, 5
ONE, FIVE = 79, 76
HEADER = Path("/usr/include/linux/input-event-codes.h")


class Typist:
    """A pad over time."""

    def __init__(self, pad: Pad | None = None) -> None:
        self.pad = pad or Pad()
        self.now = 100.0
        self.said: list[Key | str] = []

    def set(self, code: int, value: int) -> Typist:
        """One word of the kernel."""
        return self._hear(*codes.strike(self.pad, code, value, self.now))

    def strike(self, *struck: int) -> Typist:
        """Down and up, one after the other."""
        for code in struck:
            self.set(code, DOWN).set(code, UP)
        return self

    def wait(self, seconds: float) -> Typist:
        """Time passes, and the pad is looked at when it wants to be."""
        end = self.now + seconds
        while (due := self.pad.wakes_at) <= end:
            self.now = max(self.now, due)
            self._hear(*codes.later(self.pad, self.now))
            assert self.pad.wakes_at > due, "it would be looked at for ever"
        self.now = end
        return self._hear(*codes.later(self.pad, self.now))

    def _hear(self, pad: Pad, news: codes.News) -> Typist:
        self.pad = pad
        self.said += news
        return self

    @property
    def typed(self) -> str:
        """The keys, as a text."""
        return "".join(key.key for key in self.said if isinstance(key, Key) and not key.held)


def kernels() -> dict[str, int]:
    """The kernel's own numbers, from its header or from evdev, whichever is here."""
    if HEADER.exists():
        found = re.findall(r"^#define\s+(KEY_\w+)\s+(\d+|0x[0-9a-f]+)\b", HEADER.read_text(encoding="ascii"), re.M)
        return {name: int(number, 0) for name, number in found}
    ecodes = pytest.importorskip("evdev.ecodes", reason="neither the kernel's header nor evdev is here")
    numbers: dict[str, int] = ecodes.ecodes
    return numbers


def test_the_numbers_are_the_kernels() -> None:
    number = kernels()
    assert dict(codes.KEYS) == {number[name]: key for name, key in NAMES.items()}
    assert {code: number[f"KEY_{key}"] for code, key in ((4, "3"), (9, "8"))} == {code: code for code in codes.SHIFTED}
    assert {number["KEY_LEFTSHIFT"], number["KEY_RIGHTSHIFT"]} == SHIFTS
    assert {number[f"KEY_{letter}"] for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"} == LETTERS
    assert {name: number[name] for name in UNUSED} == UNUSED
    assert {number[f"KEY_KP{digit}"]: str(digit) for digit in range(10)} == dict(PAD_DIGITS)
    assert number["KEY_KPENTER"] == PAD_ENTER


def test_evdev_numbers_them_alike() -> None:
    """The library that reads them, where it is installed."""
    ecodes = pytest.importorskip("evdev.ecodes", reason="evdev is not installed")
    assert {ecodes.ecodes[name]: key for name, key in NAMES.items()} == dict(codes.KEYS)
    assert (ecodes.EV_SYN, ecodes.EV_KEY, ecodes.SYN_REPORT, ecodes.SYN_DROPPED) == (0, 1, 0, 3)


@pytest.mark.parametrize(("code", "key"), codes.KEYS.items())
def test_a_key_says_what_it_means_once(code: int, key: str) -> None:
    assert Typist().set(code, DOWN).wait(0.5).set(code, UP).wait(60).said == [Key(key)]


@pytest.mark.parametrize("code", UNUSED.values(), ids=UNUSED.keys())
def test_a_key_that_means_nothing_says_nothing(code: int) -> None:
    """Not even when it is stuck: a pad's NumLock stays down at nobody's cost."""
    assert Typist().set(code, DOWN).wait(60).said == []
    assert codes.meaning(Pad(), code) is None


def test_an_amount_typed_with_a_dot_is_that_amount() -> None:
    """L5: 25.00 by habit, on a machine that counts cents first."""
    assert Typist().strike(80, 76, 83, 82, 82, 96).typed == "2500#"


def test_the_key_for_two_zeros_is_two_quick_ones() -> None:
    """Within the same millisecond, and struck by NumLock on both sides, as some pads do."""
    assert Typist().strike(69, 82, 82, 69, 82, 82, 82).typed == "00000"


def test_overlapping_presses_lose_and_double_nothing() -> None:
    """The next key goes down before the last one is up."""
    typist = Typist().set(ONE, DOWN).set(FIVE, DOWN).set(ONE, UP).set(ENTER, DOWN).set(FIVE, UP).set(ENTER, UP)
    assert typist.typed == "15#"
    assert typist.pad == Pad()


@pytest.mark.parametrize("seed", range(5))
def test_as_many_presses_as_were_made(seed: int) -> None:
    """At random, with overlaps, autorepeat and keys that mean nothing."""
    draw, typist, made, down = random.Random(seed), Typist(), "", set[int]()
    every = [*codes.PAD_DIGITS, *codes.KEYS, *UNUSED.values()]
    for _ in range(2000):
        code = draw.choice(every)
        if code in down:
            value = draw.choice((UP, 2))
            if value == UP:
                down.remove(code)
        else:
            value = DOWN
            down.add(code)
            made += codes.KEYS.get(code, "")
        typist.set(code, value).wait(draw.choice((0.0, 0.001, 0.2)))
    assert typist.typed == made


# --- held, stuck ------------------------------------------------------------------------------------------------------


def test_a_key_held_for_a_second_says_so_once_whatever_repeats() -> None:
    typist = Typist().set(BACKSPACE, DOWN).wait(0.25)
    for _ in range(30):
        typist.set(BACKSPACE, 2).wait(0.033)
    assert typist.said == [Key("*"), Key("*", held=True)]
    assert typist.set(BACKSPACE, UP).wait(40).said == [Key("*"), Key("*", held=True)]


def test_a_key_that_repeats_and_was_never_seen_to_go_down_says_nothing() -> None:
    """Its twin: seen, it says so once."""
    assert Typist().set(FIVE, 2).set(FIVE, 2).wait(60).said == []
    assert Typist().set(FIVE, DOWN).set(FIVE, 2).set(FIVE, UP).said == [Key("5")]


def test_a_key_let_go_just_before_a_second_is_not_held() -> None:
    typist = Typist().set(BACKSPACE, DOWN).wait(HELD_S - 0.001)
    assert typist.set(BACKSPACE, UP).wait(5).said == [Key("*")]
    assert Typist().set(BACKSPACE, DOWN).wait(HELD_S).said == [Key("*"), Key("*", held=True)]


def test_a_stuck_key_is_reported_once_and_leaves_the_others_alone() -> None:
    """In the words of a matrix. Its twin: let go before, it is no news. Let go at last, it is a key again."""
    typist = Typist().set(FIVE, DOWN).wait(STUCK_S - 0.001)
    assert typist.said == [Key("5"), Key("5", held=True)]
    assert not list(typist.pad.stuck)
    typist.wait(0.001).strike(ONE).wait(300)
    assert typist.said == [Key("5"), Key("5", held=True), Key("1")]
    assert list(typist.pad.stuck) == ["5"]
    assert typist.set(FIVE, UP).strike(FIVE).typed == "515"


def test_a_pad_at_rest_wants_no_look() -> None:
    """No scan while no key is down, nor once a stuck one was reported."""
    typist = Typist()
    assert typist.pad.wakes_at == math.inf
    assert typist.set(FIVE, DOWN).pad.wakes_at == typist.now + HELD_S
    assert typist.wait(1).pad.wakes_at == 100 + STUCK_S
    assert typist.wait(29).pad.wakes_at == math.inf


# --- shift ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", sorted(SHIFTS))
def test_shift_makes_the_signs_of_a_keyboard(shift: int) -> None:
    """A pad that sends # as Shift and 3 must not charge 3 more; what Shift makes of 4 is nothing. Its twin: without."""
    typist = Typist().set(shift, DOWN).strike(THREE, EIGHT, FOUR, FIVE).set(shift, UP)
    assert typist.typed == "#*5"
    assert Typist().strike(THREE, EIGHT, FOUR, FIVE).typed == "3845"


def test_shift_alone_is_no_key_and_a_stuck_one_is_named() -> None:
    typist = Typist().set(SHIFT, DOWN).wait(20)
    assert typist.said == []
    assert typist.wait(20).said == []
    assert list(typist.pad.stuck) == ["Shift"]


# --- words that were lost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "typed", "left"),
    [
        ((), (), "", ()),
        ((ONE,), (ONE,), "", (ONE,)),
        ((ONE,), (), "", ()),
        ((), (ONE,), "1", (ONE,)),
        ((ONE,), (FIVE,), "5", (FIVE,)),
        ((), (SHIFT, THREE), "#", (SHIFT, THREE)),
        ((), (83,), "", ()),
    ],
)
def test_after_a_loss_the_keys_are_what_they_are(
    before: tuple[int, ...], now: tuple[int, ...], typed: str, left: tuple[int, ...]
) -> None:
    """A key that is found down was pressed; one that is up was let go."""
    pad = Pad()
    for code in before:
        pad, _ = codes.strike(pad, code, DOWN, 1.0)
    pad, news = codes.resync(pad, now, 2.0)
    assert news == tuple(map(Key, typed))
    assert set(pad.down) == set(left)
    assert all(press.since == (1.0 if code in before else 2.0) for code, press in pad.down.items())


def test_what_was_told_already_does_not_count_twice() -> None:
    """Between asking and hearing, the same press may be told both ways."""
    for first, value in product((True, False), (UP, DOWN)):
        pad, news = codes.resync(Pad(), [ONE] if first else [], 1.0)
        _, again = codes.strike(pad, ONE, value, 1.0)
        assert len(news + again) == (1 if first or value == DOWN else 0)


def test_a_key_that_was_down_when_the_pad_came_is_nobodys_press() -> None:
    """Jammed, it is reported. Let go, it is a key."""
    typist = Typist(codes.found_down([FIVE, 83], 100.0))
    assert typist.wait(29.9).said == []
    assert typist.wait(1).said == []
    assert list(typist.pad.stuck) == ["5"]
    assert typist.set(FIVE, UP).strike(FIVE).typed == "5"


# --- what a pad is ----------------------------------------------------------------------------------------------------

PAD = {*PAD_DIGITS, PAD_ENTER, 55, 83}


def test_a_number_pad_has_the_pads_digits_and_its_enter() -> None:
    assert codes.is_number_pad(PAD)
    assert not any(codes.is_number_pad(PAD - {code}) for code in (*PAD_DIGITS, PAD_ENTER))
    assert not codes.is_number_pad(set(range(2, 12)) | {28})


def test_a_keyboard_has_all_letters() -> None:
    assert codes.is_keyboard(PAD | LETTERS)
    assert not codes.is_keyboard(PAD)
    assert not codes.is_keyboard(PAD | LETTERS - {16})
    assert not codes.is_keyboard({30, 48, 46, 32} | PAD)


def test_what_a_pad_cannot_send_is_known() -> None:
    """Twelve keys are needed, in whichever way they come."""
    assert codes.missing(PAD) == ""
    assert codes.missing(PAD - {55, 82}) == "0*"
    assert codes.missing({*range(2, 12)}) == "*#"
    assert codes.missing({*range(2, 12), SHIFT}) == ""
    assert codes.missing([]) == "0123456789*#"
