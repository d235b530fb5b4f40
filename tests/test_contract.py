"""The adapter's contract, over real sockets: single answers, the wire, and who stands in the provider's place.

The catalogue is ``tests.adversary`` and ``tests.adversary_wire``. What an account does from one request to the next has
its tests in ``test_doubts``; a real account, in ``test_real_account``.
"""

from __future__ import annotations

import socket
from collections import Counter

import pytest

from kiosk.sim.doubts import DOUBTS
from tests.adversary import ANSWERS, CALLS, RIGHT, Misbehaviour
from tests.adversary_wire import ENDS, WIRE, End, far_end, on_a_machine_of_ours
from tests.contract import Lane, keeps, the_right_answers_are_right
from tests.laws import LawBroken

CATALOGUE = (*ANSWERS, *WIRE)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that trusts our authority, and has a resolver of its own."""
    on_a_machine_of_ours(monkeypatch)


# --- single answers, and the wire -------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", CATALOGUE, ids=[f"{entry.section} {entry.name}" for entry in CATALOGUE])
def test_a_misbehaviour_is_called_by_its_name(entry: Misbehaviour) -> None:
    keeps(entry)


def test_a_server_that_is_well_is_understood() -> None:
    """The twin of all misbehaviours."""
    the_right_answers_are_right()


def test_every_section_that_leaves_room_for_it_has_its_misbehaviours() -> None:
    """2.7, retries, is the machine's affair: an attempt of unknown outcome, in ``test_doubts`` and the stories."""
    written = {entry.section for entry in CATALOGUE} | {doubt.section for doubt in DOUBTS}
    sections = {
        "2.2",
        "2.3",
        "2.4",
        "2.5",
        "2.6",
        "2.8",
        "3",
        "4.1",
        "4.2",
        "4.3",
        "4.4",
        "4.5",
        "4.6",
        "5",
        "5.1",
        "6",
    }
    assert written >= sections | {"8.1", "8.2", "8.3", "12.10", "12.15", "12.20", "13.1", "13.2", "13.13", "wire"}


def test_the_catalogue_is_one() -> None:
    """Each entry once, and of each call, whatever the section, there is one that is answered and one that is not."""
    twice = [name for name, count in Counter(entry.name for entry in CATALOGUE).items() if count > 1]
    assert not twice
    assert all(set(entry.said) <= {*CALLS} and entry.said for entry in CATALOGUE)
    for call in CALLS:
        assert len({str(entry.said[call]) for entry in CATALOGUE if call in entry.said}) > 5


def test_a_wrong_word_in_the_catalogue_is_found() -> None:
    """The contract can fail: a misbehaviour, held to the right answers."""
    entry = ANSWERS[0]
    with pytest.raises(LawBroken, match=r"^L6: .* place ended with"):
        keeps(Misbehaviour(entry.name, entry.section, entry.bad, RIGHT))


# --- who stands in the provider's place -------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ENDS, ids=[end.name for end in ENDS])
def test_nobody_else_is_taken_for_the_provider(end: End) -> None:
    """And nothing of a request, nor the token in it, travels to them."""
    with far_end(end) as (port, server):
        lane = Lane(end.url.format(port=port), limit_s=end.limit_s)
        words = {call: lane.ask(call) for call in CALLS}
        lane.close()
    assert words == (RIGHT if end.trouble is None else dict.fromkeys(CALLS, end.trouble))
    if server is not None:
        assert bool(server.requests) == (end.trouble is None)


def test_a_server_that_takes_no_calls_is_slow() -> None:
    """Its queue is full: the kernel drops what knocks, and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        for each in crowd:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        lane = Lane(f"http://127.0.0.1:{port}", limit_s=0.02)
        words = {str(lane.ask(call)) for call in CALLS}
        lane.close()
        for each in crowd:
            each.close()
    assert words == {"Trouble.SLOW"}
