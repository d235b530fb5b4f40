"""What is asked of the tables, and written into them (``migrations`` holds the tables and their rules)."""

from __future__ import annotations

from typing import Final

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

_ENTER: Final = """
INSERT INTO day_book (position, reference, paid, late, sales, cents, late_sales, late_cents, unpaid, refunds,
    refunded_cents)
SELECT 1 + max(ifnull(last.position, 0), (SELECT ifnull(max(upto_position), 0) FROM closes)), reference, paid, late,
    ifnull(last.sales, 0) + paid, ifnull(last.cents, 0) + new.cents * paid, ifnull(last.late_sales, 0) + late,
    ifnull(last.late_cents, 0) + new.cents * late, ifnull(last.unpaid, 0) + 1 - paid - back,
    ifnull(last.refunds, 0) + back, ifnull(last.refunded_cents, 0) + new.cents * back
FROM (SELECT %s) AS new
LEFT JOIN (SELECT position, sales, cents, late_sales, late_cents, unpaid, refunds, refunded_cents FROM day_book
    ORDER BY position DESC LIMIT 1) AS last
WHERE NOT EXISTS (SELECT 1 FROM day_book WHERE day_book.reference = new.reference AND day_book.paid = new.paid)
"""
"""It stands behind all that was ever closed: in a journal that took a damaged one's place, the last Z ends where the
old one had come to."""
ENTER_SALE: Final = _ENTER % (
    ":reference AS reference, :cents AS cents, :phase = 'paid' AS paid, :phase = 'paid' AND :late AS late, 0 AS back"
)
"""A sale of ours that is over, once as paid and once as not paid."""
ENTER_REFUND: Final = _ENTER % "'refund:' || :key AS reference, :cents AS cents, 0 AS paid, 0 AS late, 1 AS back"
"""A refund that is done, once. No reference of ours has a colon."""

PUT_DEBT: Final = """
INSERT INTO debts (id, number, cents, ticket, owed_at, marks, state, tried)
VALUES (:id, :number, :cents, :ticket, :owed_at, :marks, :state, :tried)
ON CONFLICT (id) DO UPDATE SET number = excluded.number, cents = excluded.cents, ticket = excluded.ticket,
    owed_at = excluded.owed_at, marks = excluded.marks, state = excluded.state, tried = excluded.tried
"""

PUT_DISPUTE: Final = """
INSERT INTO disputes (payment, reference, number, cents, currency, reason, seen_at, settled, settled_by, settled_at)
VALUES (:payment, :reference, :number, :cents, :currency, :reason, :seen_at, :settled, :settled_by, :settled_at)
ON CONFLICT (payment) DO UPDATE SET reference = excluded.reference, number = excluded.number, cents = excluded.cents,
    currency = excluded.currency, reason = excluded.reason, seen_at = excluded.seen_at, settled = excluded.settled,
    settled_by = excluded.settled_by, settled_at = excluded.settled_at
"""

PUT_REFUND: Final = """
INSERT INTO refunds (key, payment, reference, number, cents, currency, whole, decided_by, asked_at, known, dispute,
    state, tries, doubt, refund_id, ended_at, why, restored)
VALUES (:key, :payment, :reference, :number, :cents, :currency, :whole, :decided_by, :asked_at, :known, :dispute,
    :state, :tries, :doubt, :refund_id, :ended_at, :why, :restored)
ON CONFLICT (key) DO UPDATE SET payment = excluded.payment, reference = excluded.reference, number = excluded.number,
    cents = excluded.cents, currency = excluded.currency, whole = excluded.whole, decided_by = excluded.decided_by,
    asked_at = excluded.asked_at, known = excluded.known, dispute = excluded.dispute, state = excluded.state,
    tries = excluded.tries, doubt = excluded.doubt, refund_id = excluded.refund_id, ended_at = excluded.ended_at,
    why = excluded.why, restored = excluded.restored
"""

PUT_LOG: Final = """
INSERT INTO log (at, event, text, reference, number, cents, request_id, level)
VALUES (:at, :event, :text, :reference, :number, :cents, :request_id, :level)
"""

PUT_CLOSE: Final = """
INSERT INTO closes (number, closed_at, after_position, upto_position, sales, cents, late_sales, late_cents, unpaid,
    refunds, refunded_cents, owed, watched, disputed, disputed_cents, agreed_until, differences, difference_cents)
VALUES (:number, :closed_at, :after_position, :upto_position, :sales, :cents, :late_sales, :late_cents, :unpaid,
    :refunds, :refunded_cents, :owed, :watched, :disputed, :disputed_cents, :agreed_until, :differences,
    :difference_cents)
"""
LAST_CLOSE: Final = "SELECT * FROM closes ORDER BY number DESC LIMIT 1"
CLOSE_OF_NUMBER: Final = "SELECT * FROM closes WHERE number = ?"
COUNTED: Final = """
SELECT position, sales, cents, late_sales, late_cents, unpaid, refunds, refunded_cents FROM day_book
WHERE position <= ? ORDER BY position DESC LIMIT 1
"""
"""What was counted up to a position."""
LATE_AFTER: Final = """
SELECT sales.number, sales.cents, sales.made_at FROM day_book JOIN sales USING (reference)
WHERE day_book.late = 1 AND day_book.position > ? AND day_book.position <= ? ORDER BY day_book.position LIMIT ?
"""
TOTALS_BETWEEN: Final = """
SELECT count(*) AS sales, ifnull(sum(cents), 0) AS cents, ifnull(sum(late), 0) AS late_sales,
    ifnull(sum(cents * late), 0) AS late_cents
FROM sales WHERE paid_at >= ? AND paid_at < ? AND paid_at IS NOT NULL AND phase = 'paid'
"""
UNPAID_BETWEEN: Final = """
SELECT count(*) AS unpaid FROM sales
WHERE foreign_order = 0 AND ended_at >= ? AND ended_at < ? AND phase IN ('withdrawn', 'unconfirmed', 'refused')
"""
REFUNDED_BETWEEN: Final = """
SELECT count(*) AS refunds, ifnull(sum(cents), 0) AS refunded_cents FROM refunds
WHERE ended_at >= ? AND ended_at < ? AND state = 'done'
"""

_SALES: Final = """
SELECT sales.*, (SELECT json_group_array(payment) FROM
    (SELECT payment FROM payments WHERE payments.reference = sales.reference ORDER BY position)) AS payments
"""

KNOWN: Final = {
    "sale": "SELECT 1 FROM sales WHERE reference = :key",
    "debt": "SELECT 1 FROM debts WHERE id = :key",
    "dispute": "SELECT 1 FROM disputes WHERE payment = :key",
    "refund": "SELECT 1 FROM refunds WHERE key = :key OR (payment = :payment AND state = 'wanted')",
    "pin-tries": "SELECT 1 FROM meta WHERE key = 'pin-tries'",
    "close": "SELECT 1 FROM closes WHERE number >= :key",
}
"""By kind of record: whether there is one with that key, or one in whose way it would stand."""

SALE_OF_REFERENCE: Final = _SALES + "FROM sales WHERE reference = ?"
NUMBERED_SALE: Final = _SALES + "FROM sales WHERE number = ? AND number > 0"
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
OPEN_REFUNDS: Final = "SELECT * FROM refunds WHERE state = 'wanted' ORDER BY seq"
REFUNDS_OF_REFERENCE: Final = "SELECT * FROM refunds WHERE reference = ? ORDER BY seq"
LAST_TICKET: Final = "SELECT * FROM debts WHERE instr(id, ':') = 0 ORDER BY seq DESC LIMIT 1"
"""The papers of disputed money, of a refund and of a Z have a colon in their key; no reference has."""
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
PUT_PIN_TRIES: Final = """
INSERT INTO meta (key, value) VALUES ('pin-tries', :failed) ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""
PIN_TRIES: Final = "SELECT value FROM meta WHERE key = 'pin-tries'"
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
_OF_PAYMENTS: Final = """
SELECT * FROM %s WHERE payment IN
    (SELECT value FROM json_each(:payments) UNION ALL SELECT value || ':excess' FROM json_each(:payments)) ORDER BY seq
"""
DISPUTES_OF_STATEMENT: Final = _OF_PAYMENTS % "disputes"
REFUNDS_OF_STATEMENT: Final = _OF_PAYMENTS % "refunds"
LAST_FOREIGN: Final = "SELECT made_at FROM sales WHERE foreign_order = 1 ORDER BY id DESC LIMIT 10"
START: Final = (
    OPEN_SALES,
    WATCHED_SALES,
    OPEN_DEBTS,
    OPEN_DISPUTES,
    OPEN_REFUNDS,
    LAST_TICKET,
    LAST_SALES,
    LAST_NUMBER,
    LAST_FOREIGN,
    AGREED,
    RESTORED,
    ROLL,
    PIN_TRIES,
    LAST_CLOSE,
)
"""Every question of a start: none of them may read sales that are over."""

_PAPER_AND_REFUNDS: Final = """
, debts.state AS paper, (SELECT ifnull(sum(refunds.cents), 0) FROM refunds WHERE refunds.reference = sales.reference
    AND refunds.state = 'done' AND refunds.dispute = '') AS refunded_cents
FROM sales LEFT JOIN debts ON debts.id = sales.reference
"""
"""What was given back of disputed money was never the sale's."""
_LISTED: Final = _SALES + _PAPER_AND_REFUNDS
NEWEST_SALES: Final = _LISTED + "ORDER BY sales.id DESC LIMIT ?"
ALL_SALES: Final = _LISTED + "ORDER BY sales.id"
SALE_OF_NUMBER: Final = _LISTED + "WHERE sales.number = ? AND sales.number > 0"
TICKET_OF_NUMBER: Final = """
SELECT debts.* FROM sales JOIN debts ON debts.id = sales.reference WHERE sales.number = ? AND sales.number > 0
"""
PAPER_OF_ID: Final = "SELECT * FROM debts WHERE id = ?"
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
DOUBT_REFUNDS: Final = "UPDATE refunds SET doubt = 1, restored = 1 WHERE state = 'wanted'"
"""And any refund that was wanted then may be done, by an attempt that is not in the copy, and its paper out (R24)."""
DOUBT_SALES: Final = """
INSERT INTO meta (key, value) SELECT 'restored', ifnull(max(number), 0) FROM sales WHERE true
ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""
"""And any sale that was made by then may have had its papers. By number: a million of them are not rewritten."""
