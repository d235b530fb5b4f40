"""Planted bugs: one line changed in the program, in memory, and what must notice.

A law that nothing would break proves nothing. Each mutant names the law that it breaks and the killer
(``world_killers``) that must raise that law's ``LawBroken``. A mutant that survives fails the suite; so does one whose
line is no longer in the source, because it would prove nothing any more.

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
FRESH: Final = ("kiosk", "tests.laws", "tests.story", "tests.world")
"""Modules that are imported anew; names that begin with one of these and ``.`` or ``_`` as well."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted bug."""

    law: str
    file: str
    old: str
    new: str
    killer: str = "world"

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


def _is_fresh(name: str) -> bool:
    return any(name == fresh or name.startswith((f"{fresh}.", f"{fresh}_")) for fresh in FRESH)


_COUNTER, _FRONT, _MOVES = "kiosk/sale/counter.py", "kiosk/sale/front.py", "kiosk/sale/moves.py"
_PAPER, _PLACING, _RESTING = "kiosk/sale/paper.py", "kiosk/sale/placing.py", "kiosk/sale/resting.py"
_TURN, _VERDICT, _WAITING = "kiosk/sale/turn.py", "kiosk/sale/verdict.py", "kiosk/sale/waiting.py"
_WATCH, _PROVIDER = "kiosk/sale/watch.py", "kiosk/mercadopago/__init__.py"

MUTANTS: Final = (
    # L1: what is not this sale's, whole and approved, pays it; other money looks like a ticket.
    Mutant("L1", _VERDICT, "o.reference == sale.reference and o.collector == collector]", "o.collector == collector]"),
    Mutant(
        "L1", _VERDICT, "o.reference == sale.reference and o.collector == collector]", "o.reference == sale.reference]"
    ),
    Mutant("L1", _VERDICT, "if order.complete and order.cents == sale.cents:", "if order.complete:"),
    Mutant("L1", _VERDICT, "APPROVED and payment.currency == sale.currency", "APPROVED"),
    Mutant("L1", _VERDICT, "            if left <= 0:", "            if ids:"),
    Mutant(
        "L1",
        _VERDICT,
        "payment.state is PaymentState.APPROVED and payment.c",
        "payment.c",
        "a_rejected_payment_pays_nothing",
    ),
    Mutant("L1", _MOVES, " + (Mark.MONEY_TO_SETTLE,),", ","),
    # L2: money that nobody has.
    Mutant("L2", _MOVES, "    turn.owed.append(debt)\n    follow(sale, turn)", "    follow(sale, turn)"),
    Mutant("L2", _WATCH, "if payment.id not in known:", "if payment.id in known:"),
    Mutant("L2", _WATCH, "    if loose and (over or _stands(watch, turn)):", "    if loose and _stands(watch, turn):"),
    Mutant(
        "L2",
        _WATCH,
        "if verdict.paid and sale.phase",
        "if verdict.pending and sale.phase",
        "a_late_payment_has_its_ticket",
    ),
    # L3: a second original, a copy of nothing.
    Mutant("L3", _COUNTER, "if debt.state is not DebtState.PRINTING:", "if debt.state is not DebtState.DOUBTFUL:"),
    Mutant("L3", _PAPER, "if debt.tried else ())\n", "if debt.tried and debt.open is None else ())\n"),
    Mutant("L3", _PAPER, "tried = debt.tried or event.began", "tried = debt.tried"),
    Mutant("L3", _PAPER, "if doubtful else Mark.COPY", "if doubtful and papers.lost else Mark.COPY"),
    # L4: idle on a POS that may hold an order, or an order that nobody watches.
    Mutant("L4", _TURN, "        self.must_prove()\n        self.request += 1", "        self.request += 1"),
    Mutant(
        "L4", _PLACING, "case Holds(order=None):\n            turn.proved()", "case Holds():\n            turn.proved()"
    ),
    Mutant("L4", _MOVES, "    turn.followed.append(sale)\n", ""),
    Mutant("L4", _WATCH, "if not event.evidence.whole or verdict.pending:", "if not event.evidence.whole:"),
    Mutant("L4", _WATCH, "LAST_S: Final = 1800.0", "LAST_S: Final = 180.0"),
    Mutant("L4", _COUNTER, "enumerate((*turn.followed, *rows.watched)):", "enumerate(turn.followed):"),
    Mutant(
        "L4", _TURN, "PROVE_AGAIN_FOR_S: Final = 120.0", "PROVE_AGAIN_FOR_S: Final = 1.0", "a_late_put_is_looked_for"
    ),
    # L5: another amount than the one that was typed.
    Mutant("L5", _MOVES, "        cents=cents,\n        currency", "        cents=cents + 1,\n        currency"),
    Mutant("L5", _RESTING, "    if typed.extra:", "    if typed.extra < 0:", "a_cut_amount_is_refused"),
    # L6: an unknown taken for a no.
    Mutant(
        "L6",
        _PLACING,
        "PlacingPart.PUT and state.sale.puts == 1 and not state.sale.doubt:",
        "PlacingPart.PUT:",
        "a_refusal_after_an_unknown_attempt_is_no_end",
    ),
    Mutant("L6", _PLACING, "PUTS_MAX: Final = 2", "PUTS_MAX: Final = 3", "two_attempts_are_the_most"),
    Mutant(
        "L6",
        _WAITING,
        "    if state.sale.deleted or turn.mono >= state.dies_at or state.unplaced:",
        "    if state.sale.number:",
    ),
    Mutant(
        "L6",
        _WAITING,
        "    if not event.evidence.whole:\n        if turn.mono",
        "    if event.evidence.whole is None:\n        if turn.mono",
    ),
    Mutant(
        "L6",
        _WAITING,
        "    if verdict.approved or verdict.pending or verdict.wrong:  # nobody",
        "    if verdict.rejected:  # nobody",
    ),
    # L7: done before it was written.
    Mutant("L7", _TURN, "return (save, *self.commands)", "return (*self.commands, save)"),
    Mutant("L7", _MOVES, '    turn.save(sale)\n    turn.log("placing",', '    turn.log("placing",'),
    Mutant("L7", _PAPER, "    turn.save(printing)\n", ""),
    Mutant(
        "L7",
        _COUNTER,
        "            case Place():\n                pass\n",
        "",
        "nothing_is_placed_that_could_not_be_written",
    ),
    Mutant(
        "L7",
        "kiosk/loop.py",
        "if not self._save(command, commands[index:]):",
        "if self._save(command, commands[index:]) is None:",
        "nothing_is_placed_that_could_not_be_written",
    ),
    # L8: a state that nobody leaves.
    Mutant("L8", _MOVES, "CHECKING_S: Final = 30.0", "CHECKING_S: Final = 300.0"),
    Mutant("L8", _WAITING, "    if now >= state.ends_at:", "    if now >= state.dies_at:"),
    Mutant("L8", _FRONT, "if talk.silent(turn.mono):", "if talk.due(turn.mono):"),
    Mutant(
        "L8",
        _RESTING,
        "turn.proof = replace(proof, talk=turn.backoff(proof.talk, event))",
        "turn.proof = replace(proof, talk=turn.pause(3600.0))",
    ),
    Mutant("L8", _COUNTER, "STOP_S: Final = 12.0", "STOP_S: Final = 120.0"),
    # L9: a device that confuses a sale.
    Mutant("L9", _MOVES, "printer = not shop.printer_required or", "printer ="),
    Mutant(
        "L9",
        _RESTING,
        "case Idle() | Menu() if not moves.can_sell(turn):",
        "case Idle() | Menu() | Entering() if not moves.can_sell(turn):",
        "a_printer_that_dies_leaves_typing_alone",
    ),
    # L10: the token in a text.
    Mutant("L10", _PROVIDER, 'text.replace(self._token.reveal(), "********")', "text", "the_token_is_in_no_text"),
    Mutant("L10", _PROVIDER, "setLevel(logging.WARNING)", "setLevel(logging.DEBUG)", "the_token_is_in_no_text"),
    Mutant(
        "L10",
        "kiosk/config/__init__.py",
        '        return "********"',
        "        return self._text",
        "the_token_is_in_no_text",
    ),
)
