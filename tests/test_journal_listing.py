"""What ``kiosk sales`` writes: for people, and for programs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from kiosk.journal import listing
from kiosk.journal.reading import Listed, Logged, Story
from kiosk.sale.records import DebtState, Dispute, Entry, Line, Phase, Reason, Refund, Sale, Why
from tests.refund_records import done, refused

ZONE = timezone(timedelta(hours=-3))
NOON = 1_796_050_800.0  # 2026-11-30 12:00:00 in that zone
PAID = Sale(
    reference="POS-12-Ab",
    number=12,
    cents=250_000,
    currency="BRL",
    lines=(Line("Café", 2, 125_000),),
    key="k",
    made_at=NOON,
    phase=Phase.PAID,
    puts=1,
    expires=NOON + 360,
    order_id="777",
    payments=("111", "222"),
    paid_at=NOON + 20.5,
    ended_at=NOON + 20.5,
    watched=True,
)
CANCELLED = Sale("POS-13-Cd", 13, 900, "BRL", (), "k", NOON + 60, Phase.WITHDRAWN, Why.CANCELLED)
LATE = replace(PAID, number=14, payments=("9",), why=Why.TIME_UP, late=True)
CHILE = Sale("POS-9-Ef", 9, 2500, "CLP", (), "k", NOON, Phase.WAITING)
FOREIGN = Sale("other", 0, 0, "XYZ", (), "", NOON, Phase.WITHDRAWN, Why.FOREIGN, foreign=True)
LISTED = [
    Listed(CANCELLED, None),
    Listed(PAID, DebtState.PRINTED),
    Listed(LATE, DebtState.OWED),
    Listed(CHILE, None),
    Listed(FOREIGN, None),
]
BACK = Refund("k1", "222", "POS-12-Ab", 12, 900, "BRL", False, "Ana", NOON + 60, ())
STORY = Story(
    Listed(PAID, DebtState.PRINTED),
    (
        Dispute("333", "POS-12-Ab", 12, 250_000, "BRL", Reason.SECOND, NOON + 30),
        Dispute("444", "POS-12-Ab", 12, 100, "BRL", Reason.EXCESS, NOON + 30, "refunded", "Ana", NOON + 90),
    ),
    (
        Logged(4, NOON, Entry("made", "sale 12: 2.500,00", "POS-12-Ab", 12, 250_000)),
        Logged(9, NOON + 20.5, Entry("paid", "sale 12: paid by 111, 222", "POS-12-Ab", 12, request_id="r-1", level=5)),
    ),
    (refused(BACK), done(replace(BACK, dispute="444")), BACK),
)


def test_the_table() -> None:
    out = io.StringIO()
    listing.write_table(LISTED, ZONE, out)
    assert out.getvalue() == (
        " NUMBER  TIME                              AMOUNT  STATE                  TICKET   PAYMENTS\n"
        "     13  2026-11-30 12:01:00              R$ 9,00  withdrawn (cancelled)  -        -\n"
        "     12  2026-11-30 12:00:00          R$ 2.500,00  paid                   printed  111 222\n"
        "     14  2026-11-30 12:00:00          R$ 2.500,00  paid (time-up, late)   owed     9\n"
        "      9  2026-11-30 12:00:00              $ 2.500  waiting                -        -\n"
        "foreign  2026-11-30 12:00:00  0 XYZ (minor units)  withdrawn (foreign)    -        -\n"
    )


def test_what_was_given_back_stands_in_the_table() -> None:
    out = io.StringIO()
    listing.write_table([Listed(LATE, DebtState.OWED, 900), Listed(PAID, DebtState.OWED, 250_000)], ZONE, out)
    first, second = out.getvalue().splitlines()[1:]
    assert "  paid (time-up, late, R$ 9,00 given back)  owed" in first
    assert "  paid (R$ 2.500,00 given back) " in second


def test_disputed_money_one_line_each() -> None:
    out = io.StringIO()
    unknown = Dispute("5", "other", 0, 100, "BRL", Reason.UNKNOWN_ORDER, NOON)
    listing.write_disputes([STORY.disputes[0], unknown], ZONE, out)
    assert out.getvalue() == (
        "sale 12: R$ 2.500,00 of payment 333, second, 2026-11-30 12:00:30, open\n"
        "no sale: R$ 1,00 of payment 5, unknown-order, 2026-11-30 12:00:00, open\n"
    )


def test_an_empty_table_is_its_head() -> None:
    out = io.StringIO()
    listing.write_table([], ZONE, out)
    assert out.getvalue() == "NUMBER  TIME  AMOUNT  STATE  TICKET  PAYMENTS\n"


def test_the_story() -> None:
    out = io.StringIO()
    listing.write_story(STORY, ZONE, out)
    assert out.getvalue() == (
        "Sale 12: R$ 2.500,00, paid\n"
        "  reference  POS-12-Ab\n"
        "  made       2026-11-30 12:00:00\n"
        "  expires    2026-11-30 12:06:00\n"
        "  paid       2026-11-30 12:00:20\n"
        "  ended      2026-11-30 12:00:20\n"
        "  order      777\n"
        "  payments   111 222\n"
        "  ticket     printed\n"
        "  watched    still watched for late money\n"
        "  line       2 x Café: R$ 2.500,00\n"
        "  disputed   R$ 2.500,00 of payment 333, second, 2026-11-30 12:00:30, open\n"
        "  disputed   R$ 1,00 of payment 444, excess, 2026-11-30 12:00:30, refunded by Ana, 2026-11-30 12:01:30\n"
        "  refund     R$ 9,00 of payment 222, by Ana, 2026-11-30 12:01:00, refused, 2026-11-30 12:01:05: too-old\n"
        "  refund     R$ 9,00 of disputed payment 222, by Ana, 2026-11-30 12:01:00, done, 2026-11-30 12:01:05, "
        "refund r10\n"
        "  refund     R$ 9,00 of payment 222, by Ana, 2026-11-30 12:01:00, not known yet\n"
        "2026-11-30 12:00:00  made: sale 12: 2.500,00\n"
        "2026-11-30 12:00:20  paid: sale 12: paid by 111, 222\n"
    )


def test_a_short_story_tells_only_what_there_is() -> None:
    out = io.StringIO()
    listing.write_story(Story(Listed(CHILE, None), (), ()), ZONE, out)
    assert out.getvalue() == "Sale 9: $ 2.500, waiting\n  reference  POS-9-Ef\n  made       2026-11-30 12:00:00\n"


def test_nothing_from_outside_moves_the_terminals_cursor() -> None:
    """A text of the provider's may hold anything."""
    sale = replace(CHILE, reference="a\x1b[2Jb", payments=("1\n2",), lines=(Line("c\rd", 1, 1),))
    story = Story(Listed(sale, None), (), (Logged(1, NOON, Entry("odd\x07", "e\x1bf\ng")),))
    out = io.StringIO()
    listing.write_story(story, ZONE, out)
    listing.write_table([story.listed], ZONE, out)
    text = out.getvalue()
    assert all(sign.isprintable() for sign in text.replace("\n", ""))
    assert "odd\N{REPLACEMENT CHARACTER}: e\N{REPLACEMENT CHARACTER}f g\n" in text
    assert "1 2\n" in text


def test_csv_is_rfc_4180() -> None:
    out = io.StringIO(newline="")
    odd = replace(CANCELLED, reference='say "hi", bye')
    listing.write_csv([Listed(PAID, DebtState.PRINTED, 900), Listed(odd, None)], ZONE, out)
    assert out.getvalue() == (
        "number,reference,made_at,cents,amount,currency,phase,why,paid_at,late,foreign,payments,ticket,refunded_cents\r\n"
        "12,POS-12-Ab,2026-11-30T12:00:00.000-03:00,250000,2500.00,BRL,paid,,2026-11-30T12:00:20.500-03:00,no,no,"
        "111 222,printed,900\r\n"
        '13,"say ""hi"", bye",2026-11-30T12:01:00.000-03:00,900,9.00,BRL,withdrawn,cancelled,,no,no,,,0\r\n'
    )


@pytest.mark.parametrize("sales", [LISTED, []])
def test_csv_and_json_tell_the_same_sales(sales: list[Listed]) -> None:
    table, array = io.StringIO(newline=""), io.StringIO()
    listing.write_csv(sales, ZONE, table)
    listing.write_json(sales, ZONE, array)
    from_csv = list(csv.DictReader(io.StringIO(table.getvalue(), newline="")))
    from_json = json.loads(array.getvalue())
    assert [(row["number"], row["cents"], row["amount"] or None) for row in from_csv] == [
        (str(item["number"]), str(item["cents"]), item["amount"]) for item in from_json
    ]
    assert len(from_json) == len(sales)


def test_json_of_a_sale_tells_every_fact() -> None:
    assert listing.sale_json(Listed(LATE, DebtState.OWED), ZONE) == {
        "number": 14,
        "reference": "POS-12-Ab",
        "made_at": "2026-11-30T12:00:00.000-03:00",
        "cents": 250_000,
        "amount": "2500.00",
        "currency": "BRL",
        "phase": "paid",
        "why": "time-up",
        "paid_at": "2026-11-30T12:00:20.500-03:00",
        "ended_at": "2026-11-30T12:00:20.500-03:00",
        "expires": "2026-11-30T12:06:00.000-03:00",
        "late": True,
        "foreign": False,
        "watched": True,
        "order_id": "777",
        "payments": ["9"],
        "ticket": "owed",
        "refunded_cents": 0,
        "lines": [{"title": "Café", "quantity": 2, "unit_cents": 125_000}],
    }


@pytest.mark.parametrize(("sale", "amount"), [(PAID, "2500.00"), (CHILE, "2500"), (FOREIGN, None)])
def test_an_amount_is_an_exact_decimal_by_its_currency(sale: Sale, amount: str | None) -> None:
    assert listing.sale_json(Listed(sale, None), ZONE)["amount"] == amount


def test_json_of_a_story_has_its_disputes_and_its_log() -> None:
    told = json.loads(json.dumps(listing.story_json(STORY, ZONE)))
    assert told["number"] == 12
    assert told["disputes"] == [
        {
            "payment": "333",
            "number": 12,
            "cents": 250_000,
            "amount": "2500.00",
            "currency": "BRL",
            "reason": "second",
            "seen_at": "2026-11-30T12:00:30.000-03:00",
            "settled": None,
            "settled_by": None,
            "settled_at": None,
        },
        told["disputes"][1]
        | {"payment": "444", "cents": 100, "amount": "1.00", "settled": "refunded"}
        | {"settled_by": "Ana", "settled_at": "2026-11-30T12:01:30.000-03:00"},
    ]
    assert told["refunds"][1] == {
        "payment": "222",
        "cents": 900,
        "amount": "9.00",
        "currency": "BRL",
        "whole": False,
        "by": "Ana",
        "asked_at": "2026-11-30T12:01:00.000-03:00",
        "dispute": "444",
        "state": "done",
        "tries": 1,
        "refund_id": "r10",
        "ended_at": "2026-11-30T12:01:05.000-03:00",
        "why": None,
    }
    assert [refund["state"] for refund in told["refunds"]] == ["refused", "done", "wanted"]
    assert told["log"][1] == {
        "seq": 9,
        "at": "2026-11-30T12:00:20.500-03:00",
        "event": "paid",
        "text": "sale 12: paid by 111, 222",
        "level": 5,
        "cents": None,
        "request_id": "r-1",
    }
