"""Stories of the counter, told to the real process: keys in, money at the fake account, paper out.

The machine's own stories are told elsewhere, in simulated time and in every order. Here the whole program is proved
once for each kind of day: adapters, loop, journal, and the troubles of line, account, printer and display.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.sale.events import Paper, Reject, Trouble
from kiosk.sale.records import Mark
from kiosk.sale.screens import not_running
from kiosk.sale.states import MenuItem, NoticeKind
from kiosk.sale.words import Down
from tests.counter_books import Account, audit, brl
from tests.counter_client import KIOSK, PATIENCE_S, SHOP, WORDS, Counter
from tests.side_by_side import Story, Told, selected, told_side_by_side

pytestmark = pytest.mark.slow

IMPATIENT_SHOP = SHOP + "[sale]\nwait_seconds = 10\n"
BAKERY = SHOP + '[sale]\npresets = ["4.50 Café", "2.40 Pão de queijo"]\n'
ITEMS = [(1, "Padaria do Balcão", "R$ 2,50"), (2, "Padaria do Balcão", "R$ 0,70"), (3, "Pão de queijo", "R$ 7,20")]
STOP_S = 12.0
"""How long a stop may take that withdraws an order (R16)."""
PRINTER_BACK_S = 5.0
"""A printer that comes back is tried within this (R25)."""


# --- sales ------------------------------------------------------------------------------------------------------------


def plain_sale(counter: Counter) -> None:
    """One amount, from the keys to the paper (L5)."""
    reference = counter.sell("2500")
    assert Account(counter).order() == reference
    assert counter.customer("scan")
    assert counter.customer("confirm")
    counter.until_state("paid")
    counter.until_screen(WORDS.paid)
    [ticket] = audit(counter).papers
    assert ticket.total == brl(2500)
    assert reference in ticket.text.split()
    assert ticket.marks == set()
    counter.leave()
    assert not counter.customer("scan")


def several_items(counter: Counter) -> None:
    """Added, counted and chosen; one amount on panel, phone and paper, and in the journal (L5)."""
    assert not counter.customer("scan")
    assert (counter.phone()["screen"], counter.phone()["scanned"]) == ("waiting", True)
    counter.press("250A300A*2B3")
    counter.hold("0")
    counter.press("*5A3BC2")
    assert f"{WORDS.items.format(count=6)}\n10,40" in counter.screen()
    counter.press("#")
    reference = counter.until_state("waiting").sale["reference"]
    assert counter.customer("scan")
    phone = counter.phone()
    assert (phone["title"], phone["amount"], phone["reference"]) == ("Padaria do Balcão", "R$ 10,40", reference)
    assert [(item["quantity"], item["title"], item["amount"]) for item in phone["items"]] == ITEMS
    assert counter.customer("confirm")
    counter.until_state("paid")
    [ticket] = audit(counter).papers
    assert ticket.total == brl(1040)
    rows = [row.split() for row in ticket.text.splitlines()]
    for row in (["Padaria", "do", "Balcão", "2,50"], ["2", "x", "0,35", "Padaria", "do", "Balcão", "0,70"]):
        assert row in rows, ticket.text
    assert ["3", "x", "2,40", "Pão", "de", "queijo", "7,20"] in rows
    [sale] = counter.sales()
    assert [(line["quantity"], line["unit_cents"]) for line in sale["lines"]] == [(1, 250), (2, 35), (3, 240)]


def rejected_then_paid(counter: Counter) -> None:
    """A rejected payment leaves the order where it is (R12)."""
    reference = counter.sell("2500")
    assert counter.customer("reject")
    counter.until_screen(WORDS.rejected)
    assert Account(counter).order() == reference
    assert counter.customer("pay")
    counter.until_state("paid")
    [ticket] = audit(counter).papers
    assert ticket.original


def cancelled(counter: Counter) -> None:
    """Asked first, then done; the next sale begins at once (R13)."""
    counter.sell("2500")
    counter.press("*")
    assert WORDS.cancel_question in counter.screen()
    counter.press("*")
    assert WORDS.ask_question in counter.screen()
    counter.press("*")
    assert WORDS.cancel_question not in counter.screen()
    assert WORDS.ask_question not in counter.screen()
    assert counter.status().state == "waiting"
    counter.cancel()
    counter.until_state("notice")
    assert not counter.customer("scan")
    assert [sale["phase"] for sale in audit(counter).sales] == ["withdrawn"]
    counter.leave()
    counter.sell("100")
    assert counter.customer("pay")
    counter.until_state("paid")
    assert [paper.total for paper in audit(counter).papers] == [brl(100)]


def paid_while_cancelling(counter: Counter) -> None:
    """The phone keeps what it scanned; paid wins (R13, R14)."""
    counter.sell("2500")
    assert counter.customer("scan")
    counter.cancel()
    assert counter.customer("confirm")
    [ticket] = audit(counter).papers
    assert ticket.original
    assert ticket.marks <= {Mark.PAID_AFTER_CANCEL}


def nobody_pays(counter: Counter) -> None:
    """Time is up after the configured ten seconds; the order is gone from the POS."""
    counter.sell("2500")
    counter.until_state("notice")
    assert WORDS.notices[NoticeKind.TIME_UP].big in counter.screen()
    assert Account(counter).order() == ""
    assert [(sale["phase"], sale["why"]) for sale in audit(counter).sales] == [("withdrawn", "time-up")]


def part_paid_then_cancelled(counter: Counter) -> None:
    """Half the money covers no sale: it is disputed, and comes out on a slip that is no ticket (R18)."""
    counter.sell("2501")
    assert counter.customer("pay-part")
    counter.until_screen(WORDS.part_paid.format(amount="12,50"))
    counter.cancel()
    counter.until_state("notice")
    assert WORDS.notices[NoticeKind.NOT_CONFIRMED].big in counter.screen()
    [dispute] = counter.until(lambda status: bool(status.disputes), 2 * PATIENCE_S).disputes
    assert (dispute["cents"], dispute["reason"]) == (1250, "short")
    books = audit(counter)
    assert books.tickets == []
    [slip] = books.slips
    assert brl(1250) in slip.text


def paid_twice(counter: Counter) -> None:
    """Two phones pay one order: one ticket, and the second payment is disputed (R17, R18)."""
    counter.sell("2500")
    assert counter.customer("pay-twice")
    counter.until_state("paid")
    [dispute] = counter.until(lambda status: bool(status.disputes)).disputes
    assert (dispute["cents"], dispute["reason"]) == (2500, "second")
    books = audit(counter)
    assert len(books.payments) == 2
    assert len(books.tickets) == len(books.slips) == 1


# --- the line and the account -----------------------------------------------------------------------------------------


def no_network_before(counter: Counter) -> None:
    """Nothing is placed, and the kiosk says so; with the line back it sells."""
    counter.trouble("no-network", True)
    counter.press("2500#")
    counter.until_state("notice", within_s=30)
    assert WORDS.notices[NoticeKind.NO_ANSWER].big in counter.screen()
    counter.trouble("no-network", False)
    counter.leave()
    assert audit(counter).sales == ()
    counter.sell("100")
    assert counter.customer("pay")
    counter.until_state("paid")
    audit(counter)


def no_network_during_and_after(counter: Counter) -> None:
    """What is not known is not failed: the order stays, and the money is found when the line is back (L6, R15)."""
    counter.sell("2500")
    assert counter.customer("scan")
    counter.trouble("no-network", True)
    counter.until_screen(WORDS.troubles[Trouble.NETWORK])
    assert WORDS.blind.split("{")[0] in counter.screen()
    assert counter.customer("confirm")
    assert counter.status().state == "waiting"
    counter.trouble("no-network", False)
    counter.until_state("paid")
    counter.trouble("no-network", True)  # Nothing more is needed for the ticket.
    counter.until(lambda status: not status.debts)
    assert len(counter.papers()) == 1
    counter.trouble("no-network", False)
    audit(counter)
    counter.leave()


def mercadopago_down(counter: Counter) -> None:
    """Errors and a proxy's HTML say nothing about the money (L6)."""
    counter.sell("2500")
    assert counter.customer("scan")
    counter.trouble("mp-down", True)
    counter.until(lambda status: status.health["trouble"] is not None)
    assert counter.customer("confirm")
    assert counter.status().state == "waiting"
    counter.trouble("mp-down", False)
    counter.until_state("paid")
    [ticket] = audit(counter).papers
    assert ticket.original


def token_expired(counter: Counter) -> None:
    """Before a sale it is refused at once, for the technician; during one it says nothing about the money (R7)."""
    counter.trouble("token-expired", True)
    counter.press("2500#")
    counter.until_state("notice")
    assert WORDS.notices[NoticeKind.REFUSED_TOKEN].text in counter.screen()
    counter.trouble("token-expired", False)
    counter.leave()
    counter.sell("2500")
    counter.trouble("token-expired", True)
    counter.until_screen(WORDS.rejects[Reject.TOKEN])
    assert counter.customer("pay")
    assert counter.status().state == "waiting"
    counter.trouble("token-expired", False)
    counter.until_state("paid")
    [ticket] = audit(counter).papers
    assert ticket.original


def answer_to_the_order_lost(counter: Counter) -> None:
    """The PUT was applied and its answer lost: the order is found on the POS, and not placed twice (R6)."""
    counter.trouble("mp-slow", True)
    counter.press("2500#")
    counter.until(lambda _: counter.customer("scan"))  # Slow: what was asked happens at once, the answer is late.
    counter.trouble("answer-lost", True)
    counter.trouble("mp-slow", False)
    counter.until(lambda status: status.health["trouble"] is not None)
    counter.trouble("answer-lost", False)
    reference = counter.until_state("waiting").sale["reference"]
    assert counter.customer("confirm")
    counter.until_state("paid")
    books = audit(counter)
    assert [payment.reference for payment in books.payments] == [reference]
    assert "placing-again" not in counter.said()


def answers_to_a_cancel_lost(counter: Counter) -> None:
    """The order may be gone or not; nobody guesses, and the customer who pays has a ticket (R14)."""
    counter.sell("2500")
    assert counter.customer("scan")
    counter.trouble("answer-lost", True)
    counter.cancel()
    counter.until(lambda status: status.state == "withdrawing" and status.health["trouble"] is not None)
    assert counter.customer("confirm")
    counter.trouble("answer-lost", False)
    counter.until_state("paid")
    [ticket] = audit(counter).papers
    assert ticket.marks == set()


# --- the devices ------------------------------------------------------------------------------------------------------


def paper_out_and_back(counter: Counter) -> None:
    """The ticket is owed, the screen says why, and it comes by itself when there is paper (R21, R25)."""
    counter.sell("2500")
    counter.trouble("paper-out", True)
    assert counter.customer("pay")
    counter.until_state("paid")
    counter.until_screen(WORDS.papers[Paper.OUT])
    assert [debt["state"] for debt in counter.status().debts] == ["owed"]
    assert counter.papers() == []
    counter.trouble("paper-out", False)
    counter.until(lambda _: bool(counter.papers()), 2 * PRINTER_BACK_S)
    [ticket] = audit(counter).papers
    assert ticket.marks == set()  # No byte had left: this is the original.


def printer_unplugged(counter: Counter) -> None:
    """A sale needs no printer (L9). Its ticket is printed, as the original, when the printer is back."""
    counter.trouble("printer-unplugged", True)
    counter.sell("2500")
    assert counter.customer("pay")
    counter.until_state("paid")
    counter.until_screen(WORDS.papers[Paper.GONE])
    counter.trouble("printer-unplugged", False)
    counter.until(lambda _: bool(counter.papers()), 2 * PRINTER_BACK_S)
    [ticket] = audit(counter).papers
    assert ticket.marks == set()


def printer_pulled_in_the_middle_of_a_ticket(counter: Counter) -> None:
    """The beginning of an original is out; what comes when the printer is back says what it may be (L3, R21)."""
    counter.trouble("printer-pulled", True)
    counter.sell("2500")
    assert counter.customer("pay")
    counter.until_screen(WORDS.papers[Paper.GONE])
    status = counter.status()
    assert (status.state, [debt["state"] for debt in status.debts]) == ("paid", ["doubtful"])
    [begun] = counter.papers()
    assert begun.original
    assert begun.total == ""
    counter.trouble("printer-pulled", False)
    counter.until(lambda _: len(counter.papers()) > 1, 2 * PRINTER_BACK_S)
    again = audit(counter).papers[-1]
    assert again.marks == {Mark.POSSIBLE_DUPLICATE}
    assert again.total == "R$ 25,00"


def cover_open_while_the_paper_runs_low(counter: Counter) -> None:
    """Low paper stops nothing; with the cover open the ticket is owed, and the screen says why."""
    counter.trouble("paper-low", True)
    counter.until(lambda status: status.health["printer"] == "low", 40)
    counter.trouble("cover-open", True)
    counter.sell("2500")
    assert counter.customer("pay")
    counter.until_screen(WORDS.papers[Paper.COVER])
    assert counter.papers() == []
    counter.trouble("cover-open", False)
    counter.until(lambda _: bool(counter.papers()), 2 * PRINTER_BACK_S)
    [ticket] = audit(counter).papers
    assert ticket.marks == set()


def technician_beside_the_running_kiosk(counter: Counter) -> None:
    """No paper of his while a sale is open (R19); then a copy, his slip, and how long the paper lasts."""
    config = ("--config", str(counter.config))
    counter.press("*")
    counter.until_screen(WORDS.menu[MenuItem.NEW_ROLL])
    counter.press("#")
    counter.sell("2500")
    refused = counter.kiosk("reprint", *config, "1")
    assert (refused.returncode, refused.stderr) == (1, "kiosk: not printed: busy: a sale is open\n")
    assert counter.customer("pay")
    counter.until(lambda status: status.state == "paid" and not status.debts)
    again = counter.kiosk("reprint", *config, "1")
    assert (again.stdout, again.stderr) == ("printed: the ticket of sale 1 as COPY\n", "")
    assert "ok   slip      printed: the slip\n" in counter.kiosk("check", *config, "--print").stdout
    ticket, copy, slip = counter.papers()
    assert ticket.original
    assert (set(copy.marks), copy.total) == ({Mark.COPY}, ticket.total)
    assert slip.text.count(WORDS.service_slip) == 2
    assert "ok  service: running, state paid" in slip.text
    left = counter.status().health["tickets_left"]
    assert 300 < left < 1000, "of 80 m"
    told = counter.kiosk("status", *config).stdout
    assert re.fullmatch(rf"paid, sale 1, notifications: \d+, paper for about {left} tickets\n", told)


def the_day_is_closed(counter: Counter) -> None:
    """X, then Z, by the keys; while a sale is open none from the command line, then one; its paper comes again as a
    copy; and the journal tells the same as the papers."""
    config = ("--config", str(counter.config))
    counter.sell("2500")
    busy = counter.kiosk("close", *config)
    assert (busy.returncode, busy.stderr) == (1, "kiosk: not closed: busy: a sale is open\n")
    assert counter.customer("pay")
    counter.until(lambda status: status.state == "paid" and not status.debts)
    counter.leave()
    _walk_to(counter, MenuItem.TOTALS)
    counter.until_screen(WORDS.totals)
    counter.press("#")
    counter.until(lambda _: len(counter.papers()) == 2)
    _walk_to(counter, MenuItem.CLOSE)
    counter.until_screen(WORDS.close_question)
    counter.press("#")
    counter.until_screen(WORDS.closed)
    counter.until(lambda status: len(counter.papers()) == 3 and not status.debts)
    assert counter.kiosk("close", *config).stdout == "Z 2: closed; its paper is printed, or owed\n"
    counter.until(lambda status: len(counter.papers()) == 4 and not status.debts)
    again = counter.kiosk("totals", *config, "--z", "1", "--print")
    assert (again.stdout, again.stderr) == ("printed: Z 1 as COPY\n", "")
    ticket, x, z, second, copy = counter.papers()
    assert ticket.original
    assert [_head(paper.text) for paper in (x, z, second, copy)] == ["X", "Z 1", "Z 2", "Z 1"]
    assert ("R$ 25,00" in z.text, "R$ 0,00" in second.text) == (True, True)
    assert set(copy.marks) == {Mark.COPY}
    found = json.loads(counter.kiosk("totals", *config, "--z", "1", "--json").stdout)
    assert (found["sales"], found["cents"]) == (1, 2500)
    assert json.loads(counter.kiosk("totals", *config, "--json").stdout)["sales"] == 0


def _walk_to(counter: Counter, item: MenuItem) -> None:
    for _ in MenuItem:
        counter.press("*")
        if WORDS.menu[item] in counter.screen():
            counter.press("#")
            return
    raise AssertionError(f"{item} is not in the menu")


def _head(text: str) -> str:
    """What stands alone on a line: X, or Z and its number."""
    return next(line.strip() for line in text.splitlines() if re.fullmatch(r"X|Z \d+", line.strip()))


def display_unplugged(counter: Counter) -> None:
    """A sale needs no display (L9): lights and sounds tell how it stands, and PAID is theirs alone (L1). Who begins one
    without it confirms the amount. It shows the newest screen when it is back."""
    counter.sell("2500")
    assert counter.lit()
    counter.trouble("display-unplugged", True)
    assert not counter.lit()
    assert counter.signals() == ("slow", "dark", "scan")
    assert counter.customer("pay")
    counter.until_state("paid")
    assert counter.signals() == ("steady", "dark", "paid")
    counter.until(lambda status: bool(status.health["display"]))
    counter.leave()
    counter.press("500#")
    assert counter.signals() == ("flash", "slow", "attention")
    counter.press("1")
    counter.until_state("waiting")
    assert counter.signals() == ("slow", "dark", "scan")
    counter.cancel()
    counter.until_state("notice")
    assert counter.signals() == ("dark", "slow", "withdrawn")
    assert not counter.lit()
    assert [paper.total for paper in audit(counter).papers] == [brl(2500)]
    counter.trouble("display-unplugged", False)
    counter.until(lambda status: counter.lit() and status.health["display"] == [])


# --- the service ------------------------------------------------------------------------------------------------------


def stopped_with_an_open_order(counter: Counter) -> None:
    """SIGTERM takes the order back within the stop time, and the process ends with status 0 (R16)."""
    counter.sell("2500")
    pid = counter.pid
    os.kill(pid, signal.SIGTERM)
    counter.until(lambda _: counter.pid != pid, STOP_S)
    assert not counter.customer("scan")
    counter.until(lambda _: "the kiosk ended (status 0)" in counter.said())
    counter.until_state("idle")
    assert [(sale["phase"], sale["why"]) for sale in audit(counter).sales] == [("withdrawn", "stopped")]


def stopped_while_the_order_is_locked(counter: Counter) -> None:
    """What cannot be taken back in time is left to the next start; the customer's payment is found (R16, R23)."""
    counter.trouble("locked", True)
    counter.sell("2500")
    assert counter.customer("scan")
    pid = counter.pid
    os.kill(pid, signal.SIGTERM)
    counter.until(lambda _: counter.pid != pid, STOP_S + 8)
    assert counter.customer("confirm")
    [ticket] = audit(counter).papers
    assert ticket.marks == set()


def killed_while_it_says_paid(counter: Counter) -> None:
    """The panel keeps no PAID that nobody stands behind: it says RESTARTING until the next start's own picture."""
    counter.sell("2500")
    assert counter.customer("pay")
    counter.until_state("paid")
    os.kill(counter.pid, signal.SIGKILL)
    counter.until_picture(not_running("pt", Down.RESTARTING))
    counter.until_state("idle")
    audit(counter)


def two_on_one_journal(counter: Counter) -> None:
    """The second is refused, in one line, and the first sells on (R5)."""
    counter.sell("2500")
    config = shop_without_devices(counter.folder)
    second = counter.kiosk("run", "--config", str(config), "--journal", str(counter.journal))
    assert second.returncode == 1
    assert second.stderr.startswith("kiosk: ")
    assert len(second.stderr.splitlines()) == 1
    assert counter.status().state == "waiting"
    assert counter.customer("pay")
    counter.until_state("paid")
    audit(counter)


def shop_without_devices(folder: Path) -> Path:
    """A configuration for a kiosk that touches nothing of this machine."""
    token = folder / "token"
    token.write_text("TEST-of-no-account")
    token.chmod(0o600)
    account = f'base_url = "http://127.0.0.1:9"\naccess_token_file = "{token}"\n'
    devices = "".join(f'[{device}]\ndriver = "none"\n' for device in ("keypad", "display", "printer"))
    config = folder / "second.toml"
    config.write_text(f'{SHOP}{account}{devices}[journal]\npath = "{folder / "second.db"}"\n')
    return config


def keypad_bounces(counter: Counter) -> None:
    """Every contact chatters for 20 ms: 2500 is 25,00, to the cent (L5)."""
    counter.trouble("keypad-bouncing", True)
    counter.sell("2500")
    assert counter.status().sale["cents"] == 2500
    assert counter.customer("pay")
    counter.until_state("paid")
    [ticket] = audit(counter).papers
    assert ticket.total == brl(2500)


def key_stuck(counter: Counter) -> None:
    """It types once as it jams, is told of, and is ignored; the other keys sell on (L9), and so does it when free."""
    counter.trouble("keypad-stuck", True)
    counter.until_screen("0,05")
    [told] = counter.status().health["keypad"]
    assert "key 5 has been down for 30 s" in told
    counter.press("*")
    counter.sell("15700")
    assert counter.status().sale["cents"] == 1700
    counter.trouble("keypad-stuck", False)
    assert counter.status().health["keypad"] == []
    assert counter.customer("pay")
    counter.until_state("paid")
    audit(counter)
    counter.leave()
    counter.press("25")
    counter.until_screen("0,25")


# --- told ---------------------------------------------------------------------------------------------------------


STORIES: list[Story] = [
    part_paid_then_cancelled,  # The longest first.
    no_network_before,
    paid_twice,
    answer_to_the_order_lost,
    stopped_while_the_order_is_locked,
    nobody_pays,
    plain_sale,
    several_items,
    rejected_then_paid,
    cancelled,
    paid_while_cancelling,
    no_network_during_and_after,
    mercadopago_down,
    token_expired,
    answers_to_a_cancel_lost,
    paper_out_and_back,
    printer_unplugged,
    printer_pulled_in_the_middle_of_a_ticket,
    cover_open_while_the_paper_runs_low,
    technician_beside_the_running_kiosk,
    the_day_is_closed,
    display_unplugged,
    keypad_bounces,
    key_stuck,
    stopped_with_an_open_order,
    killed_while_it_says_paid,
    two_on_one_journal,
]


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    shops: dict[Story, str] = {
        nobody_pays: IMPATIENT_SHOP,
        several_items: BAKERY,
        technician_beside_the_running_kiosk: SHOP + "[printer]\nroll_m = 80\n",
    }
    with told_side_by_side(selected(request), tmp_path_factory.mktemp("stories"), shops) as told:
        yield told


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_counter_tells(story: Story, told: Told) -> None:
    told(story)


# --- called wrongly -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["run"], ["sim", "--listen", "127.0.0.1:0"]], ids=["run", "sim"])
def test_a_wrong_configuration_is_told_at_once_and_nothing_starts(tmp_path: Path, command: list[str]) -> None:
    config, journal = tmp_path / "wrong.toml", tmp_path / "journal.db"
    wrong = IMPATIENT_SHOP.replace("10", "5").replace("MLB", "MLX").replace("123456789", '"me"')
    config.write_text(wrong + f'colour = "red"\n[journal]\npath = "{journal}"\n')
    refused = subprocess.run(
        [*KIOSK, *command, "--config", str(config)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert refused.returncode == 2
    assert refused.stdout == ""
    for mistake in ("[shop] site", "[mercadopago] user_id", "[sale] wait_seconds", "[sale] colour"):
        assert f"{config}: {mistake}" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.toml"]
