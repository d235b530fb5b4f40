"""The tables, and the rules of money that hold in them whoever writes.

``MIGRATIONS[n]`` brings a journal from version n to n + 1 (SQLite's ``user_version``). A script that was ever released
is not changed again: a change is a new script at the end.

What the tables refuse, in the words of the laws:

- an amount, its lines, number or currency that change after the sale was first written (L5);
- a paid sale that is no longer paid, or that is called paid without a payment (L1, L2);
- a payment that leaves its sale, or belongs to two (R1);
- the loss of any row, and any change of the log.

An order that is not ours (``foreign_order``) was typed by nobody here: its amount is only what was last seen.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x4B494F53
"""Marks the file as ours ("KIOS" in its header, sqlite.org/fileformat2.html)."""

_VERSION_1: Final = """
PRAGMA application_id = 0x4B494F53;

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sales (
    id INTEGER PRIMARY KEY,  -- in the order in which they were made, whatever the clock said
    reference TEXT NOT NULL UNIQUE,
    number INTEGER NOT NULL CHECK (number >= 0),
    cents INTEGER NOT NULL CHECK (cents > 0 OR (cents = 0 AND foreign_order = 1)),
    currency TEXT NOT NULL,
    lines TEXT NOT NULL CHECK (json_valid(lines)),
    key TEXT NOT NULL,
    made_at REAL NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN
        ('placing', 'waiting', 'withdrawing', 'checking', 'paid', 'withdrawn', 'unconfirmed', 'refused')),
    why TEXT,
    foreign_order INTEGER NOT NULL CHECK (foreign_order IN (0, 1)),
    puts INTEGER NOT NULL CHECK (puts >= 0),
    doubt INTEGER NOT NULL CHECK (doubt IN (0, 1)),
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    expires REAL,
    order_id TEXT NOT NULL,
    paid_at REAL,
    late INTEGER NOT NULL CHECK (late IN (0, 1)),
    ended_at REAL,
    watched INTEGER NOT NULL CHECK (watched IN (0, 1))
) STRICT;

CREATE TABLE payments (
    payment TEXT PRIMARY KEY CHECK (payment <> ''),
    reference TEXT NOT NULL REFERENCES sales (reference) DEFERRABLE INITIALLY DEFERRED,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE debts (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    number INTEGER NOT NULL,
    cents INTEGER NOT NULL CHECK (cents >= 0),
    ticket TEXT NOT NULL CHECK (json_valid(ticket)),
    owed_at REAL NOT NULL,
    marks TEXT NOT NULL CHECK (json_valid(marks)),
    state TEXT NOT NULL CHECK (state IN ('owed', 'printing', 'doubtful', 'printed', 'presumed')),
    tried INTEGER NOT NULL CHECK (tried IN (0, 1))
) STRICT;

CREATE TABLE disputes (
    seq INTEGER PRIMARY KEY,
    payment TEXT NOT NULL UNIQUE CHECK (payment <> ''),
    reference TEXT NOT NULL,
    number INTEGER NOT NULL,
    cents INTEGER NOT NULL CHECK (cents >= 0),
    currency TEXT NOT NULL,
    reason TEXT NOT NULL,
    seen_at REAL NOT NULL,
    settled TEXT NOT NULL
) STRICT;

CREATE TABLE log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    text TEXT NOT NULL,
    reference TEXT NOT NULL,
    number INTEGER NOT NULL,
    cents INTEGER,
    request_id TEXT NOT NULL,
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7)
) STRICT;

-- Partial: a start reads what is not over, and a million sales that are over cost it nothing.
CREATE UNIQUE INDEX sales_number ON sales (number) WHERE number > 0;
CREATE INDEX sales_open ON sales (id) WHERE phase IN ('placing', 'waiting', 'withdrawing', 'checking');
CREATE INDEX sales_watched ON sales (id) WHERE watched = 1;
CREATE INDEX sales_foreign ON sales (id) WHERE foreign_order = 1;
CREATE INDEX payments_reference ON payments (reference);
CREATE INDEX debts_open ON debts (seq) WHERE state NOT IN ('printed', 'presumed');
CREATE INDEX disputes_open ON disputes (seq) WHERE settled = '';
CREATE INDEX disputes_number ON disputes (number) WHERE number > 0;
CREATE INDEX log_number ON log (number) WHERE number > 0;

CREATE TRIGGER sale_stays_what_was_typed BEFORE UPDATE ON sales
WHEN OLD.reference IS NOT NEW.reference OR OLD.foreign_order IS NOT NEW.foreign_order
    OR (OLD.foreign_order = 0 AND (OLD.number IS NOT NEW.number OR OLD.cents IS NOT NEW.cents
        OR OLD.currency IS NOT NEW.currency OR OLD.lines IS NOT NEW.lines))
BEGIN SELECT RAISE(ABORT, 'the reference, number, amount, currency and lines of a sale never change'); END;

CREATE TRIGGER sale_stays_paid BEFORE UPDATE ON sales
WHEN OLD.phase = 'paid' AND NEW.phase <> 'paid'
BEGIN SELECT RAISE(ABORT, 'a paid sale stays paid'); END;

CREATE TRIGGER sale_becomes_paid_by_a_payment BEFORE UPDATE ON sales
WHEN NEW.phase = 'paid' AND NOT EXISTS (SELECT 1 FROM payments WHERE reference = NEW.reference)
BEGIN SELECT RAISE(ABORT, 'a paid sale has a payment'); END;

CREATE TRIGGER sale_is_paid_by_a_payment BEFORE INSERT ON sales
WHEN NEW.phase = 'paid' AND NOT EXISTS (SELECT 1 FROM payments WHERE reference = NEW.reference)
BEGIN SELECT RAISE(ABORT, 'a paid sale has a payment'); END;

CREATE TRIGGER payment_stays_with_its_sale BEFORE UPDATE ON payments
WHEN OLD.payment IS NOT NEW.payment OR OLD.reference IS NOT NEW.reference
BEGIN SELECT RAISE(ABORT, 'a payment completes one sale only'); END;

-- A slip tells what was last seen of a payment, which may have been refunded in part meanwhile.
CREATE TRIGGER ticket_stays_what_was_sold BEFORE UPDATE ON debts
WHEN OLD.id IS NOT NEW.id
    OR (substr(OLD.id, 1, 5) <> 'slip:' AND (OLD.number IS NOT NEW.number OR OLD.cents IS NOT NEW.cents))
BEGIN SELECT RAISE(ABORT, 'the number and amount of a ticket never change'); END;

CREATE TRIGGER no_sale_is_lost BEFORE DELETE ON sales BEGIN SELECT RAISE(ABORT, 'no sale is deleted'); END;
CREATE TRIGGER no_payment_is_lost BEFORE DELETE ON payments BEGIN SELECT RAISE(ABORT, 'no payment is deleted'); END;
CREATE TRIGGER no_debt_is_lost BEFORE DELETE ON debts BEGIN SELECT RAISE(ABORT, 'no debt is deleted'); END;
CREATE TRIGGER no_dispute_is_lost BEFORE DELETE ON disputes BEGIN SELECT RAISE(ABORT, 'no dispute is deleted'); END;
CREATE TRIGGER log_is_kept BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
CREATE TRIGGER log_is_not_rewritten BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
"""

_VERSION_2: Final = """
-- What was not over in a damaged file may be over: it may have been paid, and its paper be out (L3, R21).
ALTER TABLE sales ADD COLUMN restored INTEGER NOT NULL DEFAULT 0 CHECK (restored IN (0, 1));
-- What was paid on a day is held against the account; a million other sales are not read for it.
CREATE INDEX sales_paid ON sales (paid_at) WHERE paid_at IS NOT NULL;
"""

MIGRATIONS: Final = (_VERSION_1, _VERSION_2)

PUT_SALE: Final = """
INSERT INTO sales (reference, number, cents, currency, lines, key, made_at, phase, why, foreign_order, puts, doubt,
    deleted, expires, order_id, paid_at, late, ended_at, watched, restored)
VALUES (:reference, :number, :cents, :currency, :lines, :key, :made_at, :phase, :why, :foreign_order, :puts, :doubt,
    :deleted, :expires, :order_id, :paid_at, :late, :ended_at, :watched, :restored)
ON CONFLICT (reference) DO UPDATE SET number = excluded.number, cents = excluded.cents, currency = excluded.currency,
    lines = excluded.lines, key = excluded.key, made_at = excluded.made_at, phase = excluded.phase, why = excluded.why,
    foreign_order = excluded.foreign_order, puts = excluded.puts, doubt = excluded.doubt, deleted = excluded.deleted,
    expires = excluded.expires, order_id = excluded.order_id, paid_at = excluded.paid_at, late = excluded.late,
    ended_at = excluded.ended_at, watched = excluded.watched, restored = excluded.restored
"""

PUT_PAYMENT: Final = """
INSERT INTO payments (payment, reference, position) VALUES (:payment, :reference, :position)
ON CONFLICT (payment) DO UPDATE SET reference = excluded.reference, position = excluded.position
"""

PUT_DEBT: Final = """
INSERT INTO debts (id, number, cents, ticket, owed_at, marks, state, tried)
VALUES (:id, :number, :cents, :ticket, :owed_at, :marks, :state, :tried)
ON CONFLICT (id) DO UPDATE SET number = excluded.number, cents = excluded.cents, ticket = excluded.ticket,
    owed_at = excluded.owed_at, marks = excluded.marks, state = excluded.state, tried = excluded.tried
"""

PUT_DISPUTE: Final = """
INSERT INTO disputes (payment, reference, number, cents, currency, reason, seen_at, settled)
VALUES (:payment, :reference, :number, :cents, :currency, :reason, :seen_at, :settled)
ON CONFLICT (payment) DO UPDATE SET reference = excluded.reference, number = excluded.number, cents = excluded.cents,
    currency = excluded.currency, reason = excluded.reason, seen_at = excluded.seen_at, settled = excluded.settled
"""

PUT_LOG: Final = """
INSERT INTO log (at, event, text, reference, number, cents, request_id, level)
VALUES (:at, :event, :text, :reference, :number, :cents, :request_id, :level)
"""

_SALES: Final = """
SELECT sales.*, (SELECT json_group_array(payment) FROM
    (SELECT payment FROM payments WHERE payments.reference = sales.reference ORDER BY position)) AS payments
"""

KNOWN: Final = {
    "sale": "SELECT 1 FROM sales WHERE reference = ?",
    "debt": "SELECT 1 FROM debts WHERE id = ?",
    "dispute": "SELECT 1 FROM disputes WHERE payment = ?",
}
"""By kind of record: whether there is one with that key."""

SALE_OF_REFERENCE: Final = _SALES + "FROM sales WHERE reference = ?"
OWNER_OF_PAYMENT: Final = "SELECT reference FROM payments WHERE payment = ?"
OPEN_SALES: Final = (
    _SALES + "FROM sales WHERE phase IN ('placing', 'waiting', 'withdrawing', 'checking') ORDER BY id DESC"
)
WATCHED_SALES: Final = (
    _SALES
    + "FROM sales WHERE watched = 1 AND phase NOT IN ('placing', 'waiting', 'withdrawing', 'checking') ORDER BY id"
)
OPEN_DEBTS: Final = "SELECT * FROM debts WHERE state NOT IN ('printed', 'presumed') ORDER BY seq"
OPEN_DISPUTES: Final = "SELECT * FROM disputes WHERE settled = '' ORDER BY seq"
LAST_TICKET: Final = "SELECT * FROM debts WHERE substr(id, 1, 5) <> 'slip:' ORDER BY seq DESC LIMIT 1"
LAST_SALES: Final = _SALES + "FROM sales WHERE number > 0 ORDER BY number DESC LIMIT 10"
LAST_NUMBER: Final = "SELECT max(number) FROM sales WHERE number > 0"
PUT_AGREED: Final = """
INSERT INTO meta (key, value) VALUES ('agreed', :until) ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""
AGREED: Final = "SELECT value FROM meta WHERE key = 'agreed'"
PUT_ROLL: Final = """
INSERT INTO meta (key, value) VALUES ('roll', :roll) ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""
ROLL: Final = "SELECT value FROM meta WHERE key = 'roll'"
RESTORED: Final = "SELECT value FROM meta WHERE key = 'restored'"
PAID_BETWEEN: Final = """
SELECT payments.payment FROM sales JOIN payments USING (reference)
WHERE sales.paid_at >= ? AND sales.paid_at < ? AND sales.paid_at IS NOT NULL ORDER BY sales.id, payments.position
"""
_OF_STATEMENT: Final = """
WHERE reference IN (SELECT value FROM json_each(:references))
    OR reference IN (SELECT reference FROM payments WHERE payment IN (SELECT value FROM json_each(:payments)))
"""
SALES_OF_STATEMENT: Final = _SALES + "FROM sales" + _OF_STATEMENT + "ORDER BY id"
DISPUTES_OF_STATEMENT: Final = """
SELECT * FROM disputes WHERE payment IN
    (SELECT value FROM json_each(:payments) UNION ALL SELECT value || ':excess' FROM json_each(:payments)) ORDER BY seq
"""
LAST_FOREIGN: Final = "SELECT made_at FROM sales WHERE foreign_order = 1 ORDER BY id DESC LIMIT 10"
START: Final = (
    OPEN_SALES,
    WATCHED_SALES,
    OPEN_DEBTS,
    OPEN_DISPUTES,
    LAST_TICKET,
    LAST_SALES,
    LAST_NUMBER,
    LAST_FOREIGN,
    AGREED,
    RESTORED,
    ROLL,
)
"""Every question of a start: none of them may read sales that are over."""

_LISTED: Final = _SALES + ", debts.state AS paper FROM sales LEFT JOIN debts ON debts.id = sales.reference "
NEWEST_SALES: Final = _LISTED + "ORDER BY sales.id DESC LIMIT ?"
ALL_SALES: Final = _LISTED + "ORDER BY sales.id"
SALE_OF_NUMBER: Final = _LISTED + "WHERE sales.number = ? AND sales.number > 0"
TICKET_OF_NUMBER: Final = """
SELECT debts.* FROM sales JOIN debts ON debts.id = sales.reference WHERE sales.number = ? AND sales.number > 0
"""
DISPUTES_OF_NUMBER: Final = "SELECT * FROM disputes WHERE number = ? AND number > 0 ORDER BY seq"
LOG_OF_NUMBER: Final = "SELECT * FROM log WHERE number = ? AND number > 0 ORDER BY seq"
LAST_TROUBLES: Final = """
SELECT * FROM (SELECT * FROM log ORDER BY seq DESC LIMIT 5000) WHERE level <= 4 ORDER BY seq DESC LIMIT ?
"""
"""Warnings and errors among the newest entries: a log of a million is not read for them."""

MARK_COPY: Final = "INSERT INTO meta (key, value) VALUES ('copy', '1') ON CONFLICT (key) DO NOTHING"
UNMARK_COPY: Final = "DELETE FROM meta WHERE key = 'copy'"
DOUBT_DEBTS: Final = "UPDATE debts SET state = 'doubtful', tried = 1 WHERE state NOT IN ('printed', 'presumed')"
"""R21: since the copy was made, any paper that was owed then may have been printed."""
DOUBT_SALES: Final = """
INSERT INTO meta (key, value) SELECT 'restored', ifnull(max(number), 0) FROM sales WHERE true
ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""
"""And any sale that was made by then may have had its papers. By number: a million of them are not rewritten."""
