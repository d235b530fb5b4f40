"""Planted bugs in parsers, each on one line, and the target that must find it among its first generated inputs."""

from __future__ import annotations

from typing import Final

from tests.world_mutants import Mutant

_WORDS, _ANSWERS, _LOOK = "kiosk/mercadopago/words.py", "kiosk/mercadopago/answers.py", "kiosk/mercadopago/look.py"
_REFUNDS = "kiosk/mercadopago/refunds.py"
_JSON, _SCAN, _STATUS = "kiosk/mercadopago/json.py", "kiosk/keypad/scan.py", "kiosk/printer/status.py"
_ROWS, _TOML = "kiosk/journal/rows.py", "kiosk/config/toml_tables.py"

MUTANTS: Final = (
    # L1: paid, by what does not say so.
    Mutant("L1", _WORDS, '_status(order) == "closed" and', '_status(order).lower() == "closed" and', "look"),
    Mutant("L1", _WORDS, "and not cancelled and not went_back", "and not cancelled", "look"),
    Mutant("L1", _WORDS, "_status(payment), PaymentState.OTHER)", "_status(payment), PaymentState.APPROVED)", "look"),
    Mutant("L1", _WORDS, '"amount_refunded") for each', '"refunded_amount") for each', "look"),
    Mutant("L1", _ROWS, "if sale.phase is Phase.PAID and not sale.payments:", "if sale.payments is None:", "rows"),
    # L2: paid by the letter, and not seen.
    Mutant("L2", _JSON, "isinstance(value, str) and value.isascii() and value.isdigit()", "False", "look"),
    Mutant("L2", _LOOK, "if part.whole or not page.size:", "if part.found:", "look"),
    # L4: free, by an answer that does not say so.
    Mutant("L4", _ANSWERS, 'if "order" in key and "not_found" in key:', 'if "not_found" in key:', "answer"),
    Mutant(
        "L4",
        _WORDS,
        "        if not value:\n            return None",
        "        if not value or not value[0]:\n            return None",
        "answer",
    ),
    # L6: an unknown taken for a no, a part for the whole.
    Mutant(
        "L6", _ANSWERS, "if reply.status >= 500 or reply.status in _SAYS_NOTHING:", "if reply.status >= 500:", "answer"
    ),
    Mutant("L6", _LOOK, "whole=complete and not broken", "whole=complete", "look"),
    Mutant("L6", _REFUNDS, "whole = not page.broken and", "whole =", "refunds"),
    Mutant("L6", _REFUNDS, " and not _behind(page.found, payment)", "", "refunds"),
    Mutant("L6", _REFUNDS, 'refund.text("status"))', 'refund.text("status").lower())', "refunds"),
    Mutant("L6", _REFUNDS, "if reply.status == 404 and _NO_PAYMENT in", "if _NO_PAYMENT in", "refunds"),
    Mutant("L6", _REFUNDS, "if not isinstance(done, Refused) and reply.status != 404:", "if reply.success:", "refunds"),
    Mutant("L5", _REFUNDS, "or (not call.refund.whole and seen.cents != call.refund.cents)", "", "refunds"),
    # A crash, where nonsense or "damaged" was promised.
    Mutant("crash", _JSON, "except RecursionError as error:", "except RuntimeWarning as error:", "look"),
    Mutant("crash", _JSON, "except ArithmeticError as error:", "except FloatingPointError as error:", "look"),
    Mutant("crash", _ROWS, "(TypeError, KeyError, RecursionError)", "(TypeError, KeyError)", "rows"),
    Mutant("crash", _TOML, "(ValueError, RecursionError)", "ValueError", "config"),
    # Another amount, another setting than what stands there.
    Mutant("L5", "kiosk/sale/money.py", "return None if rest else -cents", "return -cents", "amount"),
    Mutant("range", _TOML, "type(value) is wanted and rule.allows(value)", "type(value) is wanted", "config"),
    # Another thing in an address than an id.
    Mutant(
        "path", "kiosk/notifications/words.py", 're.compile(r"[0-9]{1,20}")', 're.compile(r"[^/]{1,20}")', "notices"
    ),
    # Keys and paper.
    Mutant("ghost", _SCAN, "if min(map(len, net)) > 1]", "if min(map(len, net)) > 2]", "keypad"),
    Mutant("ghost", _SCAN, " | _perhaps_ghosts(sample)", "", "keypad"),
    Mutant("R21", _STATUS, "_OFFLINE | _RECOVERING)", "_RECOVERING)", "printer"),
)
"""``killer`` is the target's name."""
