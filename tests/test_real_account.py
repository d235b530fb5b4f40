"""The adapter's contract with a real test account of Mercado Pago, where one is named; skipped otherwise.

``KIOSK_TEST_TOKEN`` ``KIOSK_TEST_USER`` ``KIOSK_TEST_STORE`` ``KIOSK_TEST_POS``: the token and the ids of a test
seller, whose POS nothing else uses. ``KIOSK_TEST_URL``: another address than Mercado Pago's. ``KIOSK_TEST_CENTS``: the
amount, in minor units (2500). ``KIOSK_TEST_CUSTOMER``: ``phone`` where a person with a test buyer's app stands by and
pays when asked, or the address of the fake's customer. Words that no document promises must be plausible, and are told.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from kiosk.mercadopago import PosFound
from kiosk.sale.events import AccountIs, Reject, Removal
from tests.account_sale import DIFFERS, UNPAID, likely, payment_of, plausible, refund, sale, unpaid
from tests.contract import CALL_S, Lane

NAMES = ("TOKEN", "USER", "STORE", "POS")
GIVEN = {name: os.environ.get(f"KIOSK_TEST_{name}", "") for name in (*NAMES, "URL", "CENTS", "CUSTOMER")}
CENTS = int(GIVEN["CENTS"] or 2500)
PHONE_S = 180

account_is_named = pytest.mark.skipif(
    not all(GIVEN[name] for name in NAMES),
    reason=f"no account: set {', '.join(f'KIOSK_TEST_{name}' for name in NAMES)}",
)


def new_lane(**changes: str) -> Lane:
    given = {**GIVEN, **changes}
    url = given["URL"] or "https://api.mercadopago.com"
    user, store, pos = int(given["USER"]), given["STORE"], given["POS"]
    return Lane(url, token=given["TOKEN"], user=user, store=store, pos=pos, site=given.get("SITE", "MLB"))


@pytest.fixture
def lane() -> Iterator[Lane]:
    """The account, in its own country's money. It must be a test account, and its POS is left without an order."""
    first = new_lane()
    told = first.call("account")
    first.close()
    assert isinstance(told, AccountIs), f"whose token it is could not be learnt: {told}"
    assert told.test, "this is no test account: an order on its POS could be paid by a customer"
    made = new_lane(SITE=told.site)
    yield made
    made.ask("withdraw")
    left = made.ask("pos")
    made.close()
    assert left == "free"


@pytest.fixture
def tag() -> str:
    """References that no run before had."""
    return f"{time.time_ns():x}-"


@account_is_named
def test_its_pos_is_the_one(lane: Lane) -> None:
    found = lane.adapter.find_pos(lane.clock.now + CALL_S)
    assert isinstance(found, PosFound)
    assert (found.count, found.fixed_amount, found.store) == (1, True, GIVEN["STORE"])
    assert found.date is not None
    assert abs(found.date - time.time()) < 60, "its clock and this machine's differ"


@account_is_named
def test_an_order_comes_and_goes(lane: Lane, tag: str) -> None:
    said = unpaid(lane, tag, CENTS)
    print("\nwhat the account said:", *(f"{step:20} {word}" for step, word in said.items()), sep="\n  ")
    print("as with:", *(likely(said) or ["all that is documented"]), sep="\n  ")
    assert {step: word for step, word in said.items() if word not in plausible(step)} == {}


@account_is_named
def test_another_token_is_refused(lane: Lane) -> None:
    stranger = new_lane(TOKEN=GIVEN["TOKEN"][:-4] + "0000")
    words = {call: stranger.ask(call) for call in ("account", "look", "place", "refunds")}
    stranger.close()
    assert set(words.values()) <= {Reject.TOKEN, Reject.FORBIDDEN}, words


@account_is_named
def test_another_pos_is_not_found(lane: Lane, tag: str) -> None:
    elsewhere = new_lane(POS="NOSUCHKIOSK")
    words = {"place": elsewhere.ask("place", sale(f"{tag}x", lane, CENTS)), "pos": elsewhere.ask("pos")}
    elsewhere.close()
    assert words == {"place": Reject.NO_POS, "pos": Reject.NO_POS}


@account_is_named
def test_a_payment_that_is_not_there_has_no_refunds(lane: Lane) -> None:
    assert lane.ask("refunds", refund=refund("1", "x")) == "no payment"


@account_is_named
@pytest.mark.skipif(not GIVEN["CUSTOMER"], reason="nobody pays: set KIOSK_TEST_CUSTOMER")
def test_a_customer_pays(lane: Lane, tag: str) -> None:
    paid = sale(f"{tag}p", lane, CENTS)
    assert lane.ask("place", paid) == "placed"
    if GIVEN["CUSTOMER"] == "phone":
        print(f"\nplease scan the QR of {GIVEN['POS']} and pay, within {PHONE_S} s")
    else:
        httpx.post(GIVEN["CUSTOMER"], json={"action": "pay"}, trust_env=False).raise_for_status()
    words = until(lambda: lane.ask("glance", paid), "paid")
    print("\nthe looks said:", " ".join(words))
    assert words[-1] == "paid"
    assert lane.ask("look", paid) == "paid"
    assert lane.ask("pos", paid) == "free"
    assert lane.ask("withdraw", paid) is Removal.GONE
    whole = replace(refund(payment_of(lane, paid), f"{tag}key"), currency=lane.site.currency.code)
    assert lane.ask("refunds", refund=whole) == "not refunded"
    word = lane.ask("give-back", refund=whole)
    print("\ngiving it back ended with", word)
    assert word in plausible("the rest")


def until(ask: Callable[[], object], wanted: str) -> list[str]:
    """What was said, every two seconds, until it is what was wanted or nobody has patience any more."""
    words = [str(ask())]
    while words[-1] != wanted and len(words) < PHONE_S / 2:
        time.sleep(2)  # by a person's clock: there is nothing else to wait for
        words.append(str(ask()))
    return words


# --- that it works ----------------------------------------------------------------------------------------------------


DOUBT = "a second PUT is refused"


@pytest.mark.slow
@pytest.mark.skipif(bool(GIVEN["TOKEN"]), reason="a real account is asked")
def test_the_fake_in_a_process_of_its_own_stands_for_one(root: Path) -> None:
    """The opt-in way, from the outside: nothing is skipped, every test passes, and what is special is said."""
    command = [sys.executable, "-m", "kiosk", "sim", "--only", "mercadopago", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as fake:
        assert fake.stdout is not None
        try:
            told = dict(_pairs([fake.stdout.readline() for _ in range(5)]))
            doubt = {"name": DOUBT, "on": True}
            httpx.post(f"{told['at']}/doubt", json=doubt, trust_env=False).raise_for_status()
            done = _suite(root, told)
        finally:
            fake.terminate()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed, 1 deselected" in done.stdout
    assert f"as with:\n  {DOUBT}" in done.stdout
    assert told["token"] not in done.stdout


def _pairs(lines: list[str]) -> Iterator[tuple[str, str]]:
    """The fake's first lines say where it is, and whose."""
    for line in lines:
        name, _, value = line.rpartition(" ")
        yield name.strip().rpartition(" ")[2] or name.strip(), value.strip()


def _suite(root: Path, told: dict[str, str]) -> subprocess.CompletedProcess[str]:
    address = told["at"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "KIOSK_TEST_URL": address,
        "KIOSK_TEST_TOKEN": told["token"],
        "KIOSK_TEST_USER": told["id"],
        "KIOSK_TEST_STORE": told["store"],
        "KIOSK_TEST_POS": told["POS"],
        "KIOSK_TEST_CUSTOMER": f"{address}/customer",
    }
    suite = [sys.executable, "-m", "pytest", "-q", "-s", __file__, "-k", "not process_of_its_own"]
    return subprocess.run(suite, env=environment, cwd=root, capture_output=True, text=True, timeout=120, check=False)


def test_what_is_plausible() -> None:
    """A word of some doubt, never one of none: an order that nobody sees on the POS is nobody's idea of a success."""
    assert plausible("put over it") == {"placed", "busy"}
    assert plausible("held") == {"ours"}
    assert likely({**UNPAID}) == []
    assert likely({**UNPAID, **DIFFERS[DOUBT]}) == [DOUBT]
