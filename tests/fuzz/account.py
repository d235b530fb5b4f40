"""Targets: what Mercado Pago's side may send."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, get_args

from kiosk.config import MercadoPagoConfig, Secret
from kiosk.mercadopago import MercadoPago
from kiosk.mercadopago.answers import (
    Reply,
    account,
    holding,
    not_done,
    order_by_id,
    placing,
    reading,
    removing,
    reply_from,
)
from kiosk.mercadopago.json import Fields, NonsenseError, dumps, loads
from kiosk.mercadopago.look import look
from kiosk.mercadopago.statement import statement
from kiosk.mercadopago.words import Page, read_orders_page, read_payments_page, read_pos_page
from kiosk.sale.commands import (
    AskAccount,
    AskPos,
    AskRefunds,
    AskStatement,
    Call,
    Depth,
    GiveBack,
    Look,
    PaymentCall,
    Withdraw,
)
from kiosk.sale.events import (
    AccountIs,
    Books,
    CallAnswer,
    Evidence,
    Holds,
    OrderSeen,
    PaymentSeen,
    PaymentState,
    Placed,
    Refused,
    Removal,
    Removed,
    Seen,
    StatementIs,
    Unknown,
)
from kiosk.sale.money import SITES
from kiosk.sale.reconcile import compare, in_words
from kiosk.sale.records import Phase, Refund, Sale
from kiosk.sale.verdict import judge
from tests.fuzz.claims import must
from tests.fuzz.mutation import HEAD, PARTS, SEPARATOR
from tests.fuzz.raw_money import Owed, Said, may_be_paid, surely_paid, value_of
from tests.scripted_server import FakeClock, ScriptedServer
from tests.story import SHOP

SITE: Final = SITES["MLB"]
COLLECTOR: Final = 123456789
SALE: Final = Sale("KIOSK01-7-abc", 7, 2500, "BRL", (), "k", 1_900_000_000.0, puts=1)
REFUND: Final = Refund("k", "9", SALE.reference, 7, 1000, "BRL", whole=False, by="Ana", asked_at=0.0, known=())
STATED: Final = replace(SHOP, collector=COLLECTOR)
OWED: Final = Owed(SALE.reference, COLLECTOR, Decimal(25), "BRL")
CALL: Final = Call(request=1, until=9.0, reference=SALE.reference)
_QUESTIONS: Final = {"/merchant_orders/search": "O", "/v1/payments/search": "P"}


def parts(data: bytes) -> list[Said]:
    """The answers of an input: a letter for the question, a status, a body; both first may be missing."""
    found = []
    for part in data.split(SEPARATOR)[:PARTS]:
        match = HEAD.fullmatch(part)
        assert match, "it matches everything"
        head = (match[1] or b"").decode()
        letter, digits = (head[:1], head[1:]) if head[:1].isalpha() else ("O", head)
        found.append(Said(letter, int(digits or 200), match[2]))
    return found


class _Provider:
    """Answers each question by the next answer that is for it; the last one again and again."""

    def __init__(self, parts: Sequence[Said]) -> None:
        self.said: list[Said] = []
        self._left = {letter: deque(part for part in parts if part.question == letter) for letter in "OPI"}

    def ask(self, path: str, _query: Mapping[str, str]) -> Reply | Unknown:
        left = self._left[_QUESTIONS.get(path, "I")]
        if not left:
            return reply_from(404, {}, b'{"error": "not_found"}')
        said = left.popleft() if len(left) > 1 else left[0]
        self.said.append(said)
        return reply_from(said.status, {}, said.body)


def looked(data: bytes) -> None:
    """A look: never paid where the bytes do not say so, always where they say so by the letter."""
    answers = parts(data)
    searches = [part for part in answers if part.question != "I"]
    for depth in Depth:
        provider = _Provider(answers)
        narrow = depth in (Depth.ORDER, Depth.PAYMENT)
        call = Look(request=1, until=9.0, reference="" if narrow else SALE.reference, depth=depth, name="900")
        seen = look(call, provider.ask, SITE)
        evidence = seen.evidence if isinstance(seen, Seen) else Evidence(whole=False)
        verdict = judge(SALE, COLLECTOR, evidence)
        _is_well_made(evidence)
        must(not verdict.paid or may_be_paid(provider.said, OWED), f"L1: paid, by nothing in {provider.said}")
        must(verdict.paid or narrow or not surely_paid(searches, OWED), f"L2: not seen as paid: {searches}: {seen}")
        must(not evidence.whole or _all_there(evidence, provider.said), f"L6: whole, but something is missing: {seen}")


def stated(data: bytes) -> None:
    """A statement: all that a whole one should show is there, and missing is only what the bytes say is not there."""
    provider = _Provider(parts(data))
    call = AskStatement(request=1, until=9.0, begin=0.0, end=2_000_000_000.0, known=("9", "10"))
    told = statement(call, provider.ask, SITE, "7654321")
    if not isinstance(told, StatementIs):
        return
    payments = tuple(booking.payment for booking in told.bookings)
    _is_well_made(Evidence(payments=payments))
    ats = [booking.at for booking in told.bookings if booking.at is not None]
    must(all(0.0 < at < 1e10 for at in ats), f"times that no journal holds: {ats}")
    searched = [said for said in provider.said if said.question == "P"]
    shown = Evidence(payments=payments)
    must(not told.whole or _all_there(shown, searched), f"L6: whole, but something is missing: {told}")
    gone = any(said.status == 404 for said in provider.said) or not any(s.question == "I" for s in provider.said)
    must(not told.missing or gone, f"L6: nobody said that {told.missing} are not there")
    found = compare(told, Books((replace(SALE, phase=Phase.PAID, payments=("9",)),)), STATED)
    must(len(found.differences) <= len(payments) + len(told.missing), f"more differences than payments: {found}")
    for difference in found.differences:
        must(_is_text(in_words(difference, SITE.currency)), f"words of {difference}")


def _is_well_made(evidence: Evidence) -> None:
    """What the journal and the machine rely on: printable text, whole cents of a sane size, ids that are ids."""
    inner = [payment for order in evidence.orders for payment in order.payments]
    for payment in (*inner, *evidence.payments):
        must(isinstance(payment, PaymentSeen) and isinstance(payment.state, PaymentState), f"no payment: {payment}")
        must(_is_id(payment.id) and _is_text(payment.currency) and _is_text(payment.reference), f"texts of {payment}")
        must(_is_cents(payment.cents) and _is_cents(payment.refunded_cents), f"amounts of {payment}")
        must(_is_count(payment.collector), f"collector of {payment}")
    for order in evidence.orders:
        must(_is_id(order.id) and _is_text(order.reference) and _is_cents(order.cents), f"fields of {order}")
        must(type(order.complete) is bool and _is_count(order.collector), f"fields of {order}")


def _is_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_cents(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value < 2**63)


def _is_count(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value < 2**63)


def _all_there(evidence: Evidence, said: Sequence[Said]) -> bool:
    """Every order and payment that a page shows, as far as it has an id, is in the evidence."""
    shown: dict[str, set[str]] = {"O": set(), "P": set()}
    for each in said:
        name = {"O": "elements", "P": "results"}.get(each.question)
        if name and each.status == 200:
            elements = value_of(each.body).get(name) or ()
            shown[each.question] |= {str(e["id"]) if isinstance(e, dict) and "id" in e else "no id" for e in elements}
    return shown["O"] <= {order.id for order in evidence.orders} and shown["P"] <= {p.id for p in evidence.payments}


def amount_read(data: bytes) -> None:
    """A number in JSON: read as exact fractions are, in minor units, or as no amount; written again it is the same."""
    try:
        value = loads(data)
    except NonsenseError:
        must(not _is_short_number(data), f"no JSON, is said of {data!r}")
        return
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return
    if isinstance(value, Decimal) and abs(value.adjusted()) > 400:  # nothing, or too small, or too great to write out
        found = {Fields({"n": value}, "x").cents("n", site.currency) for site in SITES.values()}
        must(found == ({None} if value else {0}), f"{data!r} is {found}")
        return
    text = data.decode(json.detect_encoding(data))  # JSON has three encodings, and all are read
    exact = Fraction(text.strip(" \t\r\n"))
    must(Fraction(value) == exact and Fraction(dumps(value)) == exact, f"{data!r} was read as {value}")
    for site in SITES.values():
        cents, units = Fields({"n": value}, "x").cents("n", site.currency), exact * 10**site.currency.decimals
        whole = int(units) if units.denominator == 1 and 0 <= exact < 10**15 else None
        must(cents == whole, f"{data!r} is {cents} of {site.id}, not {whole}")
        if cents is not None:
            must(Fraction(site.currency.decimal_value(cents)) == exact, f"{cents} of {site.id} is written otherwise")


def _is_short_number(data: bytes) -> bool:
    """A number by the grammar of RFC 8259, as short as any amount is."""
    return re.fullmatch(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", data) is not None and len(data) < 25


# --- other answers ----------------------------------------------------------------------------------------------------


def json_of(body: bytes) -> Any:
    """The value, or None where there is none that counts."""
    try:
        return value_of(body)
    except ValueError:
        return None


def answered(data: bytes) -> None:
    """Every reader on every status and body: nothing is free, placed or taken away that was not said to be."""
    for said in parts(data):
        reply = reply_from(said.status, {"Date": "Sun, 04 May 2031 18:20:00 GMT"}, said.body)
        _held(reply)
        for answer in (placing(CALL, reply), removing(CALL, reply), account(CALL, reply), not_done(CALL, reply)):
            _is_careful(answer, reply)
        by_id = order_by_id(CALL, reply, SITE)
        must(isinstance(by_id, OrderSeen | Refused | Unknown | None), f"by id: {by_id}")
        must(by_id is not None or (said.status in (400, 404) and has_key(said.body)), f"no such order, by {reply}")
        readers: tuple[Callable[[object], object], ...] = (
            lambda value: read_orders_page(value, SITE),
            lambda value: read_payments_page(value, SITE),
            read_pos_page,
        )
        for read in readers:
            page = reading(CALL, reply, read)
            must(isinstance(page, Page | Refused | Unknown), f"a page: {page}")
            must(not isinstance(page, Page) or (said.status == 200 and page.size >= 0), f"a page of {reply}")


def _held(reply: Reply) -> None:
    holds = holding(CALL, reply, SITE)
    _is_careful(holds, reply)
    if isinstance(holds, Holds) and holds.order is None:
        value = json_of(reply.body)
        key = _key(value).lower()
        proved = (reply.status == 404 and "order" in key and "not_found" in key) or (
            reply.status == 200 and value == [] and isinstance(value, list)
        )
        must(proved, f"L4: the POS is free, by {reply}")
    elif isinstance(holds, Holds) and holds.order:
        must(reply.status == 200 and (bool(holds.order.reference) or holds.order.cents is not None), f"by {reply}")
        must(_is_text(holds.order.reference) and _is_cents(holds.order.cents), f"fields of {holds.order}")


def _is_careful(answer: object, reply: Reply) -> None:
    """What each kind of answer may be learnt from (R7, R14)."""
    value = json_of(reply.body)
    good = 200 <= reply.status < 300 and (not reply.body.strip() or (isinstance(value, dict) and not _key(value)))
    match answer:
        case Placed() | Removed(removal=Removal.BY_US):
            must(good, f"L6: done, by {reply}")
        case Removed(removal=Removal.LOCKED):  # the word alone says it: to wait is never wrong
            must(not 200 <= reply.status < 300 and has_key(reply.body), f"locked, by {reply}")
        case Removed():
            must(reply.status in (400, 404, 500) and has_key(reply.body), f"gone, by {reply}")
        case AccountIs():
            must(reply.status == 200 and isinstance(value, dict), f"an account, by {reply}")
            must(str(value.get("id")).lstrip("0") == str(answer.user_id).lstrip("0"), f"whose account? {reply}")
        case Refused():
            never = reply.status >= 500 or reply.status in (408, 409, 423, 424, 425, 429) or reply.status < 400
            must(not never and has_key(reply.body), f"L6: refused for good, by {reply}")
            must(isinstance(answer.detail, str), f"detail of {answer}")
        case Unknown():
            must(answer.retry_after_s is None or answer.retry_after_s >= 0, f"later: {answer}")
        case _:
            must(isinstance(answer, CallAnswer), f"no answer at all: {answer}")


def has_key(body: bytes) -> bool:
    return bool(_key(json_of(body)))


def _key(value: Any) -> str:
    """The error's word, in any of the places where Mercado Pago's services put it."""
    if not isinstance(value, dict):
        return ""
    errors = value.get("errors")
    inner = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    for fields in (inner or value,):
        for name in ("error", "code"):
            word = fields.get(name)
            if isinstance(word, str | int) and not isinstance(word, bool) and word != "":
                return str(word)
    return ""


_FIRST, _LAST = datetime(2020, 1, 1, tzinfo=UTC).timestamp(), datetime(2100, 1, 1, tzinfo=UTC).timestamp()


def headers(data: bytes) -> None:
    """Lines: ``Date``, ``Retry-After``, ``x-request-id``. A clock is a clock, a pause is a number not below 0."""
    lines = [line.decode("latin-1") for line in (*data.split(b"\n", 2), b"", b"", b"")]
    reply = reply_from(503, dict(zip(("date", "retry-after", "x-request-id"), lines, strict=False)), b"")
    must(reply.date is None or _FIRST <= reply.date < _LAST, f"no clock: {reply.date} of {lines[0]!r}")
    must(reply.retry_after_s is None or 0 <= reply.retry_after_s < 10**10, f"no pause: {reply.retry_after_s}")
    written = _imf_date(lines[0])
    if written is not None and _FIRST <= written < _LAST:
        must(reply.date == written, f"{lines[0]!r} is {written}, not {reply.date}")


def _imf_date(text: str) -> float | None:
    """The one form of date that RFC 9110 lets a server write, read by the standard library's other reader."""
    if not re.fullmatch(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT", text):
        return None
    try:
        return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


class _Wire:
    """The real adapter before a server that sends anything; made once, when it is first needed."""

    def __init__(self) -> None:
        self.server = ScriptedServer()
        address = f"http://127.0.0.1:{self.server.port}"
        settings = MercadoPagoConfig(COLLECTOR, "STORE01", "KIOSK01", address)
        self.lane = MercadoPago(settings, Secret("SECRET-0"), SITE, FakeClock(), title="Padaria")

    def close(self) -> None:
        """End the server's thread."""
        self.lane.close()
        self.server.close()


_wires: list[_Wire] = []


def wired(data: bytes) -> None:
    """A whole HTTP answer as it may come over the wire, to each question: the adapter never raises."""
    if not _wires:
        _wires.append(_Wire())
    wire = _wires[0]
    calls: tuple[PaymentCall, ...] = (
        AskPos(request=1, until=1010.0),
        Withdraw(request=2, until=1010.0, reference=SALE.reference),
        AskAccount(request=3, until=1010.0),
        Look(request=4, until=1010.0, reference=SALE.reference, depth=Depth.ORDERS),
        AskRefunds(request=5, until=1010.0, payment="9"),
        GiveBack(request=6, until=1010.0, refund=REFUND),
    )
    call = calls[len(data) % len(calls)]

    def play(connection: Any) -> None:
        connection.sendall(data)
        connection.close()

    wire.server.plays.clear()
    wire.server.requests.clear()
    wire.server.play(play)
    answer = wire.lane.carry_out(call)
    must(isinstance(answer, get_args(CallAnswer)), f"no answer: {answer}")
    must(answer.request == call.request, f"an answer to another question: {answer}")
    must("SECRET-0" not in repr(answer), f"L10: the token is in {answer}")


def unwire() -> None:
    """Let the wire go."""
    while _wires:
        _wires.pop().close()
