"""The tables, and the rules of money that hold in them whoever writes.

``MIGRATIONS[n]`` brings a journal from version n to n + 1 (SQLite's ``user_version``). A script that was ever released
is not changed again: a change is a new script at the end.

What the tables refuse, in the words of the laws:

- an amount, its lines, number or currency that change after the sale was first written (L5);
- a paid sale that is no longer paid, or that is called paid without a payment (L1, L2);
- a payment that leaves its sale, or belongs to two (R1);
- a refund that is not what was decided, that is over and is not any more, or beside which another one of the same
  payment is wanted (R24);
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

_VERSION_3: Final = """
-- The day: who was paid, and who ended without money, in the order in which the journal learnt it, whatever the clock
-- said. Each row carries what was counted up to it, so that the figures of any span are a difference of two rows.
CREATE TABLE day_book (
    position INTEGER PRIMARY KEY,
    reference TEXT NOT NULL,
    paid INTEGER NOT NULL CHECK (paid IN (0, 1)),
    late INTEGER NOT NULL CHECK (late IN (0, 1)),
    sales INTEGER NOT NULL,
    cents INTEGER NOT NULL,
    late_sales INTEGER NOT NULL,
    late_cents INTEGER NOT NULL,
    unpaid INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX day_book_once ON day_book (reference, paid);
CREATE INDEX day_book_late ON day_book (position) WHERE late = 1;

CREATE TABLE closes (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    closed_at REAL NOT NULL,
    after_position INTEGER NOT NULL,
    upto_position INTEGER NOT NULL CHECK (upto_position >= after_position),
    sales INTEGER NOT NULL,
    cents INTEGER NOT NULL,
    late_sales INTEGER NOT NULL,
    late_cents INTEGER NOT NULL,
    unpaid INTEGER NOT NULL,
    refunds INTEGER NOT NULL,
    refunded_cents INTEGER NOT NULL,
    owed INTEGER NOT NULL,
    watched INTEGER NOT NULL,
    disputed INTEGER NOT NULL,
    disputed_cents INTEGER NOT NULL,
    agreed_until REAL,
    differences INTEGER NOT NULL,
    difference_cents INTEGER NOT NULL
) STRICT;

-- What an older kiosk sold is counted in the first day, in the order in which it was made.
INSERT INTO day_book
SELECT row_number() OVER counted, reference, paid, late, sum(paid) OVER counted, sum(cents * paid) OVER counted,
    sum(late) OVER counted, sum(cents * late) OVER counted, sum(1 - paid) OVER counted
FROM (SELECT id, reference, cents, phase = 'paid' AS paid, phase = 'paid' AND late = 1 AS late FROM sales
    WHERE foreign_order = 0 AND phase IN ('paid', 'withdrawn', 'unconfirmed', 'refused'))
WINDOW counted AS (ORDER BY id ROWS UNBOUNDED PRECEDING);

-- In a journal that took a damaged one's place, the Zs before it are the old one's: there is nothing to count again.
CREATE TRIGGER z_follows_the_last BEFORE INSERT ON closes
WHEN EXISTS (SELECT 1 FROM closes)
    AND (NEW.number, NEW.after_position) IS NOT (SELECT number + 1, upto_position FROM closes ORDER BY number DESC)
BEGIN SELECT RAISE(ABORT, 'a Z follows the last one'); END;

CREATE TRIGGER z_is_the_sum_of_its_sales BEFORE INSERT ON closes
WHEN EXISTS (SELECT 1 FROM day_book WHERE position = NEW.upto_position)
    AND (NEW.sales, NEW.cents, NEW.late_sales, NEW.late_cents, NEW.unpaid) IS NOT (
        SELECT sales - ifnull(before_sales, 0), cents - ifnull(before_cents, 0),
            late_sales - ifnull(before_late_sales, 0), late_cents - ifnull(before_late_cents, 0),
            unpaid - ifnull(before_unpaid, 0)
        FROM (SELECT sales, cents, late_sales, late_cents, unpaid FROM day_book WHERE position = NEW.upto_position)
        LEFT JOIN (SELECT sales AS before_sales, cents AS before_cents, late_sales AS before_late_sales,
            late_cents AS before_late_cents, unpaid AS before_unpaid
            FROM day_book WHERE position <= NEW.after_position ORDER BY position DESC LIMIT 1))
BEGIN SELECT RAISE(ABORT, 'a Z is the sum of its sales'); END;

CREATE TRIGGER z_stays BEFORE UPDATE ON closes BEGIN SELECT RAISE(ABORT, 'a Z never changes'); END;
CREATE TRIGGER no_z_is_lost BEFORE DELETE ON closes BEGIN SELECT RAISE(ABORT, 'no Z is deleted'); END;
CREATE TRIGGER day_book_is_not_rewritten BEFORE UPDATE ON day_book
BEGIN SELECT RAISE(ABORT, 'the day book only grows'); END;
CREATE TRIGGER day_book_is_kept BEFORE DELETE ON day_book
BEGIN SELECT RAISE(ABORT, 'the day book only grows'); END;
"""

_VERSION_4: Final = """
CREATE TABLE refunds (
    seq INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE CHECK (key <> ''),
    payment TEXT NOT NULL CHECK (payment <> ''),
    reference TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 0),
    cents INTEGER NOT NULL CHECK (cents > 0),
    currency TEXT NOT NULL,
    whole INTEGER NOT NULL CHECK (whole IN (0, 1)),
    decided_by TEXT NOT NULL,
    asked_at REAL NOT NULL,
    known TEXT NOT NULL CHECK (json_valid(known)),
    dispute TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('wanted', 'done', 'refused')),
    tries INTEGER NOT NULL CHECK (tries >= 0),
    doubt INTEGER NOT NULL CHECK (doubt IN (0, 1)),
    refund_id TEXT NOT NULL,
    ended_at REAL,
    why TEXT NOT NULL
) STRICT;
CREATE INDEX refunds_open ON refunds (seq) WHERE state = 'wanted';
CREATE INDEX refunds_reference ON refunds (reference);
CREATE INDEX refunds_payment ON refunds (payment);
CREATE INDEX refunds_done ON refunds (ended_at) WHERE state = 'done';
-- Of two refunds that are wanted of one payment, nobody could tell which of them the account shows (R24).
CREATE UNIQUE INDEX refunds_one_at_a_time ON refunds (payment) WHERE state = 'wanted';
CREATE UNIQUE INDEX refunds_id ON refunds (refund_id) WHERE refund_id <> '';

-- But for one thing: what all that was left came to is known when it is back.
CREATE TRIGGER refund_stays_what_was_decided BEFORE UPDATE ON refunds
WHEN OLD.key IS NOT NEW.key OR OLD.payment IS NOT NEW.payment OR OLD.reference IS NOT NEW.reference
    OR OLD.number IS NOT NEW.number OR OLD.currency IS NOT NEW.currency
    OR (OLD.cents IS NOT NEW.cents AND NOT (OLD.whole = 1 AND OLD.state = 'wanted' AND NEW.state = 'done'))
    OR OLD.whole IS NOT NEW.whole OR OLD.decided_by IS NOT NEW.decided_by OR OLD.known IS NOT NEW.known
    OR OLD.dispute IS NOT NEW.dispute
BEGIN SELECT RAISE(ABORT, 'what was decided of a refund never changes'); END;

CREATE TRIGGER refund_stays_over BEFORE UPDATE ON refunds
WHEN OLD.state <> 'wanted' AND OLD.state IS NOT NEW.state
BEGIN SELECT RAISE(ABORT, 'a refund that is done stays done, and one that is refused stays refused'); END;

CREATE TRIGGER no_refund_is_lost BEFORE DELETE ON refunds BEGIN SELECT RAISE(ABORT, 'no refund is deleted'); END;

-- Whose word settled disputed money, and when.
ALTER TABLE disputes ADD COLUMN settled_by TEXT NOT NULL DEFAULT '';
ALTER TABLE disputes ADD COLUMN settled_at REAL;

-- A refund that is done has a place of its own in the day book: it is counted in the day in which it is learnt.
ALTER TABLE day_book ADD COLUMN refunds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE day_book ADD COLUMN refunded_cents INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER z_is_the_sum_of_its_sales;
CREATE TRIGGER z_is_the_sum_of_its_sales BEFORE INSERT ON closes
WHEN EXISTS (SELECT 1 FROM day_book WHERE position = NEW.upto_position)
    AND (NEW.sales, NEW.cents, NEW.late_sales, NEW.late_cents, NEW.unpaid, NEW.refunds, NEW.refunded_cents) IS NOT (
        SELECT sales - ifnull(before_sales, 0), cents - ifnull(before_cents, 0),
            late_sales - ifnull(before_late_sales, 0), late_cents - ifnull(before_late_cents, 0),
            unpaid - ifnull(before_unpaid, 0), refunds - ifnull(before_refunds, 0),
            refunded_cents - ifnull(before_refunded_cents, 0)
        FROM (SELECT sales, cents, late_sales, late_cents, unpaid, refunds, refunded_cents
            FROM day_book WHERE position = NEW.upto_position)
        LEFT JOIN (SELECT sales AS before_sales, cents AS before_cents, late_sales AS before_late_sales,
            late_cents AS before_late_cents, unpaid AS before_unpaid, refunds AS before_refunds,
            refunded_cents AS before_refunded_cents
            FROM day_book WHERE position <= NEW.after_position ORDER BY position DESC LIMIT 1))
BEGIN SELECT RAISE(ABORT, 'a Z is the sum of its sales and refunds'); END;
"""

_VERSION_5: Final = """
-- What was wanted when a backup was made may be done, and its paper be out (L3, R21).
ALTER TABLE refunds ADD COLUMN restored INTEGER NOT NULL DEFAULT 0 CHECK (restored IN (0, 1));
"""

MIGRATIONS: Final = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5)
