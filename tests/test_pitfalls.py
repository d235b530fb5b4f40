"""Every pitfall that integrators of Mercado Pago report, and every point that its documents leave open, by number.

The numbers are those of the fact sheet: the pitfalls of its section 12 (1 to 20), the open points of its section 13
(1 to 13). Each has a test here that bears its number, or stands in ``DOES_NOT_APPLY`` with the reason. Of a point that
is open every plausible answer is tried: here in short, in ``test_doubts`` through a whole day of sales.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from kiosk.check import check_account
from kiosk.config import Config, MercadoPagoConfig, load
from kiosk.config.toml_tables import ConfigError, write_table
from kiosk.mercadopago import PosFound
from kiosk.mercadopago.words import write_order
from kiosk.sale.commands import AskPos, Look, Place, Print, Save, Withdraw
from kiosk.sale.events import (
    Busy,
    Evidence,
    LookNow,
    Notified,
    PaymentState,
    Refused,
    Reject,
    Removal,
    Seen,
    Trouble,
    Unknown,
)
from kiosk.sale.money import SITES
from kiosk.sale.records import Line, Mark, Sale
from kiosk.sale.states import Checking, Clearing, Notice, NoticeKind
from kiosk.sim.doubts import DOUBTS, Behaviour
from tests.account_sale import DIFFERS, Fake, plausible
from tests.adversary import ANSWERS, NO_POS, ORDER, POLICY, USER, Misbehaviour, error, index, order, page
from tests.contract import CALL_S, SALE, Lane, against, all_keep, keeps
from tests.listening import listening, post
from tests.scripted_server import Heard, ScriptedServer, answer
from tests.story import EPOCH, SHOP, Story, payment
from tests.story import order as seen_order
from tests.story_account import CounterStory

PITFALLS: Final = 20
OPEN_POINTS: Final = 13
DOES_NOT_APPLY: Final = {
    ("pitfall", 17): "which wallets may pay is between them and Mercado Pago; an order that nobody can pay expires",
    ("pitfall", 18): "the kiosk does not refund; refunds cannot be tried on a test account",
}
"""What is no trouble of this kiosk, and why."""


def lacking(names: Iterable[str]) -> list[str]:
    """The numbers that have neither a test nor a reason, or both."""
    tests = [match.groups() for name in names if (match := re.match(r"test_(pitfall|open_point)_(\d+)_", name))]
    numbered = {(kind, int(number)) for kind, number in tests}
    wanted = {("pitfall", n) for n in range(1, PITFALLS + 1)} | {("open_point", n) for n in range(1, OPEN_POINTS + 1)}
    return sorted(f"{kind} {number}" for kind, number in wanted ^ numbered ^ DOES_NOT_APPLY.keys())


def test_every_pitfall_and_every_open_point_has_a_test_or_a_reason() -> None:
    """One of both: a number that is forgotten fails here, and so does a reason that is outdated."""
    assert lacking(globals()) == []
    names = {name for name in globals() if name.startswith("test_")}
    assert lacking({name for name in names if not name.startswith("test_pitfall_19_")}) == ["pitfall 19"]
    assert lacking({*names, "test_pitfall_17_wallets"}) == ["pitfall 17"]
    assert lacking({*names, "test_open_point_14_more"}) == ["open_point 14"]
    assert all(DOES_NOT_APPLY.values())


@pytest.fixture
def well() -> Iterator[tuple[ScriptedServer, Lane]]:
    """An adapter before a server that is well, until a test says otherwise."""
    with against() as both:
        yield both


Well = tuple[ScriptedServer, Lane]


def at_the_counter(tell: Callable[[CounterStory], None], behaviour: Behaviour | None = None) -> None:
    """A story of machine, adapter and fake."""
    fake = Fake(behaviour or Behaviour())
    fake.run(lambda lane: tell(CounterStory(fake, lane)))


def waiting() -> Story:
    """An order is on the POS."""
    return Story().ready().waiting()


def kind(story: Story) -> NoticeKind:
    return story.in_state(Notice).kind


def body_of(sale: Sale, site: str = "MLB") -> dict[str, object]:
    """What a PUT says of a sale."""
    value: dict[str, object] = json.loads(write_order(sale, "Padaria", SITES[site].currency, ""))
    return value


def entry(name: str) -> Misbehaviour:
    """An entry of the adversary's catalogue."""
    (found,) = [each for each in ANSWERS if each.name == name]
    return found


def of_section(section: str) -> list[str]:
    """The fake's doubts of that section."""
    return [doubt.name for doubt in DOUBTS if doubt.section == section]


# --- pitfalls (section 12) --------------------------------------------------------------------------------------------


def test_pitfall_01_money_that_lands_after_the_sale_expired_has_its_ticket() -> None:
    """ "Incident 1803": the payment and the expiry race, and the shop has money for a sale that is closed."""

    def late(story: CounterStory) -> None:
        story.type("2500#").live_until("waiting", 5).customer("scan").live_until("notice", 400)
        story.live(60).customer("confirm").settled()
        assert [paper.marks for paper in story.papers] == [(Mark.TRAINING, Mark.PAID_AFTER_CANCEL)]

    at_the_counter(late)


def test_pitfall_02_a_delete_that_is_refused_says_gone_and_is_no_end() -> None:
    """400 where there is no order: paid, expired or never there. Then the payments are searched."""
    keeps(entry("400 delete error"))
    story = waiting().keys("*#").seen().removed(Removal.GONE).free()
    assert isinstance(story.state, Checking)
    story.seen(seen_order(story.sale, payment()))
    assert story.public == "paid"


def test_pitfall_03_a_pos_that_is_not_found_is_a_wrong_configuration(well: Well) -> None:
    """Made in the web panel it has no external id; or the number was configured; or the token is another account's."""
    server, lane = well
    server.otherwise = lambda heard: answer(404, NO_POS)
    assert (lane.ask("place"), lane.ask("pos")) == (Reject.NO_POS, Reject.NO_POS)
    server.otherwise = lambda heard: answer(200, index({"external_id": None, "name": "Caixa", "fixed_amount": True}))
    found = lane.adapter.find_pos(lane.clock.now + CALL_S)
    assert isinstance(found, PosFound)
    assert found.count == 0
    story = Story().ready().keys("2500#").refused(AskPos, Reject.NO_POS)
    assert kind(story) is NoticeKind.REFUSED_NO_POS


def test_pitfall_04_an_application_of_another_kind_is_told_apart_from_a_bad_token(well: Well) -> None:
    """403 PolicyAgent, also on the list of POS."""
    server, lane = well
    server.otherwise = lambda heard: answer(403, POLICY)
    found = lane.adapter.find_pos(lane.clock.now + CALL_S)
    assert isinstance(found, Refused)
    assert found.reject is Reject.FORBIDDEN
    assert kind(Story().ready().keys("2500#").free().refused(Place, Reject.FORBIDDEN)) is NoticeKind.REFUSED_FORBIDDEN
    assert kind(Story().ready().keys("2500#").free().refused(Place, Reject.TOKEN)) is NoticeKind.REFUSED_TOKEN


def test_pitfall_05_a_payment_is_seen_without_any_notification() -> None:
    story = waiting()
    began = story.at
    story.wait_for(Look)
    story.seen(seen_order(story.sale, payment()))
    assert story.public == "paid"
    assert story.at - began <= 2.1


def test_pitfall_06_what_is_told_twice_counts_once() -> None:
    """Notifications come in pairs, and again hours later; so may answers."""
    story = waiting()
    look = story.wait_for(Look)
    paid = seen_order(story.sale, payment())
    story.seen(paid)
    for _ in range(3):
        story.feed(LookNow(look.reference))
        story.feed(Seen(request=look.request, reference=look.reference, evidence=Evidence((paid,))))
    assert len(story.did(Print)) == 1


def test_pitfall_07_a_sale_is_written_before_its_order_is_placed() -> None:
    """Law L7: otherwise a payment, or a notification, may come for a sale that nobody knows."""
    story = Story().ready().keys("2500#").free()
    (place,) = story.did(Place)
    before = story.done[: story.done.index(place)]
    written = [record for command in before if isinstance(command, Save) for record in command.records]
    assert place.sale.reference in {record.reference for record in written if isinstance(record, Sale)}


def test_pitfall_08_a_signature_is_neither_asked_for_nor_believed() -> None:
    """By design QR notifications are unsigned: with or without one it is a reason to look, and no more."""
    with listening() as heard:
        client = heard.client()
        for signature in ("", "ts=1747000000,v1=00", "nonsense"):
            client.request("POST", "/notices?topic=merchant_order&id=5", headers={"x-signature": signature})
            with client.getresponse() as taken:
                assert taken.status == 200
            story = waiting().feed(heard.posted.get(timeout=5)).seen()
            assert story.public == "waiting"
            assert not story.did(Print)


test_open_point_09_a_signature_that_may_come_one_day_changes_nothing = (
    test_pitfall_08_a_signature_is_neither_asked_for_nor_believed
)


def test_pitfall_09_a_notification_is_taken_with_and_without_a_body_and_by_its_query_alone() -> None:
    body = json.dumps({"resource": "/merchant_orders/5", "topic": "merchant_order"}).encode()
    with listening() as heard:
        client = heard.client()
        for query, sent in (("topic=merchant_order&id=5", b""), ("", body), ("topic=merchant_order&id=5", body)):
            assert post(client, query, sent) == 200
            assert heard.posted.get(timeout=5) == Notified(orders=("5",))


@pytest.mark.parametrize("turn", [*itertools.permutations(range(3))])
def test_pitfall_10_all_orders_of_a_reference_are_read(well: Well, turn: tuple[int, ...]) -> None:
    """Each phone that scans may open one; the paid one stands anywhere."""
    server, lane = well
    orders = (order(id=1, status="opened", payments=[]), order(id=2, status="expired", payments=[]), ORDER)
    server.otherwise = orders_page(page(*(orders[place] for place in turn)))
    assert (lane.ask("look"), lane.ask("glance")) == ("paid", "paid")
    server.otherwise = orders_page(page(*orders[:2]))
    assert lane.ask("look") == "unpaid"


def orders_page(found: dict[str, object]) -> Callable[[Heard], bytes]:
    return lambda heard: answer(200, found if "/merchant_orders" in heard.target else index())


@pytest.mark.parametrize("fixed", [True, False])
def test_pitfall_11_a_pos_that_lets_the_customer_type_the_amount_is_told(well: Well, fixed: bool) -> None:
    server, lane = well
    pos = {"external_id": "KIOSK01", "external_store_id": "STORE01", "name": "Caixa", "fixed_amount": fixed}
    account = {"id": USER, "site_id": "MLB"}
    server.otherwise = lambda heard: answer(200, account if heard.target == "/users/me" else index(pos))
    config = Config(SHOP, MercadoPagoConfig(USER, "STORE01", "KIOSK01"))
    results = {result.name: result for result in check_account(config, lane.adapter, lane.clock, lambda: EPOCH)}
    assert results["pos"].ok is fixed
    assert ("fixed_amount" in results["pos"].advice) is not fixed


@pytest.mark.parametrize(
    ("pos", "right"), [("KIOSK01", True), ("k" * 40, True), ("KIOSK-01", False), ("k" * 41, False)]
)
def test_pitfall_12_an_external_id_that_no_pos_can_have_is_refused(tmp_path: Path, pos: str, right: bool) -> None:
    """The kiosk makes no POS; but it says so before the first customer stands there."""
    shop = write_table("shop", {"name": "Padaria", "site": "MLB"})
    account = {"user_id": USER, "external_store_id": "STORE01", "external_pos_id": pos}
    path = tmp_path / "kiosk.toml"
    path.write_text(shop + "\n" + write_table("mercadopago", account), encoding="utf-8")
    if right:
        assert load(path).mercadopago.external_pos_id == pos
        return
    with pytest.raises(ConfigError, match="external_pos_id"):
        load(path)


def test_pitfall_13_an_expiry_is_the_providers_time_with_its_offset() -> None:
    """A clock of 1970 here, or a date without an offset, would be ``invalid_expiration_date``."""
    sale = Story().ready().keys("2500#").free().did(Place)[0].sale
    assert sale.expires is not None
    assert sale.expires - EPOCH > 0
    text = body_of(sale)["expiration_date"]
    assert re.fullmatch(r"2030-03-17T\d\d:\d\d:\d\d\.\d{3}\+00:00", str(text))
    assert "expiration_date" not in body_of(replace(sale, expires=None))
    assert kind(Story().ready().keys("2500#").free().refused(Place, Reject.INVALID)) is not NoticeKind.CANCELLED


def test_pitfall_14_no_order_names_a_sponsor_and_mixed_users_are_told(well: Well) -> None:
    """2034, "Invalid users involved": a test token and real users, or a sponsor."""
    assert set(body_of(SALE)) == {"external_reference", "title", "description", "total_amount", "items"}
    server, lane = well
    server.otherwise = lambda heard: answer(400, {"code": 2034, "message": "Invalid users involved"})
    refused = lane.call("place")
    assert isinstance(refused, Refused)
    assert (refused.reject, refused.detail) == (Reject.INVALID, "400 2034: Invalid users involved")


def test_pitfall_15_a_page_of_html_or_nothing_at_all_decides_nothing() -> None:
    """Whatever status comes with it."""
    entries = [entry for entry in ANSWERS if entry.section == "12.15"]
    assert len(entries) > 20
    for each in entries:
        assert all(isinstance(said, Trouble) for said in each.said.values()), each.name
    all_keep(tuple(entries))


@pytest.mark.parametrize("site", ["MLB", "MLC"])
def test_pitfall_16_amounts_are_never_floats(site: str) -> None:
    """0.1 + 0.2; two decimals at the most, and none in Chile."""
    for unit in (1, 10, 33, 70, 1999):
        sale = replace(SALE, cents=3 * unit, lines=(Line("a", 1, unit), Line("b", 2, unit)))
        written = write_order(sale, "Padaria", SITES[site].currency, "").decode()
        (total,) = re.findall(r'"total_amount": ([0-9.]+), "items"', written)
        assert total == (f"{3 * unit // 100}.{3 * unit % 100:02}" if site == "MLB" else str(3 * unit))


def test_pitfall_19_a_rejected_card_is_not_the_end() -> None:
    story = waiting()
    sale = story.sale
    story.wait_for(Look)
    story.seen(seen_order(sale, payment("p1", state=PaymentState.REJECTED), complete=False))
    assert story.public == "waiting"
    assert not story.did(Withdraw)
    story.wait_for(Look)
    story.seen(seen_order(sale, payment("p1", state=PaymentState.REJECTED), payment("p2")))
    assert story.public == "paid"


def test_pitfall_20_a_pos_without_an_order_is_not_unpaid() -> None:
    """The order is gone when it is paid, too."""

    def found(story: CounterStory) -> None:
        story.type("2500#").live_until("waiting", 5).customer("pay")
        assert story.lane.ask("pos") == "free"
        story.live_until("paid", 10).settled()

    at_the_counter(found)
    story = waiting().keys("*#").seen().removed(Removal.GONE).free()
    while story.public == "checking":
        if story.open_calls(Look):
            story.seen()
        story.wait(0.5)
    assert kind(story) is NoticeKind.NOT_CONFIRMED


# --- open points (section 13) -----------------------------------------------------------------------------------------


def test_open_point_01_a_put_over_another_order_replaces_it_or_is_refused() -> None:
    assert of_section("13.1") == ["a second PUT is refused"]
    assert plausible("put over it") == {"placed", "busy"}
    story = Story().ready().keys("2500#").free().answer(Busy, Place)
    story.holds("somebody-elses", 900)
    assert isinstance(story.state, Clearing)
    assert Story().ready().keys("2500#").free().placed().public == "waiting"


@pytest.mark.parametrize(
    ("removal", "gone"),
    [(Removal.BY_US, True), (Removal.GONE, True), (Removal.GONE, False), (Removal.LOCKED, False)],
    ids=["204", "500, and done", "400, and there", "409"],
)
def test_open_point_02_a_payment_in_flight_wins_over_every_answer_to_the_delete(removal: Removal, gone: bool) -> None:
    """204 with late money, 400, 409 or 500: it is looked again, and never said to be cancelled while it is paid."""
    assert len(of_section("13.2")) == 3
    story = waiting().keys("*#").seen().removed(removal)
    sale = story.sale
    if gone:
        story.free()
    else:
        story.holds(sale.reference, sale.cents)
    story.wait_for(Look)
    story.seen(seen_order(sale, payment()))
    assert story.public == "paid"


@pytest.mark.parametrize("wait_s", [10, 180, 540])
def test_open_point_03_no_order_is_to_live_longer_than_ten_minutes(wait_s: int) -> None:
    """Whether more is honoured, capped or ignored does not matter then."""
    assert len(of_section("13.3")) == 2
    story = Story(replace(SHOP, wait_s=wait_s)).ready().keys("2500#").free()
    sale = story.did(Place)[0].sale
    assert sale.expires is not None
    assert wait_s < sale.expires - (EPOCH + story.at) <= 600


def test_open_point_04_what_a_pos_holds_is_understood_in_every_form(well: Well) -> None:
    """An object, an array, an empty one, 404; and nothing else frees it."""
    server, lane = well
    held = {"external_reference": SALE.reference, "total_amount": 25.0}
    said = []
    for form in (answer(200, held), answer(200, [held]), answer(200, []), answer(404, error("order_not_found"))):
        server.play(form)
        said.append(lane.ask("pos"))
    assert said == ["ours", "ours", "free", "free"]
    for form in (answer(200, {}), answer(200, b"null"), answer(204), answer(404, error("not_found"))):
        server.play(form)
        assert isinstance(lane.ask("pos"), Trouble)


def test_open_point_05_items_always_add_up_to_the_total(well: Well) -> None:
    """Nobody knows what Mercado Pago says otherwise: such an order is not sent."""
    server, lane = well
    assert lane.ask("place") == "placed"
    body = json.loads(server.requests[0].body)
    assert sum(item["total_amount"] for item in body["items"]) == body["total_amount"] == 25.0
    assert lane.ask("place", replace(SALE, cents=2501)) is Reject.INVALID
    assert len(server.requests) == 1


def test_open_point_06_an_order_that_is_found_late_is_found() -> None:
    """Nothing is known of the latency between a payment and the searches."""

    def slow(story: CounterStory) -> None:
        story.type("2500#").live_until("waiting", 5).customer("pay").live(4)
        assert story.public == "waiting"
        story.live_until("paid", 20).settled()

    at_the_counter(slow, Behaviour(orders_lag_s=20.0))


def test_open_point_07_a_limit_is_kept_and_pages_are_turned() -> None:
    """``Retry-After`` up to the 30 s of R9, whatever is asked; and a page may be as small as it likes."""
    assert {doubt.behaviour.page_max for doubt in DOUBTS if doubt.section == "13.7"} == {1}
    for asked_s, kept_s in ((20.0, 20.0), (3600.0, 30.0)):
        story = waiting()
        story.wait_for(Look)
        story.answer(Unknown, Look, trouble=Trouble.THROTTLED, retry_after_s=asked_s)
        began = story.at
        story.wait_for(Look)
        assert kept_s <= story.at - began <= kept_s + 15

    def paged(story: CounterStory) -> None:
        story.type("2500#").live_until("waiting", 5)
        story.customer("scan").customer("scan").customer("pay").live_until("paid", 10)

    at_the_counter(paged, Behaviour(page_max=1))


@pytest.mark.parametrize("scans", [0, 1, 3])
def test_open_point_08_an_order_that_is_opened_says_nothing(scans: int) -> None:
    """It may be there since the PUT, since a scan, or not before the payment: nobody is told "scanned"."""
    assert {doubt.behaviour.opens for doubt in DOUBTS if doubt.section == "13.8"} == {"put", "payment"}
    story = waiting()
    before = story.text
    story.wait_for(Look)
    story.seen(*(seen_order(story.sale, complete=False, id_=f"m{number}") for number in range(scans)))
    assert (story.public, story.text) == ("waiting", before)


def test_open_point_10_the_end_of_the_service_is_told_and_is_no_payment() -> None:
    """403, 404 or 410 on the day it ends: a notice for the technician, and never a free POS."""
    names = ("404 no such address", "410 the service has ended", "403 PolicyAgent")
    for name in names:
        assert entry(name).said["pos"] != "free"
        assert not str(entry(name).said["look"]).startswith("paid")
    all_keep(tuple(map(entry, names)))
    assert kind(Story().ready().keys("2500#").free().refused(Place, Reject.NO_POS)) is NoticeKind.REFUSED_NO_POS


def test_open_point_11_only_the_put_names_the_store_by_the_shops_own_id(well: Well) -> None:
    """The documented addresses. Both forms of the PUT are in use; a number for the store's id is nobody's promise."""
    server, lane = well
    for call in ("place", "pos", "withdraw"):
        lane.ask(call)
    assert [heard.target for heard in server.requests] == [
        f"/instore/qr/seller/collectors/{USER}/stores/STORE01/pos/KIOSK01/orders",
        f"/instore/qr/seller/collectors/{USER}/pos/KIOSK01/orders",
        f"/instore/qr/seller/collectors/{USER}/pos/KIOSK01/orders",
    ]


def test_open_point_12_an_amount_that_is_too_small_is_refused_before_or_told_after() -> None:
    """The minimum is the shop's to configure; where Mercado Pago's is higher, its refusal is the first and final."""
    story = Story().ready().keys("99#")
    assert story.public == "entering"
    assert not story.open_calls(AskPos)
    story = Story().ready().keys("100#").free().refused(Place, Reject.INVALID)
    assert kind(story) is NoticeKind.REFUSED_INVALID


@pytest.mark.parametrize("within", [False, True])
def test_open_point_13_a_coupon_is_never_silent(within: bool) -> None:
    """Beside ``transaction_amount`` it does not matter; taken off it, the payment does not cover, and is to settle."""
    (name,) = [doubt.name for doubt in DOUBTS if doubt.behaviour.coupon_in_transaction]
    assert DIFFERS[name]["paid"] == "unpaid"

    def bought(story: CounterStory) -> None:
        story.type("2500#").live_until("waiting", 5).customer("pay")
        if not within:
            story.live_until("paid", 10).settled()
            return
        story.live(10)
        assert "20,00" in story.text
        story.settled()
        assert [paper.marks[-1] for paper in story.papers] == [Mark.MONEY_TO_SETTLE]

    at_the_counter(bought, Behaviour(coupon=Decimal(5), coupon_in_transaction=within))
