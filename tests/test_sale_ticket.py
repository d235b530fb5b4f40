"""What stands on paper: the ticket of a sale in all seven countries, the slip for disputed money, the summary."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from kiosk.sale.money import SITES, Currency
from kiosk.sale.records import (
    Align,
    Debt,
    Dispute,
    Line,
    Phase,
    Reason,
    Refund,
    RefundState,
    Sale,
    Size,
    Ticket,
    TicketLine,
)
from kiosk.sale.shop import Shop
from kiosk.sale.ticket import clock_time, local_time, paid_ticket, refund_paper, short_time, slip, summary
from kiosk.sale.words import LANGUAGES
from tests.story import SHOP

# 2026-12-01 01:30:15 UTC, which is still the evening of 30 November in Brazil.
PAID_AT = 1_796_088_615.0
BRASILIA = timezone(timedelta(hours=-3))
REFERENCE = "P" * 40 + "-12345678-AbCdEfGhIjKlMn"


def shop(site: str = "MLB", language: str = "pt") -> Shop:
    return replace(SHOP, site=SITES[site], language=language, zone=BRASILIA, header=("Rua A 1", "Centro"))


def sale(currency: str = "BRL", *lines: Line, payments: tuple[str, ...] = ("111222333",)) -> Sale:
    lines = lines or (Line("Padaria", 1, 2500),)
    return Sale(
        REFERENCE,
        12_345_678,
        sum(line.cents for line in lines),
        currency,
        lines,
        "key",
        PAID_AT - 40,
        Phase.PAID,
        payments=payments,
        paid_at=PAID_AT,
    )


def texts(ticket: Ticket) -> list[str]:
    """Everything written, left and right, from the top."""
    return [text for line in ticket.lines for text in (line.text, line.right) if text]


def the_line(ticket: Ticket, text: str) -> TicketLine:
    """The one line that begins with that."""
    [line] = [line for line in ticket.lines if line.text == text]
    return line


def cents(text: str, currency: Currency) -> int:
    """A printed amount, read back."""
    return int("".join(sign for sign in text if sign.isdigit())) * (-1 if "-" in text else 1)


# --- the paper of a refund --------------------------------------------------------------------------------------------

BACK = Refund(
    *("key", "111222333", REFERENCE, 12_345_678, 700, "BRL"),
    whole=False,
    by="Ana",
    asked_at=PAID_AT - 60,
    known=(),
    state=RefundState.DONE,
    refund_id="880001",
    ended_at=PAID_AT,
)


def test_the_paper_of_a_refund_line_by_line() -> None:
    """What, of which payment, the provider's number of it, by whom, and where the customer signs; not its key."""
    paper = refund_paper(BACK, shop())
    assert texts(paper) == [
        "Padaria São João",
        "Rua A 1",
        "Centro",
        "DEVOLUÇÃO",
        "Venda 12345678",
        "30/11/2026 22:30",
        "TOTAL",
        "R$ 7,00",
        "Pagamento",
        "111222333",
        "Devolução nº",
        "880001",
        "Por",
        "Ana",
        REFERENCE,
        "Assinatura do cliente",
        "Obrigado!",
        "NÃO É DOCUMENTO FISCAL",
    ]
    assert the_line(paper, "DEVOLUÇÃO").size is Size.BIG
    assert paper.lines[[line.text for line in paper.lines].index("Assinatura do cliente") + 3].align is Align.RULE


@pytest.mark.parametrize("site", sorted(SITES))
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_refund_is_written_the_countrys_way(site: str, language: str) -> None:
    there = shop(site, language)
    paper = refund_paper(replace(BACK, currency=there.site.currency.code), there)
    assert the_line(paper, LANGUAGES[language].total).right == there.site.currency.with_symbol(700)
    assert texts(paper)[-1] == there.site.disclaimer


def test_a_refund_of_money_that_is_no_sales_names_none() -> None:
    assert "Venda" not in " ".join(texts(refund_paper(replace(BACK, number=0), shop())))


def test_in_a_summary_a_refund_is_called_so() -> None:
    owed = Debt("refund:key", 7, 700, Ticket(()), PAID_AT)
    assert texts(summary((owed,), shop()))[1].startswith("DEVOLUÇÃO 7")


# --- the ticket -------------------------------------------------------------------------------------------------------


def test_a_time_of_today_is_a_clock_time_and_one_of_another_day_a_date() -> None:
    """Today is the shop's; while the provider's clock is not known nobody knows which day it is."""
    night = datetime(2030, 3, 17, 1, 30, tzinfo=UTC).timestamp()
    there = replace(SHOP, language="en", zone=timezone(timedelta(hours=-3)))
    assert short_time(night, night + 3600, SHOP) == "01:30"
    assert short_time(night, night + 24 * 3600, SHOP) == "17/03"
    assert short_time(night, night + 3 * 3600, there) == "16 Mar"
    assert short_time(night, night + 3600, there) == "22:30"
    assert short_time(night, None, SHOP) == "17/03"


def test_the_ticket_of_a_plain_sale_line_by_line() -> None:
    """Header, number and time, item, total, payment, reference, footer, and that it is no fiscal document."""
    assert texts(paid_ticket(sale(), shop())) == [
        "Padaria São João",
        "Rua A 1",
        "Centro",
        "Venda 12345678",
        "30/11/2026 22:30",
        "Padaria",
        "25,00",
        "TOTAL",
        "R$ 25,00",
        "Pagamento",
        "111222333",
        REFERENCE,
        "Obrigado!",
        "NÃO É DOCUMENTO FISCAL",
    ]


@pytest.mark.parametrize("site", sorted(SITES))
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_ticket_in_every_country_and_language(site: str, language: str) -> None:
    """What the design asks of a ticket stands on it, each thing once."""
    where = shop(site, language)
    currency, words = where.site.currency, LANGUAGES[language]
    lines = (Line("Café", 3, 450), Line("Pão", 1, 1150))
    sold = sale(currency.code, *lines, payments=("111", "222"))
    ticket = paid_ticket(sold, where)
    written = texts(ticket)
    for once in (where.name, "Rua A 1", "Centro", "111", "222", "Obrigado!", where.site.disclaimer):
        assert written.count(once) == 1, once
    assert the_line(ticket, f"{words.sale} 12345678").right == local_time(PAID_AT, where)
    assert the_line(ticket, f"3 x {currency.text(450)} Café").right == currency.text(1350)
    assert the_line(ticket, "Pão").right == currency.text(1150)
    total = the_line(ticket, words.total)
    assert total.right == currency.with_symbol(2500)
    assert (total.size, total.bold) == (Size.BIG, True)
    assert sum(REFERENCE in text for text in written) == 1
    assert the_line(ticket, REFERENCE) == TicketLine(REFERENCE, align=Align.CENTRE, unbroken=True)
    assert ticket.reference == REFERENCE


@pytest.mark.parametrize("site", sorted(SITES))
def test_the_printed_items_add_up_to_the_printed_total(site: str) -> None:
    """L5: read back from paper, minor unit by minor unit."""
    where = shop(site)
    currency = where.site.currency
    lines = (Line("a", 1, 1), Line("b", 7, 333), Line("c", 2, 1_234_567), Line("d", 10, 99_999))
    ticket = paid_ticket(sale(currency.code, *lines), where)
    first, second = (index for index, line in enumerate(ticket.lines) if line.align is Align.RULE)
    items = [cents(line.right, currency) for line in ticket.lines[first + 1 : second]]
    assert items == [line.cents for line in lines]
    total = the_line(ticket, LANGUAGES["pt"].total).right.removeprefix(currency.symbol)
    assert sum(items) == cents(total, currency) == sale(currency.code, *lines).cents


def test_the_disclaimer_is_the_countrys_and_the_last_word() -> None:
    """It follows the country, not the language of the screens, and is never broken over two lines."""
    for site in SITES.values():
        last = paid_ticket(sale(), shop(site.id, "en")).lines[-1]
        assert last == TicketLine(site.disclaimer, align=Align.CENTRE, unbroken=True)


def test_a_sale_without_a_moment_of_payment_shows_when_it_was_made() -> None:
    ticket = paid_ticket(replace(sale(), paid_at=None), shop())
    assert the_line(ticket, "Venda 12345678").right == "30/11/2026 22:29"


def test_a_shop_without_header_and_footer_still_has_its_name_and_the_disclaimer() -> None:
    bare = replace(shop(), header=(), footer=())
    written = texts(paid_ticket(sale(), bare))
    assert written[0] == "Padaria São João"
    assert written[-2:] == [REFERENCE, "NÃO É DOCUMENTO FISCAL"]


# --- time -------------------------------------------------------------------------------------------------------------


def test_times_are_the_shops() -> None:
    """The zone decides the day, too."""
    assert local_time(PAID_AT, shop()) == "30/11/2026 22:30"
    assert local_time(PAID_AT, replace(shop(), zone=UTC)) == "01/12/2026 01:30"
    assert clock_time(PAID_AT, shop()) == "22:30"
    assert clock_time(PAID_AT, replace(shop(), zone=UTC)) == "01:30"
    assert local_time(PAID_AT, shop(language="en")) == "30 Nov 2026 22:30"


def test_a_clock_of_1970_makes_a_ticket_all_the_same() -> None:
    assert local_time(0.0, shop()) == "31/12/1969 21:00"


# --- the slip (R18) ---------------------------------------------------------------------------------------------------

DISPUTE = Dispute("777", REFERENCE, 12, 2500, "BRL", Reason.SECOND, PAID_AT)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("reason", Reason)
def test_a_slip_says_what_happened_to_which_money_and_what_to_do(language: str, reason: Reason) -> None:
    where, words = shop(language=language), LANGUAGES[language]
    paper = slip(replace(DISPUTE, reason=reason), where)
    written = texts(paper)
    for once in (words.reasons[reason], "R$ 25,00", "777", REFERENCE, words.settle, where.site.disclaimer):
        assert written.count(once) == 1, once
    assert the_line(paper, f"{words.sale} 12").right == local_time(PAID_AT, where)
    assert the_line(paper, REFERENCE).unbroken


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("reason", Reason)
def test_a_slip_is_never_taken_for_a_ticket(language: str, reason: Reason) -> None:
    """It has no total and nowhere the big word of a paid sale; a ticket has its total."""
    words = LANGUAGES[language]
    written = " ".join(texts(slip(replace(DISPUTE, reason=reason), shop(language=language))))
    assert words.total not in written
    assert words.paid not in written
    assert words.total in texts(paid_ticket(sale(), shop(language=language)))


def test_a_slip_over_another_currency_shows_no_amount_that_would_be_wrong() -> None:
    written = texts(slip(replace(DISPUTE, currency="ARS", cents=0), shop()))
    assert "ARS" in written
    assert not any("R$" in text for text in written)


def test_a_slip_about_an_order_that_is_not_ours_names_no_sale() -> None:
    written = texts(slip(replace(DISPUTE, number=0, reason=Reason.UNKNOWN_ORDER), shop()))
    assert not any(text.startswith("Venda") for text in written)
    assert REFERENCE in written


# --- the summary (R19) ------------------------------------------------------------------------------------------------


def test_a_summary_lists_each_old_paper_with_its_number_time_and_amount() -> None:
    debts = tuple(Debt(f"r{n}", n, 1000 * n, Ticket(()), PAID_AT + 60 * n) for n in (1, 2, 3))
    assert [(line.text, line.right) for line in summary(debts, shop()).lines] == [
        ("COMPROVANTES PENDENTES", ""),
        ("Venda 1  30/11/2026 22:31", "10,00"),
        ("Venda 2  30/11/2026 22:32", "20,00"),
        ("Venda 3  30/11/2026 22:33", "30,00"),
    ]
