"""Planted bugs: one line changed in the program, in memory, and what must notice.

A law that nothing would break proves nothing, nor does a rule of money. Each mutant names what it breaks (the law, and
the rules of ``money.md``) and its killer: one of ``world_killers``, which must raise ``LawBroken`` with one of those
names, or a test of the suite, which must fail. A mutant that survives fails the suite; so does one whose line is no
longer in the source, because it would prove nothing any more. ``killed`` is all that somebody else needs.

The tree is not touched: the changed source is compiled into fresh modules, and everything that stands on it is
imported anew while the bug is in.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

ROOT: Final = Path(__file__).parent.parent
KEPT: Final = frozenset({"tests.broken", "tests.law", "tests.world_mutants"})
"""Modules of the tests that are not imported anew: they have nothing of the program in them."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted bug."""

    breaks: str
    """The law and the rules, such as "L1 R11"."""
    file: str
    old: str
    new: str
    killer: str = "world"
    """The name of a killer, or of a test that takes no argument but ``tmp_path``: ``test_sale_front::test_...``."""
    seed: int = 0
    """For histories: a seed that kills it, played before all others, so that it dies early."""

    @property
    def names(self) -> frozenset[str]:
        """What it breaks, one by one."""
        return frozenset(self.breaks.split())

    @property
    def law(self) -> str:
        """The law among them; empty where only a rule is broken."""
        return next((name for name in self.breaks.split() if name.startswith("L")), "")

    @property
    def by_histories(self) -> bool:
        """Whether it is the histories that kill it."""
        return self.killer.startswith("world")

    @property
    def module(self) -> str:
        """The module's name."""
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def source(self) -> str:
        """The module's text with the bug in it.

        Raises:
            AssertionError: the line is not there, or more than once.
        """
        text = (ROOT / self.file).read_text(encoding="utf-8")
        count = text.count(self.old)
        assert count == 1, f"{self.file} holds {self.old!r} {count} times: choose the line of this mutant anew"
        return text.replace(self.old, self.new)


class _Loader(SourceFileLoader):
    """Loads a module from a text instead of its file."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec")  # never from, nor into, a cache


class _Finder(MetaPathFinder):
    """Finds the module with the bug before anybody else finds the one without."""

    def __init__(self, mutant: Mutant) -> None:
        self._name, self._source = mutant.module, mutant.source()
        self._path = str(ROOT / mutant.file)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return spec_from_file_location(
            fullname,
            self._path,
            loader=_Loader(fullname, self._path, self._source),
            submodule_search_locations=[str(Path(self._path).parent)] if self._path.endswith("__init__.py") else None,
        )


@contextmanager
def planted(mutant: Mutant) -> Iterator[ModuleType]:
    """The killers, standing on a program with this bug in it; afterwards everything is as it was."""
    finder = _Finder(mutant)
    kept = {name: module for name, module in sys.modules.items() if _is_fresh(name)}
    for name in kept:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module("tests.world_killers")
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _is_fresh(name)]:
            del sys.modules[name]
        sys.modules.update(kept)
        for name, module in kept.items():  # an import also sets the name in the package
            if name.startswith("tests."):
                setattr(sys.modules["tests"], name.removeprefix("tests."), module)


def killed(mutant: Mutant) -> str | None:
    """Plant the bug and run its killer: who noticed what (and in which seed), in one line; None: the bug survived.

    Raises:
        AssertionError: it was noticed, but as something else than what it breaks.
    """
    with planted(mutant) as killers:
        try:
            killers.kill(mutant.killer, mutant.seed)
        except AssertionError as noticed:
            text, notes = str(noticed), getattr(noticed, "__notes__", ())
        else:
            return None
    told = "::" in mutant.killer or text.partition(":")[0] in mutant.names
    assert told, f"{mutant.file}: {mutant.new!r} breaks {mutant.breaks}, and was noticed as {text!r}"
    return " | ".join((mutant.killer, text.partition("\n")[0], *(note.partition("\n")[0] for note in notes)))


def _is_fresh(name: str) -> bool:
    return name == "kiosk" or (name.startswith(("kiosk.", "tests.")) and name not in KEPT)


_AUDIT, _RECONCILE = "kiosk/sale/audit.py", "kiosk/sale/reconcile.py"
_COUNTER, _FRONT, _MOVES = "kiosk/sale/counter.py", "kiosk/sale/front.py", "kiosk/sale/moves.py"
_MENUS = "kiosk/sale/menus.py"
_PAPER, _PLACING, _RESTING = "kiosk/sale/paper.py", "kiosk/sale/placing.py", "kiosk/sale/resting.py"
_BASKET, _TICKET = "kiosk/sale/basket.py", "kiosk/sale/ticket.py"
_TURN, _VERDICT, _WAITING = "kiosk/sale/turn.py", "kiosk/sale/verdict.py", "kiosk/sale/waiting.py"
_WATCH = "kiosk/sale/watch.py"
_NOTICES, _NOTED = "kiosk/sale/notices.py", "test_sale_notices::test_"
_ROLL, _UNSAVED = "kiosk/sale/roll.py", "kiosk/sale/unsaved.py"
_CLOSING, _DAYS = "kiosk/sale/closing.py", "kiosk/journal/days.py"
_RECORDS, _SCREENS, _LIGHTS = "kiosk/sale/records.py", "kiosk/sale/screens.py", "kiosk/sale/lights.py"
_ANSWERS, _LOOK, _WORDS = "kiosk/mercadopago/answers.py", "kiosk/mercadopago/look.py", "kiosk/mercadopago/words.py"
_JSON, _SENDING = "kiosk/mercadopago/json.py", "kiosk/mercadopago/wire.py"
_LINE, _FILE, _WRITING = "kiosk/mercadopago/line.py", "kiosk/journal/file.py", "kiosk/journal/writing.py"
_ROWS, _SCHEMA = "kiosk/journal/rows.py", "kiosk/journal/schema.py"
_TABLES, _PUTTING = "kiosk/journal/migrations.py", "kiosk/journal/putting.py"
_ROWS_OF_REFUNDS = "kiosk/journal/refunds.py"
_PRINTER, _TALK, _RENDER = "kiosk/printer/__init__.py", "kiosk/printer/talk.py", "kiosk/printer/render.py"

_WORLD_REFUNDS: Final = "test_world::test_r24_the_journal_of_the_world_and_the_real_one_agree_about_refunds"
_ONE_AT_A_TIME: Final = (
    "test_journal_putting::test_r24_no_second_refund_of_a_payment_is_wanted_before_the_first_is_over"
)
_IN_ONE_Z: Final = "test_journal_days::test_each_sale_stands_in_the_z_after_it_and_in_no_other"
_UNWRITTEN_Z: Final = "test_sale_closing::test_a_z_that_cannot_be_written_is_not_made_and_not_printed"
_RUNG: Final = "test_sale_basket::test_"
_ORDER: Final = "test_mercadopago_words::test_the_body_of_an_order"
_PRINTER_CUT: Final = "test_printer_cuts::test_on_every_line_a_cut_here_and_there_leaves_lawful_paper"

# What no law forbids and a rule of money does stands behind the laws; then what the adapters may get wrong.

_LAWS: Final = (
    # L1: what is not this sale's, whole and approved, pays it; other money looks like a ticket.
    Mutant(
        "L1 R11",
        _VERDICT,
        "o.reference == sale.reference and o.collector == collector]",
        "o.collector == collector]",
        seed=20,
    ),
    Mutant(
        "L1 R11",
        _VERDICT,
        "o.reference == sale.reference and o.collector == collector]",
        "o.reference == sale.reference]",
        seed=11,
    ),
    Mutant("L1 R2 R11", _VERDICT, "if order.complete and order.cents == sale.cents:", "if order.complete:", seed=19),
    Mutant("L1 R2 R11", _VERDICT, "APPROVED and payment.currency == sale.currency", "APPROVED"),
    Mutant("L1 R11", _VERDICT, "            if left <= 0:", "            if ids:"),
    Mutant(
        "L1 R11",
        _VERDICT,
        "payment.state is PaymentState.APPROVED and payment.c",
        "payment.c",
        "a_rejected_payment_pays_nothing",
    ),
    Mutant("L1 R18", _MOVES, " + (Mark.MONEY_TO_SETTLE,),", ","),
    # L2: money that nobody has.
    Mutant("L2 R18", _MOVES, "    turn.owed.append(debt)\n    follow(sale, turn)", "    follow(sale, turn)"),
    Mutant("L2 R18", _WATCH, "if payment.id not in known:", "if payment.id in known:"),
    Mutant(
        "L2 R17 R18",
        _WATCH,
        "    if loose and (over or _stands(watch, turn)):",
        "    if loose and _stands(watch, turn):",
    ),
    Mutant(
        "L2 R18",
        _WATCH,
        "if verdict.paid and sale.phase",
        "if verdict.pending and sale.phase",
        "a_late_payment_has_its_ticket",
    ),
    # L2, found by nobody but the account's statement: no watch was left, or the journal was a copy.
    Mutant(
        "L2 R18", _AUDIT, "                moves.follow(sale, turn)\n", "", "money_that_nobody_watched_has_its_ticket"
    ),
    Mutant(
        "L2 R18",
        _AUDIT,
        "        moves.dispute(order, payment, Reason.UNKNOWN_ORDER, turn, owed_at=at, lost=True)",
        "        return",
    ),
    Mutant(
        "L6", _AUDIT, "    if not event.whole:", "    if event.whole is None:", "a_part_of_a_statement_is_not_all_of_it"
    ),
    Mutant("L2", _AUDIT, "min(audit.until, provider)", "provider"),
    Mutant("L2", _AUDIT, "end = min(provider, begin + OVERLAP_S + audit.part_s)", "end = begin + OVERLAP_S"),
    Mutant("L2", _RECONCILE, "sale.phase.open or sale.watched)", "sale.phase.open or sale.number)"),
    # Notifications: none is believed, and a flood of them is no flood of requests.
    Mutant(
        "R9",
        _NOTICES,
        "max(turn.mono, notices.hurried_at + APART_S)",
        "turn.mono",
        f"{_NOTED}r9_a_flood_is_one_look_a_second_in_front_and_one_request_a_second_behind",
    ),
    Mutant(
        "R9",
        _NOTICES,
        "(*notices.queue, *fresh[:room])",
        "(*notices.queue, *fresh)",
        f"{_NOTED}r9_a_flood_is_one_look_a_second_in_front_and_one_request_a_second_behind",
    ),
    Mutant("R9", _NOTICES, "and not state.talk.tries", "", f"{_NOTED}a_look_that_was_not_answered_keeps_its_pause"),
    Mutant(
        "L2 R17",
        _WATCH,
        "case Seen() if not event.narrow:",
        "case Seen():",
        f"{_NOTED}a_repeated_notification_does_not_put_off_the_watch",
    ),
    Mutant(
        "L2 R18",
        _NOTICES,
        "    moves.follow(sale, turn)",
        "    pass",
        f"{_NOTED}r18_hours_after_its_watch_was_over_a_paid_order_is_seen_and_gets_its_late_ticket",
    ),
    Mutant(
        "L2", _NOTICES, "- {*sale.payments, *disputed}", "- set()", f"{_NOTED}money_that_has_its_place_moves_nothing"
    ),
    Mutant(
        "L8",
        _WATCH,
        "return _ask(_put(watches, watch, replace(watch, due=turn.mono)), turn)",
        "return _put(watches, watch, replace(watch, due=turn.mono))",
        f"{_NOTED}the_reference_of_a_watched_sale_hurries_its_watch_and_others_ask_nothing",
    ),
    # L3: a second original, a copy of nothing.
    Mutant(
        "L3 R21 R23", _COUNTER, "if debt.state is not DebtState.PRINTING:", "if debt.state is not DebtState.DOUBTFUL:"
    ),
    Mutant("L3 R21", _PAPER, "if debt.tried else ())\n", "if debt.tried and debt.open is None else ())\n"),
    Mutant("L3 R21", _PAPER, "tried = debt.tried or event.began", "tried = debt.tried"),
    Mutant("L3 R21", _MOVES, "        tried=turn.doubts(sale),\n    )\n", "    )\n", seed=336),
    Mutant(
        "L3 R21",
        _PAPER,
        "return Mark.COPY if debt.state is DebtState.PRINTED",
        "return Mark.COPY if debt.state is not DebtState.DOUBTFUL",
        "a_copy_of_a_presumed_ticket_says_so",
    ),
    Mutant(
        "L3 R21",
        _PAPER,
        "elif debt.id in (owed.id for owed in papers.debts):",
        "elif debt.id in (owed.id for owed in papers.debts if owed.tried):",
        "test_sale_paper::test_a_ticket_that_is_still_owed_is_printed_instead_of_copied",
    ),
    Mutant(
        "L1 R19",
        _PAPER,
        "not isinstance(front, Resting)\n    if not turn.shop.printer",
        "front is None\n    if not turn.shop.printer",
        "test_sale_paper::test_nothing_is_printed_while_a_sale_is_open",
    ),
    # L2, L3, L7: a sale counted in two Zs or in none; a Z that is printed and not written; a debt copied.
    Mutant("L2", _DAYS, "after = last.upto if last else 0", "after = last.after if last else 0", _IN_ONE_Z),
    Mutant("L2", _DAYS, "    _, *before = _counted(db, after)", "    _, *before = _counted(db, after - 1)", _IN_ONE_Z),
    Mutant("L2", _SCHEMA, " AND day_book.paid = new.paid)", ")", _IN_ONE_Z),
    Mutant(
        "L2",
        _WRITING,
        "sorted(records, key=lambda record: not isinstance(record, Close))",
        "records",
        "test_journal_days::test_what_is_written_with_a_z_stands_behind_it",
    ),
    Mutant("L7", _CLOSING, "    turn.confirm = True", "    turn.owed.append(paper)", _UNWRITTEN_Z),
    Mutant("L7", _UNSAVED, "in without_z(command.records):", "in command.records:", _UNWRITTEN_Z),
    Mutant(
        "L2",
        _MENUS,
        "if not closing.may_close(state.day, turn):",
        "if not turn.health.journal:",
        "test_sale_closing::test_a_day_that_was_closed_meanwhile_is_not_closed_again",
    ),
    Mutant(
        "L2",
        _CLOSING,
        "isinstance(front, Resting) and turn.health.journal",
        "turn.health.journal",
        "test_sale_closing::test_while_a_sale_is_in_front_no_day_is_closed",
    ),
    Mutant(
        "L6",
        "kiosk/sale/ticket.py",
        "close.at - close.agreed_until <= FRESH_S",
        "close.at",
        "test_sale_closing::test_without_an_answer_it_is_not_known_whether_the_account_agrees",
    ),
    Mutant(
        "L3",
        _PAPER,
        "        if owed:  # L3",
        "        if owed and owed.tried:  # L3",
        "test_sale_paper::test_l3_a_last_ticket_that_is_owed_is_printed_as_the_debt_it_is",
    ),
    # L9: the count of paper is never written for its own sake, and is not lost with a journal.
    Mutant(
        "L9",
        _ROLL,
        " or not (turn.records or turn.entries):",
        ":",
        "test_sale_roll::test_the_count_is_written_only_with_what_is_written_anyway",
    ),
    Mutant(
        "L9",
        _COUNTER,
        "    if counter.papers.reel.roll:\n",
        "    if counter.papers.reel.low and counter.papers.reel.roll:\n",
        "test_sale_roll::test_the_count_outlives_a_power_cut_and_a_damaged_journal",
    ),
    # L4: idle on a POS that may hold an order, or an order that nobody watches.
    Mutant("L4 R4", _TURN, "        self.must_prove()\n        self.request += 1", "        self.request += 1"),
    Mutant(
        "L4 R4 R5 R10",
        _PLACING,
        "case Holds(order=None):\n            turn.proved()",
        "case Holds():\n            turn.proved()",
    ),
    Mutant("L4 R17", _MOVES, "    turn.followed.append(sale)\n", ""),
    Mutant("L4 R17", _WATCH, "if not event.evidence.whole or verdict.pending:", "if not event.evidence.whole:"),
    Mutant("L4 R17", _WATCH, "LAST_S: Final = 1800.0", "LAST_S: Final = 180.0"),
    Mutant("L4 R23", _COUNTER, "enumerate((*turn.followed, *rows.watched)):", "enumerate(turn.followed):"),
    Mutant(
        "L4 R4", _TURN, "PROVE_AGAIN_FOR_S: Final = 120.0", "PROVE_AGAIN_FOR_S: Final = 1.0", "a_late_put_is_looked_for"
    ),
    # L5: another amount than the one that was typed.
    Mutant("L5", _MOVES, "for line in lines),\n        currency", "for line in lines) + 1,\n        currency"),
    Mutant(
        "L5 R26",
        _RESTING,
        "    if basket.typed.extra:\n        hint = Hint.TOO_LONG\n    elif basket",
        "    if basket.typed.extra < 0:\n        hint = Hint.TOO_LONG\n    elif basket",
        "a_cut_amount_is_refused",
    ),
    # L6: an unknown taken for a no.
    Mutant(
        "L6 R7",
        _PLACING,
        "PlacingPart.PUT and state.sale.puts == 1 and not state.sale.doubt:",
        "PlacingPart.PUT:",
        "a_refusal_after_an_unknown_attempt_is_no_end",
    ),
    Mutant("L6 R6", _PLACING, "PUTS_MAX: Final = 2", "PUTS_MAX: Final = 3", "two_attempts_are_the_most"),
    Mutant(
        "L6 R14",
        _WAITING,
        "    if state.sale.deleted or turn.mono >= state.dies_at or state.unplaced:",
        "    if state.sale.number:",
    ),
    Mutant(
        "L6 R14",
        _WAITING,
        "    if not event.evidence.whole:\n        if turn.mono",
        "    if event.evidence.whole is None:\n        if turn.mono",
        "test_sale_waiting::test_looks_that_are_never_whole_end_with_a_person",
    ),
    Mutant(
        "L6 R14",
        _WAITING,
        "    if verdict.approved or verdict.pending or verdict.wrong:  # nobody",
        "    if verdict.rejected:  # nobody",
    ),
    Mutant(
        "L6 R14", _MOVES, "NoticeKind.NOT_CONFIRMED: Tune.NOT_CONFIRMED", "NoticeKind.NOT_CONFIRMED: Tune.WITHDRAWN"
    ),
    # L7: done before it was written.
    Mutant("L7 R22", _TURN, "return (save, *self.commands)", "return (*self.commands, save)"),
    Mutant("L7 R23", _MOVES, '    turn.save(sale)\n    turn.log("placing",', '    turn.log("placing",'),
    Mutant("L7", _PAPER, "    turn.save(printing)\n", ""),
    Mutant(
        "L7 R22",
        _UNSAVED,
        "            case Place() | GiveBack():\n                pass\n",
        "",
        "nothing_is_placed_that_could_not_be_written",
    ),
    Mutant(
        "L7 R22",
        "kiosk/loop.py",
        "if not self._save(command, commands[index:]):",
        "if self._save(command, commands[index:]) is None:",
        "nothing_is_placed_that_could_not_be_written",
    ),
    # L8: a state that nobody leaves.
    Mutant("L8 R14 R25", _MOVES, "CHECKING_S: Final = 30.0", "CHECKING_S: Final = 300.0"),
    Mutant("L8 R25", _WAITING, "    if now >= state.ends_at:", "    if now >= state.dies_at:"),
    Mutant("L8 R20", _FRONT, "if talk.silent(turn.mono):", "if talk.due(turn.mono):"),
    Mutant(
        "L8 R4 R25",
        _RESTING,
        "turn.proof = replace(proof, talk=turn.backoff(proof.talk, event))",
        "turn.proof = replace(proof, talk=turn.pause(3600.0))",
    ),
    Mutant("L8 R16", _COUNTER, "STOP_S: Final = 12.0", "STOP_S: Final = 120.0", seed=126),
    # An old sale that the cashier asks about.
    Mutant(
        "L2",
        _MENUS,
        "    if not sale.watched:\n",
        "    if sale.watched and sale.late:\n",
        "test_sale_recent::test_a_sale_whose_watch_was_over_is_watched_again_and_its_money_gets_its_ticket",
    ),
    Mutant(
        "L6",
        "kiosk/sale/recent.py",
        "return Found.NO_PAYMENT if evidence.whole else Found.NO_ANSWER",
        "return Found.NO_PAYMENT",
        "test_sale_recent::test_a_look_that_is_not_whole_ends_no_watch_and_says_no_answer",
    ),
    # L9: a device that confuses a sale.
    Mutant("L9", _MOVES, "printer = not shop.printer_required or", "printer ="),
    Mutant(
        "L9",
        _RESTING,
        "case Idle() | Menu() | Recent() | DayShown() if not moves.can_sell(turn):",
        "case Idle() | Menu() | Recent() | DayShown() | Entering() if not moves.can_sell(turn):",
        "a_printer_that_dies_leaves_typing_alone",
    ),
    Mutant(
        "L9",
        _MOVES,
        "display = not shop.display_required or",
        "display =",
        "test_sale_resting::test_a_display_is_required_only_where_configured",
    ),
    Mutant(
        "L9",
        _MOVES,
        "wrong_account and printer and display",
        "wrong_account and printer",
        "test_sale_resting::test_a_display_is_required_only_where_configured",
    ),
    # L10: the token in a text.
    Mutant("L10", _SENDING, 'text.replace(self._secret, "********")', "text", "the_token_is_in_no_text"),
    Mutant("L10", _SENDING, "setLevel(logging.WARNING)", "setLevel(logging.DEBUG)", "the_token_is_in_no_text"),
    Mutant(
        "L10",
        "kiosk/config/__init__.py",
        '        return "********"',
        "        return self._text",
        "the_token_is_in_no_text",
    ),
)

_RULES: Final = (
    # R1, R2: references, payments, amounts.
    Mutant("R1", _RECORDS, "REFERENCE_RANDOM: int = 14", "REFERENCE_RANDOM: int = 13", "a_reference_cannot_be_guessed"),
    Mutant(
        "L1 R1",
        _VERDICT,
        "payment.id not in spent and payment.id not in ids",
        "payment.id not in ids",
        "test_sale_verdict::test_a_payment_that_paid_another_sale_counts_no_more",
    ),
    # R3: the expiry.
    Mutant("R3", _MOVES, "float(int(provider) + life_s)", "float(int(turn.now.wall) + life_s)"),
    Mutant("R3", _MOVES, "puts=state.sale.puts + 1)", "puts=state.sale.puts + 1, expires=turn.wall + 90.0)", seed=3),
    Mutant(
        "R3",
        _TURN,
        "return self.now.wall if provider is None else provider",
        "return self.now.wall",
        "test_sale_turn::test_wall_time_is_the_providers_as_soon_as_it_is_known",
    ),
    # R4, R5: the POS.
    Mutant(
        "L4 R4",
        _COUNTER,
        "doubt = doubt or sale.doubt",
        "doubt = False",
        "test_rules_of_money::test_r4_a_put_cut_off_by_the_power_is_in_doubt",
    ),
    Mutant(
        "L4 R4",
        _COUNTER,
        "doubt = any(sale.doubt for sale in rows.watched)",
        "doubt = False",
        "test_rules_of_money::test_r4_after_a_power_cut_in_doubt_the_proof_is_repeated",
    ),
    Mutant(
        "R5",
        _MOVES,
        "again = len(turn.foreign_at) > 1",
        "again = len(turn.foreign_at) > 2",
        "test_sale_placing::test_the_second_foreign_order_in_a_day_is_an_alarm",
    ),
    Mutant(
        "R5",
        _PLACING,
        "and seconds >= moves.LEFT_MIN_S:",
        "and seconds >= 0.0:",
        "test_sale_placing::test_after_a_power_cut_an_order_with_too_little_time_is_taken_back",
    ),
    Mutant(
        "L2 R5",
        _MOVES,
        "    if known.reference:\n",
        "    if known.reference and not known.foreign:\n",
        "test_sale_moves::test_an_order_of_another_device_is_taken_away_and_watched_like_one_of_ours",
    ),
    # R6, R8: placing.
    Mutant(
        "L6 R6",
        _PLACING,
        "    if verdict.approved or verdict.pending:  # the",
        "    if verdict.paid:  # the",
        "test_rules_of_money::test_r6_an_order_that_somebody_pays_is_never_placed_again",
    ),
    Mutant(
        "R6",
        _PLACING,
        "LOOKS_AT_S: Final = (0.0, 3.0, 10.0)",
        "LOOKS_AT_S: Final = (0.0, 3.0)",
        "test_sale_placing::test_a_lost_answer_that_was_not_applied_is_placed_again_with_the_same_body",
    ),
    Mutant(
        "R6",
        _PLACING,
        " and state.ends_at - turn.mono >= moves.LEFT_MIN_S:",
        ":",
        "test_sale_placing::test_with_too_little_time_left_it_is_not_placed_again",
    ),
    Mutant(
        "R6 R8",
        _PLACING,
        "state.sale.puts >= PUTS_MAX or state.sale.doubt:",
        "state.sale.doubt:",
        "test_sale_placing::test_busy_again_is_withdrawn_by_reading_and_said",
    ),
    Mutant(
        "R8 R10",
        _PLACING,
        "reading_only=reading_only or state.busy or state.told_of_another,",
        "reading_only=reading_only or state.told_of_another,",
        "test_sale_placing::test_busy_again_is_withdrawn_by_reading_and_said",
    ),
    # R9, R10, R12, R13: waiting.
    Mutant(
        "R9",
        _TURN,
        "BACKOFF_MAX_S: Final = 15.0",
        "BACKOFF_MAX_S: Final = 60.0",
        "test_sale_resting::test_the_proof_backs_off_to_15_s_at_most",
    ),
    Mutant(
        "R9",
        _TURN,
        "RETRY_AFTER_MAX_S: Final = 30.0",
        "RETRY_AFTER_MAX_S: Final = 3600.0",
        "test_sale_front::test_retry_after_is_honoured_up_to_30_s",
    ),
    Mutant(
        "R9",
        _MOVES,
        "LOOK_S: Final = 2.0",
        "LOOK_S: Final = 3.0",
        "test_sale_waiting::test_looks_come_every_2_s_for_two_minutes_then_every_4",
    ),
    Mutant(
        "R13",  # after the walk to "ask now" # would cancel
        _WAITING,
        'case "#" if asking and state.asking_now:',
        'case "#" if asking and state.wrong:',
        "test_sale_waiting::test_ask_now_by_the_walk_looks_at_once_and_asks_no_more",
    ),
    Mutant(
        "R13",  # the first * would ask for a look
        _WAITING,
        "asking_now=asking)",
        "asking_now=not asking)",
        "test_sale_waiting::test_cancel_is_asked_for_confirmation",
    ),
    Mutant(
        "R9",
        _WAITING,
        "        return replace(state, again=True)\n",
        "        pass\n",
        "test_sale_front::test_ask_now_is_one_look_in_flight_and_one_pending",
    ),
    Mutant(
        "R9",
        _WAITING,
        "if state.talk.request or turn.health.trouble is Trouble.THROTTLED:",
        "if state.talk.request:",
        "test_rules_of_money::test_r9_nobody_breaks_the_pause_that_they_asked_for",
    ),
    Mutant(
        "R10",
        _WAITING,
        "return moves.withdraw(sale, why, turn, dies_at=state.dies_at, reading_only=True)",
        "return moves.withdraw(sale, why, turn, dies_at=state.dies_at)",
    ),
    Mutant(
        "R10",
        _WAITING,
        "replace(state, told_of_another=True, verify_at=turn.mono)",
        "replace(state, verify_at=turn.mono)",
        "test_sale_waiting::test_what_a_late_answer_told_of_another_order_keeps_it_from_being_deleted",
    ),
    Mutant(
        "R10",
        _PLACING,
        "replace(state, told_of_another=True) if another else state",
        "state",
        "test_sale_placing::test_another_order_told_late_while_placing_is_not_deleted",
    ),
    Mutant(
        "R10",
        _MOVES,
        "VERIFY_FIRST_S: Final = 5.0",
        "VERIFY_FIRST_S: Final = 50.0",
        "test_sale_waiting::test_the_pos_is_verified_after_5_s_then_every_30",
    ),
    Mutant(
        "R12",
        _WAITING,
        "if verdict.rejected > state.rejected:",
        "if verdict.rejected < state.rejected:",
        "test_sale_front::test_a_rejected_payment_then_a_good_one",
    ),
    Mutant(
        "R12",
        _WAITING,
        "part_cents=verdict.approved_cents,",
        "part_cents=0,",
        "test_sale_front::test_a_part_payment_is_shown_and_the_order_stays",
    ),
    Mutant(
        "R13",
        _PLACING,
        "QUESTION_S: Final = 10.0",
        "QUESTION_S: Final = 100.0",
        "test_sale_waiting::test_the_question_goes_away_after_10_s",
    ),
    Mutant(
        "L6 R13",
        _WAITING,
        "        return _after(state, turn)\n    return moves.check",
        "        return _withdrawn(state, Verdict(), turn)\n    return moves.check",
    ),
    # R14 to R16: withdrawing.
    Mutant("L8 R14 R25", _WAITING, "DELETE_AGAIN_S: Final = 10.0", "DELETE_AGAIN_S: Final = 1000.0", seed=2),
    Mutant(
        "R14",
        _WAITING,
        "LOOKS_AFTER: Final = 2",
        "LOOKS_AFTER: Final = 1",
        "test_sale_waiting::test_a_cancel_looks_then_deletes_then_asks_then_looks_twice",
    ),
    Mutant(
        "R15",
        _SCREENS,
        "    if sale.expires is None:",
        "    if sale.expires:",
        "test_rules_of_money::test_r15_without_a_line_it_says_do_not_deliver_and_until_when",
    ),
    Mutant(
        "R16",
        _WAITING,
        "            return _take_back(state, Why.STOPPED, turn)",
        "            return state",
        "test_sale_front::test_stop_withdraws_an_open_order",
    ),
    # R17 to R19: afterwards.
    Mutant(
        "R17",
        _WATCH,
        "UNPAID_OFTEN_S: Final = 10.0",
        "UNPAID_OFTEN_S: Final = 60.0",
        "test_sale_watch::test_an_unpaid_sale_is_watched_every_10_s_then_every_60_s_for_30_minutes",
    ),
    Mutant(
        "R17",
        _WATCH,
        "PAID_AT_S: Final = (15.0, 60.0, 300.0, 1800.0)",
        "PAID_AT_S: Final = (60.0, 300.0, 1800.0)",
        "test_sale_watch::test_a_paid_sale_is_watched_at_15_60_300_1800_s",
    ),
    Mutant("L2 R18", _WATCH, "verdict, turn, late=True)", "verdict, turn)", "a_late_payment_has_its_ticket"),
    Mutant("L1", _LIGHTS, "SCAN: Final = Lights(green=Shine.SLOW)", "SCAN: Final = Lights(green=Shine.STEADY)"),
    Mutant("L1", _LIGHTS, "UNKNOWN: Final = Lights(red=Shine.FAST)", "UNKNOWN: Final = Lights(green=Shine.STEADY)"),
    Mutant(
        "L1",
        _LIGHTS,
        "PAID: Final = Lights(green=Shine.STEADY)",
        "PAID: Final = Lights(Shine.STEADY, Shine.SLOW)",
    ),
    Mutant("L1 R19", _WATCH, "level=4)\n    turn.sound(Tune.ATTENTION)", "level=4)\n    turn.sound(Tune.PAID)"),
    Mutant("L1 R19", _PAPER, "    if not isinstance(front, Resting):", "    if not front:"),
    Mutant(
        "R19",
        _PAPER,
        "OLD_S: Final = 600.0",
        "OLD_S: Final = 6000.0",
        "test_sale_paper::test_old_debts_print_on_request_after_a_summary",
    ),
    Mutant(
        "R19",
        _PAPER,
        "    if current:\n",
        "    if current and not front:\n",
        "test_sale_paper::test_the_current_ticket_goes_before_debts",
    ),
    # R20: two lanes.
    Mutant(
        "R20",
        _WATCH,
        "Depth.ALL, Lane.BEHIND, watch.tries)",
        "Depth.ALL, Lane.FRONT, watch.tries)",
        "test_sale_watch::test_each_look_of_a_watch_is_whole_and_travels_behind",
    ),
    Mutant(
        "R20",
        _FRONT,
        "return isinstance(event, Seen | Placed | Removed | Holds)",
        "return False",
        "test_sale_front::test_an_answer_of_an_older_request_counts_for_what_it_proves",
    ),
    # R22, R23: the journal's failures, and the start.
    Mutant("L7 R22", _UNSAVED, "tuple(dict.fromkeys((*command.marks, Mark.POSSIBLE_DUPLICATE)))", "command.marks"),
    Mutant("L7 R22", _MOVES, "return health.journal and not", "return not"),
    Mutant(
        "L4 R23",
        _COUNTER,
        "    for sale in rows.open[1:]:",
        "    for sale in rows.open[2:]:",
        "test_sale_counter::test_a_second_open_row_is_watched",
    ),
    Mutant(
        "R23",
        _PLACING,
        "return replace(state, peek=True, talk=turn.backoff",
        "return replace(state, talk=turn.backoff",
        "test_sale_placing::test_adopting_finds_a_payment_though_the_pos_does_not_answer",
    ),
    # R25, R26: back to ready, and the keys.
    Mutant("L8 R25", _MOVES, "NOTICE_S: Final = 20.0", "NOTICE_S: Final = 200.0"),
    Mutant("L8 R25", _MOVES, "PLACING_S: Final = 45.0", "PLACING_S: Final = 450.0"),
    Mutant("L8 R25", _RESTING, "TYPING_S: Final = 60.0", "TYPING_S: Final = 600.0"),
    Mutant(
        "L8 R25",
        _PAPER,
        "ASK_SOON_S: Final = 4.0",
        "ASK_SOON_S: Final = 9.0",
        "test_sale_paper::test_a_printer_that_comes_back_is_tried_within_5_s",
    ),
    Mutant(
        "R26",
        _RESTING,
        'case Key(key="1", held=False):',
        'case Key(key="#", held=False):',
        "test_sale_resting::test_above_confirm_above_it_asks_once_more_with_another_key",
    ),
    Mutant(
        "R26",
        _RESTING,
        "QUIET_S: Final = 1.0",
        "QUIET_S: Final = 0.0",
        "test_sale_resting::test_paid_ignores_keys_until_a_second_without_any",
    ),
)

_MERCADO_PAGO: Final = (
    Mutant(
        "L1 R2",
        _WORDS,
        'payment.cents("transaction_amount", currency)',
        'payment.cents("total_paid_amount", currency)',
        "world_on_the_wire",
    ),
    Mutant("L1 R2", _WORDS, "cents=cents if ours else None,", "cents=cents,", "world_on_the_wire"),
    Mutant("L1 R11", _WORDS, '_status(order) == "closed" and', '_status(order) != "expired" and', "world_on_the_wire"),
    Mutant("L1 R11", _WORDS, "and not cancelled and not went_back", "and not cancelled", "world_on_the_wire"),
    Mutant(
        "L1 R11",
        _WORDS,
        '"in_process": PaymentState.PENDING',
        '"in_process": PaymentState.APPROVED',
        "world_on_the_wire",
    ),
    Mutant("L1 R11", _WORDS, "collector=_collector(order),", "collector=None,", "world_on_the_wire"),
    Mutant(
        "L5 R2",
        _WORDS,
        '"total_amount": currency.decimal_value(sale.cents),',
        '"total_amount": currency.decimal_value(sale.cents + 1),',
        "world_on_the_wire",
    ),
    Mutant("R3", _WORDS, 'isoformat(timespec="milliseconds")', 'isoformat(timespec="minutes")', "world_on_the_wire"),
    Mutant(
        "L6 R3",
        _ANSWERS,
        'date = _date(headers.get("date", ""))',
        'date = _date(headers.get("expires", ""))',
        "world_on_the_wire",
    ),
    Mutant(
        "L6 R4", _ANSWERS, 'if "order" in key and "not_found" in key:', 'if "no_order" in key:', "world_on_the_wire"
    ),
    Mutant("R8", _ANSWERS, "reply.status == 409 or error.key == _LOCKED", "reply.status == 410", "a_taken_pos_is_busy"),
    Mutant("L6 R14", _ANSWERS, "reply), removal=Removal.GONE)", "reply), removal=Removal.BY_US)", "world_on_the_wire"),
    Mutant(
        "L6 R14",
        _ANSWERS,
        "reply.status in (409, 423) or error.key == _LOCKED",
        "reply.status == 423",
        "world_on_the_wire",
    ),
    Mutant(
        "L1 R6",
        _LOOK,
        "    query |= _PAYMENTS_QUERY\n",
        "    return _seen(call, orders, Part(whole=True), searches=1)\n",
        "world_on_the_wire",
    ),
    Mutant(
        "L1 R14", _LOOK, "            found[order.id] = order\n", "            pass\n", "world_on_the_wire", seed=14
    ),
    Mutant(
        "L6 R7",
        _ANSWERS,
        "if error and error.key == _CREATION:",
        "if error is None:",
        "what_says_nothing_is_no_refusal",
    ),
    Mutant(
        "L4 R4",
        _ANSWERS,
        'if "order" in key and "not_found" in key:',
        'if "not_found" in key:',
        "a_wrong_address_frees_no_pos",
    ),
    Mutant("R20", _LINE, "else min(timeout, left)", "else timeout", "a_call_ends_by_its_deadline"),
    Mutant(
        "R3",
        _LINE,
        "return Trouble.CLOCK if wrong_time else Trouble.TLS",
        "return Trouble.TLS",
        "a_certificate_of_another_time_means_the_clock",
    ),
)

_PAPERS: Final = (
    Mutant(
        "R21",
        _TALK,
        "        if self.usable_paper() is Paper.SILENT:\n            return False",
        "        if self.usable_paper() is Paper.SILENT:\n            return True",
        "test_printer::test_a_printer_that_never_answered_is_believed_without_being_sure",
    ),
    Mutant(
        "R21",
        _TALK,
        "            self._sleep(_LOOK_S)\n            self.usable_paper()",
        "            self._sleep(_LOOK_S)",
        "test_printer_talk::test_paper_that_ends_while_the_ticket_comes_out_is_seen",
    ),
    Mutant(
        "R21",
        _TALK,
        '        if question in self._answered:\n            raise PrinterError(Paper.OFFLINE, "the',
        '        if not self._answered:\n            raise PrinterError(Paper.OFFLINE, "the',
        "silence_after_an_answer_is_a_fault",
    ),
    Mutant(
        "R21",
        _TALK,
        "            if question in self._answered:\n                raise PrinterError",
        "            if not self._answered:\n                raise PrinterError",
        "test_printer::test_a_printer_that_answers_nonsense_from_the_first_prints_and_the_technician_is_told",
    ),
    Mutant(
        "L3 R21",
        _TALK,
        "self.began = self.began, True  #",
        "self.began = self.began, False  #",
        "a_ticket_that_broke_off_has_begun",
    ),
    Mutant(
        "R21",
        _PRINTER,
        "scrap = job.retry or self._half_ticket",
        "scrap = self._half_ticket",
        "test_printer::test_a_retry_from_before_a_restart_is_cleared_too",
    ),
    Mutant(
        "R21",
        _RENDER,
        "FILLER: Final = bytes(2048)",
        "FILLER: Final = bytes(16)",
        "test_printer_render::test_a_retry_is_whole_wherever_the_last_try_was_cut_off",
    ),
    Mutant(
        "R25",
        _PAPER,
        "papers = replace(papers, ask_at=turn.mono + JOB_S, asked_at=turn.mono)",
        "papers = replace(papers, ask_at=_ask_at(papers, turn))",
        "test_sale_paper::test_a_printer_that_is_slow_to_answer_is_asked_again_when_it_has_answered_and_at_once",
    ),
    # A printer that goes away in the middle of a ticket, over real lines.
    Mutant(
        "L3 R21",
        _PRINTER,
        "return PrintFailed(job.job, began,",
        "return PrintFailed(job.job, False,",
        _PRINTER_CUT,
    ),
    Mutant("L3 R21", _PRINTER, "talk.send(clearing + printout.data)", "talk.send(printout.data)", _PRINTER_CUT),
    Mutant("L3 R21", _PAPER, "((Mark.POSSIBLE_DUPLICATE,) if debt.tried else ())", "()", _PRINTER_CUT),
    Mutant(
        "R21",
        "kiosk/printer/network.py",
        'raise PrinterError(Paper.GONE, "the printer closed the connection")',
        'return b""',
        _PRINTER_CUT,
    ),
)

_JOURNAL: Final = (
    Mutant("R1", _SCHEMA, "payments WHERE payment = ?", "payments WHERE payment <> ?", "world_on_disk"),
    Mutant(
        "R1", _WRITING, 'if owner and owner["reference"] != ', 'if owner and owner["reference"] == ', "world_on_disk"
    ),
    Mutant(
        "R23 R14",
        _SCHEMA,
        "_SALES + \"FROM sales WHERE phase IN ('placing', 'waiting', 'withdrawing', 'checking') ORDER",
        "_SALES + \"FROM sales WHERE phase IN ('placing', 'waiting', 'withdrawing') ORDER",
        "world_on_disk",
        seed=27,
    ),
    Mutant(
        "R23 R17",
        _SCHEMA,
        '+ "FROM sales WHERE watched = 1 AND phase',
        '+ "FROM sales WHERE watched = 2 AND phase',
        "world_on_disk",
    ),
    Mutant(
        "R23 R21",
        _SCHEMA,
        "FROM debts WHERE state NOT IN ('printed', 'presumed') ORDER",
        "FROM debts WHERE state NOT IN ('printed', 'presumed', 'doubtful') ORDER",
        "world_on_disk",
    ),
    Mutant(
        "R23 R18",
        _SCHEMA,
        "FROM disputes WHERE settled = '' ORDER",
        "FROM disputes WHERE settled = '?' ORDER",
        "world_on_disk",
    ),
    Mutant("R23 R1", _SCHEMA, "SELECT max(number) FROM sales", "SELECT min(number) FROM sales", "world_on_disk"),
    Mutant("R23 R4", _ROWS, '"doubt": sale.doubt,', '"doubt": False,', "world_on_disk"),
    Mutant("R23 R3", _ROWS, '"expires": sale.expires,', '"expires": sale.ended_at,', "world_on_disk"),
    Mutant("R23 R21", _ROWS, '"tried": debt.tried,', '"tried": False,', "world_on_disk"),
    Mutant(
        "R5 R23",
        _SCHEMA,
        'SALE_OF_REFERENCE: Final = _SALES + "FROM sales WHERE reference = ?"',
        'SALE_OF_REFERENCE: Final = _SALES + "FROM sales WHERE key = ?"',
        "world_on_disk",
    ),
    Mutant(
        "L7 R22",
        _WRITING,
        "                    put(db, self.path, record)\n",
        '                    put(db, self.path, record)\n                    db.execute("COMMIT")\n'
        '                    db.execute("BEGIN")\n',
        "what_is_refused_is_not_written_by_half",
    ),
    Mutant("L7", _FILE, "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL", "each_commit_waits_for_the_disk"),
    Mutant(
        "R5",
        _FILE,
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        "two_kiosks_cannot_run_on_one_journal",
    ),
    Mutant(
        "R21",
        _SCHEMA,
        "SET state = 'doubtful', tried = 1 WHERE",
        "SET state = 'doubtful' WHERE",
        "a_restored_backup_doubts_its_debts",
    ),
    Mutant(
        "R24 R23", _SCHEMA, "refunds WHERE state = 'wanted' ORDER", "refunds WHERE state = 'done' ORDER", _WORLD_REFUNDS
    ),
    Mutant(
        "R24 R21",
        _SCHEMA,
        "1, restored = 1 WHERE state = 'wanted'",
        "1, restored = 1 WHERE state = 'done'",
        _WORLD_REFUNDS,
    ),
    Mutant(
        "R24 L2",
        _PUTTING,
        "if record.state is RefundState.DONE:",
        "if record.state is not RefundState.REFUSED:",
        _WORLD_REFUNDS,
    ),
    Mutant("L3 R21", _SCHEMA, "doubt = 1, restored = 1 WHERE", "doubt = 1 WHERE", _WORLD_REFUNDS),
    Mutant("R24", _ROWS_OF_REFUNDS, '"doubt": refund.doubt,', '"doubt": False,', "world_on_disk", seed=46),
    Mutant("R24", _TABLES, "CREATE UNIQUE INDEX refunds_one", "CREATE INDEX refunds_one", _ONE_AT_A_TIME),
)

_REFUSALS, _SHAPES, _WIRE = "refusals_keep_the_contract", "shapes_keep_the_contract", "the_wire_keeps_the_contract"

_CONTRACT: Final = (
    # Money that is not there, or is not seen.
    Mutant("L1 R11", _WORDS, '"authorized": PaymentState.PENDING', '"authorized": PaymentState.APPROVED', _SHAPES),
    Mutant("L2", _LOOK, "        offset += page.size", "        offset += 0", _SHAPES),
    Mutant("L2", _LOOK, "names[:NAMED_ORDERS_MAX]:", "names[:0]:", _SHAPES),
    Mutant("L2", _LOOK, "orders.found.values() if order.complete)", "orders.found.values())", _SHAPES),
    # A part of an answer that frees a POS, and a clock that is somebody else's.
    Mutant("L4", _ANSWERS, "if reply.status != 200:", "if reply.status < 200:", _REFUSALS),
    Mutant("L4 R3", _ANSWERS, "date=None, trace=reply.trace", "date=reply.date, trace=reply.trace", _REFUSALS),
    # An unknown taken for an answer, a refusal for an end.
    Mutant("L6", _ANSWERS, 'return not key.startswith("invalid_")', "return True", _REFUSALS),
    Mutant("L6", _ANSWERS, "isinstance(value, dict) and read_error(reply.body) is None", "True", _REFUSALS),
    Mutant(
        "L6", _ANSWERS, "if error and (reply.status in (409, 423)", "if error and (reply.status in (409,)", _REFUSALS
    ),
    Mutant("L6 R9", _ANSWERS, "    if reply.status == 429:", "    if reply.status == 430:", _REFUSALS),
    Mutant("L6", _JSON, "if len(value) < len(pairs) and any", "if len(value) > len(pairs) and any", _WIRE),
    Mutant("L6", _JSON, "parse_constant=_no_number", "parse_constant=str", _WIRE),
    Mutant("L6", _SENDING, "follow_redirects=False", "follow_redirects=True", _REFUSALS),
    Mutant("L6", _SENDING, "if len(body) > most:", "if len(body) < 0:", _WIRE),
    # Time without end, and an answer that answers the next request.
    Mutant("L6 R20", _LINE, "left = self.until - self._clock()", "left = max(1.0, self.until - self._clock())", _WIRE),
    Mutant("L8", _LINE, 'rb"(?=HTTP/)"', 'rb"(?=HTTP/0)"', _WIRE),
)

_ITEMS: Final = (
    # A line that is forgotten: in the sale, on the panel, in the order, on paper.
    Mutant(
        "L5", _MOVES, "for line in lines),\n", "for line in lines[:1]),\n", _RUNG + "what_is_typed_last_needs_no_plus"
    ),
    Mutant(
        "L5",
        _BASKET,
        "return sum(line.cents for line in self.lines) +",
        "return 0 +",
        _RUNG + "plus_adds_up_and_is_shown",
    ),
    Mutant("L5", _SCREENS, "big = basket.typed.cents", "big = basket.cents", _RUNG + "plus_adds_up_and_is_shown"),
    Mutant("L5", _WORDS, "zip(titles, sale.lines, strict", "zip(titles[1:], sale.lines[1:], strict", _ORDER),
    Mutant(
        "L5", _TICKET, "for line in sale.lines\n", "for line in sale.lines[1:]\n", _RUNG + "the_whole_way_to_the_paper"
    ),
    # A multiplication of another item, of none, or of what found no room.
    Mutant(
        "L5",
        _BASKET,
        "Line(title, self.times or 1, unit_cents)",
        "Line(title, 1, unit_cents)",
        _RUNG + "counted_items_add_up",
    ),
    Mutant(
        "L5",
        _BASKET,
        "(*self.lines, Line(title, self.times or 1, unit_cents)))",
        "(*self.lines, Line(title, self.times or 1, unit_cents)), self.times)",
        _RUNG + "counted_items_add_up",
    ),
    Mutant(
        "L5 R26",
        _RESTING,
        "cents > TIMES_MAX:",
        "cents > 10**10:",
        _RUNG + "a_price_that_is_taken_for_a_count_is_refused",
    ),
    Mutant(
        "L5 R26",
        _RESTING,
        "    if basket.typed.extra:\n        hint = Hint.TOO_LONG\n    elif added",
        "    if basket.typed.extra < 0:\n        hint = Hint.TOO_LONG\n    elif added",
        _RUNG + "a_product_that_overflows_is_refused_never_cut",
    ),
    Mutant(
        "L5 R26",
        _RESTING,
        "    elif added.cents > turn.shop.maximum:",
        "    elif added.typed.cents > turn.shop.maximum:",
        _RUNG + "the_limits_are_those_of_the_total",
    ),
    Mutant(
        "L5 R26",
        _RESTING,
        "if basket.cents > shop.confirm_above or",
        "if basket.typed.cents > shop.confirm_above or",
        _RUNG + "a_large_total_is_confirmed",
    ),
    Mutant(
        "L5",
        _RESTING,
        "    elif basket.lacks_a_price:",
        "    elif basket.is_empty:",
        _RUNG + "a_count_without_a_price_is_not_charged",
    ),
    # Something else is taken back, or chosen.
    Mutant(
        "L5",
        _BASKET,
        "return Basket(self.lines[:-1])",
        "return Basket(self.lines[1:])",
        _RUNG + "the_last_item_is_taken_back",
    ),
    Mutant(
        "L5", _RESTING, "choices[int(key) - 1]", "choices[int(key) - 2]", _RUNG + "a_preset_is_one_key_and_its_digit"
    ),
    Mutant(
        "L5",
        _RESTING,
        "basket.back() if state.zero else basket",
        "basket",
        _RUNG + "on_twelve_keys_zero_held_opens_the_list",
    ),
    Mutant(
        "L5",
        _RESTING,
        "basket.back() if state.zero else basket",
        "basket.back()",
        _RUNG + "a_zero_that_is_let_go_in_time_is_a_digit",
    ),
)

_BACK, _DESK, _GONE = "kiosk/sale/refund.py", "kiosk/sale/desk.py", "test_sale_refund::test_"
_WIRED = "kiosk/mercadopago/refunds.py"
_REFUNDS: Final = (
    # Money goes back under another key, or is tried again before it was asked for, or is called refused too early.
    Mutant(
        "L7 R24",
        _BACK,
        "talk=turn.give_back(refund)",
        "talk=turn.give_back(replace(refund, key=refund.key[1:]))",
        _GONE + "a_lost_answer_is_asked_for_and_the_same_key_tried_again",
    ),
    Mutant(
        "L6 R24",
        _BACK,
        "turn.mono + 1.0 + index, asking=True",
        "turn.mono + 1.0 + index",
        _GONE + "after_a_power_cut_it_asks_first_and_never_sends_first",
    ),
    Mutant(
        "L6 R24",
        _BACK,
        "    if not wish.refund.doubt:\n        return _over",
        "    if wish.refund.tries:\n        return _over",
        _GONE + "after_a_doubt_a_refund_that_shows_late_is_ours",
    ),
    # What went back since it was signed for is not seen, or seen and sent all the same; a refusal without a reason is
    # believed; an attempt waits for the questions of others.
    Mutant(
        "R24",
        _BACK,
        "turn.mono, turn.mono, asking=True)",
        "turn.mono, turn.mono)",
        _GONE + "the_same_amount_that_went_back_in_the_app_is_not_ours",
    ),
    Mutant(
        "R24",
        _BACK,
        "    if fresh or left is None",
        "    if left is None",
        seed=161,
    ),
    Mutant(
        "R24",
        _BACK,
        "refund.whole and left != refund.cents",
        "False",
        _GONE + "all_that_is_left_is_what_was_signed_for",
    ),
    Mutant(
        "R24",
        _BACK,
        "doubt=found.doubt or found.tries > 0",
        "doubt=found.doubt",
        _GONE + "after_a_power_cut_it_asks_first_and_never_sends_first",
    ),
    Mutant(
        "L6 R24",
        _BACK,
        "    if not wish.refund.doubt and why in _NAMELESS:",
        "    if not why:",
        _GONE + "one_that_was_refused_without_a_reason_may_be_there",
    ),
    Mutant(
        "R24",
        _BACK,
        "in sorted(refunds.items, key=lambda w: w.asking) if",
        "in refunds.items if",
        _GONE + "an_attempt_comes_before_the_questions_of_others",
    ),
    Mutant(
        "L7 R24",
        _BACK,
        "asking=w.asking or _is_new(w.refund)",
        "asking=w.asking",
        _GONE + "an_answer_that_no_attempt_could_follow_is_an_old_one",
    ),
    Mutant(
        "L7 R24",
        _BACK,
        "refund=refund, asking=True, due",
        "refund=refund, due",
        _GONE + "a_journal_that_is_well_again_lets_no_old_answer_count",
    ),
    Mutant(
        "L6 R24",
        _BACK,
        " if reason is not NoRefund.USED",
        "",
        _GONE + "a_key_that_was_used_is_no_refusal_but_a_sign_that_it_arrived",
    ),
    Mutant(
        "L6 R24",
        _BACK,
        "OVER_S: Final = 120.0",
        "OVER_S: Final = 3.0",
        _GONE + "after_a_doubt_a_refusal_is_one_more_unknown",
    ),
    Mutant(
        "R24",
        _BACK,
        "seen.id not in refund.known and ",
        "",
        seed=114,
    ),
    Mutant(
        "L3 R21",
        _BACK,
        "            tried=refund.restored,\n",
        "",
        _GONE + "a_wish_from_a_backup_doubts_its_paper",
    ),
    Mutant("L3 R21", _BACK, "tried=refund.restored", "tried=refund.restored and not refund.doubt", seed=916),
    Mutant("L7", _BACK, "    turn.save(refund)\n    again =", "    again ="),
    Mutant(
        "L8 R24",
        _BACK,
        "        items.append(Wish(refund, turn.mono, turn.mono + 1.0 + index, asking=True))",
        "        pass",
        seed=5,
    ),
    Mutant(
        "R24",
        _BACK,
        "wish.refund, seen):\n            return _shown(",
        "wish.refund, seen):\n            return _done(",
        seed=11,
    ),
    Mutant("R24", _DESK, "any(refund.payment in payments for refund in wanted)", "False", seed=44),
    Mutant(
        "L2 R18", _DESK, '_settled(dispute, "delivered", by, turn)', '_settled(dispute, "refunded", by, turn)', seed=42
    ),
    Mutant("L5", _WIRED, "dumps({} if refund.whole else", "dumps({} if refund else", "world_on_the_wire", seed=11),
    Mutant(
        "L6",
        _WIRED,
        "whole = not page.broken and not _behind(page.found, payment)",
        "whole = not page.broken",
        "world_on_the_wire",
        seed=11,
    ),
    Mutant("R24", _ROWS_OF_REFUNDS, '"restored": refund.restored', '"restored": False', "world_on_disk", seed=217),
    Mutant(
        "R18",
        _DESK,
        "isinstance(state, Settling) and not any(",
        "isinstance(state, Settling) and all(",
        "test_sale_desk::test_what_the_technician_settles_is_asked_no_longer",
    ),
    Mutant(
        "R18",
        _WATCH,
        " | event.settled",
        "",
        "test_sale_desk::test_what_was_delivered_is_not_disputed_again_by_its_watch",
    ),
    Mutant(
        "R24",
        _DESK,
        "failed < WRONG_MAX:",
        "failed < 10 * WRONG_MAX:",
        "test_sale_desk::test_after_five_wrong_ones_no_pin_is_taken_for_a_quarter_of_an_hour",
    ),
    Mutant(
        "R24",
        _DESK,
        "mono + LOCKED_S if failed >= WRONG_MAX else 0.0",
        "0.0",
        "test_sale_desk::test_a_power_cut_gives_nobody_new_tries",
    ),
)

MUTANTS: Final = (*_LAWS, *_ITEMS, *_RULES, *_MERCADO_PAGO, *_CONTRACT, *_PAPERS, *_JOURNAL, *_REFUNDS)
