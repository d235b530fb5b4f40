"""The rules of money, R1 to R26, sentence by sentence: which test proves each, and that a planted bug breaks each.

``RULES`` is the one table. What no other test showed stands below it. ``LATER`` says what is not built yet.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

from kiosk.sale.commands import AskAccount, AskPos, AskPrinter, Lane, Look, Place, Print, Withdraw
from kiosk.sale.events import (
    Busy,
    Event,
    Evidence,
    Holds,
    LookNow,
    Paper,
    PaymentState,
    Placed,
    PosOrder,
    Reject,
    Removal,
    Removed,
    Seen,
    Trouble,
    Unknown,
    Woken,
)
from kiosk.sale.records import Mark, Why
from kiosk.sale.states import Clearing, Notice, NoticeKind, Part, Waiting, Withdrawing
from kiosk.sale.ticket import local_time
from tests.story import EPOCH, SHOP, Story, order, payment
from tests.world_mutants import MUTANTS

RULES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "R1": {
            "its letters, its length, POS and number": (
                "test_sale_records::test_a_reference_is_what_the_provider_takes",
                "test_sale_records::test_the_longest_pos_id_and_number_still_fit",
            ),
            "80 random bits, from the system": (
                "test_sale_records::test_the_random_part_holds_at_least_80_bits",
                "test_rules_of_money::test_r1_the_chance_comes_from_the_system",
            ),
            "never from clock or counter alone": (
                "test_sale_moves::test_two_sales_share_neither_reference_nor_key",
                "test_sale_counter::test_numbers_go_on_after_a_restart_and_references_never_repeat",
            ),
            "a payment completes one sale only": (
                "test_sale_front::test_a_payment_that_the_journal_knows_from_another_sale_completes_nothing",
                "test_journal_writing::test_r1_a_payment_completes_one_sale_only_and_the_refused_save_leaves_nothing",
                "test_loop::test_a_payment_that_paid_another_sale_completes_nothing",
            ),
        },
        "R2": {
            "whole minor units": (
                "test_sale_money::test_what_is_no_whole_count_of_minor_units",
                "test_sale_money::test_what_is_typed_is_what_is_written_and_what_the_provider_gets",
            ),
            "transaction_amount": ("test_mercadopago_words::test_the_amounts_of_a_payment",),
            "amount and currency": ("test_sale_verdict::test_everything_else_is_not_paid",),
        },
        "R3": {
            "Date + seconds since + wait + 60 s": (
                "test_sale_placing::test_the_expiry_comes_from_the_providers_clock",
            ),
            "fixed for the sale": (
                "test_sale_placing::test_a_lost_answer_that_was_not_applied_is_placed_again_with_the_same_body",
                "test_sale_moves::test_the_second_attempt_has_the_same_body",
            ),
            "saved": (
                "test_sale_moves::test_an_order_is_saved_before_it_is_placed_and_its_expiry_is_fixed_by_the_providers_clock",
            ),
            "no Date, no field": (
                "test_sale_placing::test_without_a_date_there_is_no_expiry",
                "test_mercadopago_words::test_the_body_of_an_order",
            ),
            "10 to 540 s": ("test_config_schema::test_what_is_allowed", "test_config_schema::test_what_is_not"),
            "tickets use the same time": ("test_rules_of_money::test_r3_a_ticket_bears_the_providers_time",),
            "a certificate of another time means the clock": (
                "test_mercadopago::test_a_certificate_of_another_time_means_the_clock",
                "test_sale_resting::test_a_wrong_clock_is_said_as_such",
            ),
        },
        "R4": {
            "an answered proof": ("test_sale_resting::test_idle_needs_an_answered_proof",),
            "taken after our last PUT": (
                "test_laws::test_l4_idle_needs_a_proof_that_was_asked_for_after_the_last_put",
                "test_rules_of_money::test_r4_a_proof_asked_for_before_the_put_counts_no_more",
            ),
            "after an unknown PUT every 15 s for 2 minutes": (
                "test_sale_placing::test_after_an_unknown_put_the_proof_is_repeated_for_two_minutes",
                "test_sale_turn::test_in_doubt_the_proof_is_repeated_every_15_s_for_two_minutes",
                "test_rules_of_money::test_r4_after_a_power_cut_in_doubt_the_proof_is_repeated",
            ),
            "no PUT before the withdrawal is settled": (
                "test_rules_of_money::test_r4_no_put_before_the_withdrawal_is_settled",
            ),
        },
        "R5": {
            "ours is followed, with 30 s or more": (
                "test_sale_placing::test_after_a_power_cut_the_open_order_is_followed",
            ),
            "else withdrawn": (
                "test_sale_placing::test_after_a_power_cut_an_order_with_too_little_time_is_taken_back",
                "test_sale_placing::test_a_late_put_found_in_idle_is_taken_away",
            ),
            "another's is journalled, shown, withdrawn, watched": (
                "test_sale_placing::test_a_foreign_order_is_written_down_taken_away_and_watched",
                "test_sale_placing::test_a_stale_order_at_boot_is_taken_away_before_idle",
            ),
            "the second in a day is an alarm": (
                "test_sale_placing::test_the_second_foreign_order_in_a_day_is_an_alarm",
                "test_rules_of_money::test_r5_the_foreign_orders_of_other_days_are_no_alarm",
                "test_rules_of_money::test_r5_an_old_order_of_our_own_is_no_other_device",
                "test_rules_of_money::test_r5_the_alarm_stands_until_it_was_read",
            ),
            "two daemons cannot run": (
                "test_journal_writing::test_r5_two_kiosks_cannot_run_on_one_journal",
                "test_assembly::test_a_journal_that_another_kiosk_holds_stops_the_start",
            ),
        },
        "R6": {
            "ours on the POS: Waiting": ("test_sale_placing::test_a_lost_answer_that_was_applied",),
            "none: both indexes at 0, 3 and 10 s": (
                "test_sale_placing::test_a_lost_answer_that_was_not_applied_is_placed_again_with_the_same_body",
                "test_sale_placing::test_a_look_that_is_not_whole_does_not_count",
            ),
            "it may be paid already": (
                "test_sale_placing::test_a_lost_answer_that_was_paid_already",
                "test_rules_of_money::test_r6_an_order_that_somebody_pays_is_never_placed_again",
            ),
            "two PUTs at most": ("test_sale_placing::test_after_two_unknown_puts_it_is_withdrawn_never_idle",),
            "none with less than 30 s left": (
                "test_sale_placing::test_with_too_little_time_left_it_is_not_placed_again",
                "test_rules_of_money::test_r6_after_a_busy_pos_the_customer_has_the_whole_time",
            ),
            "then Withdrawing": (
                "test_sale_states::test_an_order_that_may_be_on_the_pos_never_leads_straight_to_rest",
            ),
        },
        "R7": {
            "final on the first attempt": ("test_sale_placing::test_a_refused_first_put_is_final",),
            "after an unknown one more unknown": (
                "test_sale_placing::test_a_refusal_after_an_unknown_attempt_is_one_more_unknown",
            ),
            "408, 409, 423, 424, 425, 429, 5xx": (
                "test_mercadopago_answers::test_what_says_nothing_is_never_final",
                "test_sale_placing::test_a_sale_given_up_on_a_busy_pos_is_watched",
            ),
            "401, 403, 404 to a question": (
                "test_sale_waiting::test_a_refused_look_says_nothing_about_money",
                "test_rules_of_money::test_r7_a_refused_question_is_no_word_about_the_order",
            ),
        },
        "R8": {
            "ours: Waiting": ("test_sale_placing::test_busy_with_our_own_order_is_waiting",),
            "another's: by R5 once, then PUT": (
                "test_sale_placing::test_busy_with_anothers_order_is_cleared_once_and_placed_again",
            ),
            "again: Withdrawing, POS busy": ("test_sale_placing::test_busy_again_is_withdrawn_by_reading_and_said",),
        },
        "R9": {
            "every 2 s, then every 4": ("test_sale_waiting::test_looks_come_every_2_s_for_two_minutes_then_every_4",),
            "backoff with scatter, 15 s at most, on refusals too": (
                "test_sale_turn::test_no_pause_is_longer_than_15_s_unless_they_ask_for_up_to_30",
                "test_sale_turn::test_neighbouring_requests_scatter_apart",
                "test_sale_waiting::test_a_refused_look_says_nothing_about_money",
                "test_rules_of_money::test_r9_a_locked_order_is_asked_for_ever_more_slowly",
            ),
            "Retry-After up to 30 s": (
                "test_sale_front::test_retry_after_is_honoured_up_to_30_s",
                "test_rules_of_money::test_r9_nobody_breaks_the_pause_that_they_asked_for",
            ),
            "the order search alone": ("test_sale_waiting::test_a_look_while_waiting_is_the_search_of_orders_alone",),
            "one in flight, one pending; a key or a notice": (
                "test_sale_front::test_ask_now_is_one_look_in_flight_and_one_pending",
                "test_sale_front::test_a_notification_about_another_order_is_no_look_for_this_one",
                "test_sale_notices::test_r9_a_flood_is_one_look_a_second_in_front_and_one_request_a_second_behind",
                "test_sale_notices::test_a_look_that_was_not_answered_keeps_its_pause",
            ),
        },
        "R10": {
            "after 5 s, then every 30": ("test_sale_waiting::test_the_pos_is_verified_after_5_s_then_every_30",),
            "another order, or amount: alarm, withdrawn by reading": (
                "test_sale_waiting::test_another_order_on_the_pos_is_an_alarm_and_withdrawn_by_reading",
                "test_sale_waiting::test_another_amount_on_the_pos_is_an_alarm",
                "test_sale_waiting::test_another_amount_is_not_deleted_blindly",
            ),
        },
        "R11": {
            "what is paid, of all that is returned": (
                "test_sale_waiting::test_one_good_order_among_several_pays",
                "test_sale_verdict::test_a_second_definition_of_paid_agrees",
            ),
            "everything else is not": (
                "test_sale_verdict::test_everything_else_is_not_paid",
                "test_sale_waiting::test_what_is_not_paid",
                "test_sale_waiting::test_a_payment_in_any_other_state_pays_nothing",
                "test_mercadopago_words::test_an_order_that_is_not_paid_in_full",
            ),
        },
        "R12": {
            "rejected: try again": ("test_sale_front::test_a_rejected_payment_then_a_good_one",),
            "a part: shown": ("test_sale_front::test_a_part_payment_is_shown_and_the_order_stays",),
        },
        "R13": {
            "*, then #, within 10 s": (
                "test_sale_waiting::test_cancel_is_asked_for_confirmation",
                "test_sale_waiting::test_the_question_goes_away_after_10_s",
            ),
            "look, DELETE, look": ("test_sale_waiting::test_a_cancel_looks_then_deletes_then_asks_then_looks_twice",),
            "only a look begun afterwards counts": (
                "test_laws::test_l6_withdrawn_is_only_what_we_took_and_looked_for_afterwards",
                "test_rules_of_money::test_r13_a_look_begun_before_the_delete_was_answered_decides_nothing",
            ),
            "paid wins": ("test_sale_waiting::test_paid_wins_at_every_step_of_a_withdrawal",),
        },
        "R14": {
            "GET after every answer to a DELETE": (
                "test_sale_waiting::test_gone_without_our_doing_is_presumed_paid",
                "test_rules_of_money::test_r14_whatever_the_delete_says_the_pos_is_asked",
            ),
            "still ours: locked, DELETE again every 10 s": (
                "test_sale_waiting::test_still_there_is_locked_and_deleted_again_every_10_s",
                "test_sale_waiting::test_a_lost_delete_is_repeated_and_nobody_is_said_to_pay",
            ),
            "until expiry + 60 s": (
                "test_sale_waiting::test_locked_beyond_its_death_is_left_to_a_person",
                "test_rules_of_money::test_r14_an_order_without_an_expiry_lives_for_ten_minutes",
            ),
            "gone with our 204: looks at 0 and 3 s": (
                "test_sale_waiting::test_a_cancel_looks_then_deletes_then_asks_then_looks_twice",
                "test_sale_waiting::test_the_looks_after_must_be_answered",
            ),
            "gone without it: presumed paid": (
                "test_sale_waiting::test_gone_without_our_doing_is_presumed_paid",
                "test_sale_waiting::test_an_earlier_204_excuses_no_later_disappearance",
                "test_sale_waiting::test_an_expired_order_is_gone_by_itself",
            ),
            "orders, by id, and payments for 30 s": (
                "test_sale_waiting::test_checking_asks_both_indexes",
                "test_mercadopago_look::test_orders_that_only_payments_tell_of_are_asked_by_id",
                "test_sale_waiting::test_checking_ends_after_30_s_and_never_says_cancelled",
            ),
            "not confirmed, never cancelled": (
                "test_sale_screens::test_not_confirmed_says_to_check_the_account",
                "test_sale_waiting::test_money_that_does_not_cover_is_never_called_cancelled",
                "test_sale_waiting::test_a_pending_payment_is_never_called_nobody_paid",
            ),
        },
        "R15": {
            "Waiting stays Waiting": ("test_sale_front::test_the_line_is_down_while_waiting",),
            "a withdrawal goes on": ("test_sale_waiting::test_a_withdrawal_goes_on_when_the_line_is_back",),
            "do not deliver, and until when": (
                "test_sale_screens::test_without_answers_it_says_do_not_deliver_and_until_when",
                "test_rules_of_money::test_r15_without_a_line_it_says_do_not_deliver_and_until_when",
            ),
            "new sales wait for the proof": ("test_rules_of_money::test_r15_new_sales_wait_for_the_line",),
        },
        "R16": {
            "withdrawn within 12 s": (
                "test_sale_front::test_stop_withdraws_an_open_order",
                "test_loop::test_a_stop_with_an_open_order_withdraws_it_and_ends_within_12_s_whatever_is_answered",
            ),
            "TimeoutStopSec=20": ("test_install::test_the_unit_runs_the_service_as_the_design_says",),
            "locked or unknown is left to resume": ("test_sale_front::test_stop_leaves_a_locked_order_to_resume",),
        },
        "R17": {
            "unpaid": ("test_sale_watch::test_an_unpaid_sale_is_watched_every_10_s_then_every_60_s_for_30_minutes",),
            "paid": ("test_sale_watch::test_a_paid_sale_is_watched_at_15_60_300_1800_s",),
            "an answered look in both indexes": (
                "test_sale_watch::test_each_look_of_a_watch_is_whole_and_travels_behind",
                "test_sale_watch::test_a_watch_ends_only_with_an_answered_look",
            ),
            "30 minutes after it was last payable, by their clock": (
                "test_sale_watch::test_a_reboot_does_not_begin_the_half_hour_again",
                "test_sale_watch::test_a_stale_order_is_watched_from_when_it_was_last_payable",
                "test_sale_watch::test_one_wrong_date_ends_no_watch",
            ),
            "never while a payment is pending": (
                "test_sale_watch::test_a_watch_does_not_end_while_a_payment_is_pending",
            ),
        },
        "R18": {
            "our reference and our collector": ("test_sale_watch::test_money_of_somebody_else_is_no_dispute_of_ours",),
            "ticket or debt": ("test_sale_watch::test_a_payment_after_not_confirmed_prints_its_ticket",),
            "late, short, excess, second, wrong amount, unknown order": (
                "test_sale_watch::test_short_money_is_disputed_when_it_stands",
                "test_sale_front::test_what_was_paid_beyond_the_amount_is_money_to_settle",
                "test_sale_watch::test_a_second_payment_of_a_paid_sale_is_disputed",
                "test_sale_watch::test_approved_money_that_pays_nothing_is_disputed",
                "test_sale_watch::test_a_foreign_order_that_was_paid_is_money_to_settle",
            ),
            "open until a person records delivered or refunded": (
                "test_sale_desk::test_delivered_keeps_the_money_durably_with_name_and_time",
                "test_sale_desk::test_give_back_returns_the_disputed_money_and_settles_it_with_the_refund",
                "test_sale_desk::test_what_was_delivered_is_not_disputed_again_by_its_watch",
                "test_loop_refunds::test_what_a_person_settled_is_not_disputed_again",
            ),
            "durable, listed, shown, on a slip": (
                "test_sale_watch::test_a_dispute_is_told_once_and_survives_restarts",
                "test_sale_ticket::test_a_slip_is_never_taken_for_a_ticket",
                "test_sale_screens::test_what_is_owed_is_counted_on_the_idle_screen_money_first",
                "test_journal_listing::test_json_of_a_story_has_its_disputes_and_its_log",
            ),
            "PAID AFTER CANCEL": ("test_sale_watch::test_a_payment_after_cancel_prints_its_ticket_marked",),
            "found paid at boot: an ordinary ticket": (
                "test_sale_placing::test_after_a_power_cut_a_paid_order_prints_an_ordinary_ticket",
            ),
        },
        "R19": {
            "no other ticket while a sale is open": (
                "test_sale_paper::test_no_debt_prints_while_a_sale_is_open",
                "test_sale_watch::test_late_money_waits_while_another_sale_is_open",
                "test_laws::test_l1_no_paper_while_a_sale_is_open",
            ),
            "late money never sounds, shines or reads PAID": (
                "test_sale_watch::test_a_payment_after_cancel_prints_its_ticket_marked",
                "test_laws::test_l1_the_sound_of_paid_is_for_who_stands_in_front",
                "test_sale_screens::test_the_word_paid_stands_on_no_other_screen",
            ),
            "the current ticket first": ("test_sale_paper::test_the_current_ticket_goes_before_debts",),
            "older than 10 minutes on request, after a summary": (
                "test_sale_paper::test_old_debts_print_on_request_after_a_summary",
                "test_sale_paper::test_a_summary_that_failed_comes_before_the_old_tickets_all_the_same",
            ),
        },
        "R20": {
            "two lanes": (
                "test_sale_front::test_the_front_lane_is_the_fronts",
                "test_assembly::test_a_request_that_hangs_behind_holds_up_none_in_front",
            ),
            "10 s for the whole call": (
                "test_mercadopago::test_an_answer_that_trickles_in_has_one_deadline",
                "test_mercadopago_line::test_a_name_that_took_too_long_opens_nothing",
                "test_sale_turn::test_each_request_has_a_number_of_its_own_and_ten_seconds",
            ),
            "the machine's own deadline": (
                "test_sale_front::test_a_request_without_an_answer_is_unknown_by_the_machines_own_clock",
                "test_sale_watch::test_a_hung_look_is_given_up_by_the_machine",
            ),
            "an older answer changes only what it proves": (
                "test_sale_front::test_an_answer_of_an_older_request_counts_for_what_it_proves",
                "test_sale_front::test_an_answer_of_an_older_request_moves_no_schedule",
                "test_sale_front::test_an_answer_of_another_sale_touches_nothing",
            ),
        },
        "R21": {
            "all bytes and a good status": (
                "test_printer::test_a_printer_that_reports_well_after_the_last_byte_is_sure",
                "test_printer::test_a_ticket_without_a_good_status_to_the_end_is_not_printed",
            ),
            "a closed connection is a fault": (
                "test_printer::test_a_connection_closed_after_the_last_byte_is_a_fault_never_silence",
            ),
            "silence, from one that never answered": (
                "test_printer::test_a_printer_that_never_answered_is_believed_without_being_sure",
                "test_printer::test_silence_of_a_printer_that_has_answered_is_a_fault",
                "test_sale_resting::test_a_copy_of_a_print_that_is_only_presumed_may_be_a_duplicate",
            ),
            "after the first byte every retry says so": (
                "test_sale_paper::test_a_print_that_began_is_never_an_original_again",
                "test_printer::test_cut_at_every_byte_it_is_never_printed_and_always_begun",
            ),
            "zeros, ESC @, feed and cut": (
                "test_printer_render::test_clearing_is_zeros_and_a_reset_and_for_a_retry_a_cut",
                "test_printer_render::test_a_retry_is_whole_wherever_the_last_try_was_cut_off",
            ),
            "content is kept, marks are decided when printed": (
                "test_journal_writing::test_marks_of_a_paper_come_back",
                "test_sale_paper::test_a_power_cut_while_printing_makes_the_ticket_doubtful",
            ),
            "REFUNDED": (
                "test_sale_refund::test_a_ticket_that_is_owed_says_refunded_when_all_of_it_is_back",
                "test_sale_refund::test_a_part_that_is_back_marks_no_ticket",
            ),
            "a restored backup doubts": (
                "test_journal_writing::test_r21_a_restored_copy_doubts_every_paper_that_was_owed",
            ),
        },
        "R22": {
            "the rest of the step is dropped": ("test_loop::test_an_intent_that_cannot_be_written_is_not_carried_out",),
            "no new sale": ("test_sale_counter::test_a_new_sale_is_not_placed_when_the_intent_cannot_be_written",),
            "the running one is followed, withdrawn, paid": (
                "test_sale_counter::test_with_a_failing_journal_the_running_sale_is_followed_and_paid",
                "test_sale_counter::test_with_a_failing_journal_the_running_sale_can_be_withdrawn",
            ),
            "POSSIBLE DUPLICATE": (
                "test_loop::test_with_a_failing_journal_paid_is_shown_and_its_ticket_may_be_a_duplicate",
            ),
            "boot derives it again": ("test_sale_counter::test_what_a_failing_journal_lost_is_derived_again_at_boot",),
        },
        "R23": {
            "every open sale is looked up, the POS proved": (
                "test_sale_counter::test_power_returns_in_every_state",
                "test_sale_placing::test_adopting_finds_a_payment_though_the_pos_does_not_answer",
                "test_sale_counter::test_a_second_open_row_is_watched",
            ),
            "watches go on, debts are kept": (
                "test_sale_watch::test_watches_survive_restarts",
                "test_sale_paper::test_a_debt_found_at_boot_waits_until_the_time_is_known",
                "test_journal_writing::test_everything_saved_is_there_after_a_restart",
            ),
            "the same after a crash and a cut": (
                "test_power::test_a_cut_loses_no_money_and_prints_no_second_original",
            ),
            "what was typed is gone": ("test_sale_counter::test_what_was_typed_and_not_confirmed_is_gone",),
        },
        "R24": {
            "the key is saved before the call and reused": (
                "test_sale_refund::test_a_wish_is_durable_before_its_first_attempt_and_in_the_same_step",
                "test_sale_refund::test_a_wish_that_cannot_be_written_down_is_none",
                "test_sale_refund::test_a_first_attempt_that_cannot_be_written_down_is_made_later_and_the_account_asked_before",
                "test_sale_refund::test_a_lost_answer_is_asked_for_and_the_same_key_tried_again",
                "test_loop_refunds::test_l7_a_refund_is_durable_before_it_is_asked_of_the_account",
            ),
            "after an unknown attempt the payment and its refunds decide": (
                "test_sale_refund::test_only_a_whole_list_without_it_lets_it_be_tried_again",
                "test_sale_refund::test_which_refund_that_is_shown_is_ours",
                "test_sale_refund::test_a_refund_that_was_there_before_is_never_ours",
                "test_sale_refund::test_what_went_back_since_it_was_signed_for_ends_it_before_anything_is_sent",
                "test_sale_refund::test_where_nothing_went_back_since_it_is_sent_at_once",
                "test_sale_refund::test_after_a_power_cut_it_asks_first_and_never_sends_first",
                "test_sale_desk::test_another_refund_of_it_under_way_lets_none_begin",
                "test_sale_desk::test_what_lets_no_refund_begin",
            ),
            "2063 and 2032 may mean already done": (
                "test_sale_refund::test_a_key_that_was_used_is_no_refusal_but_a_sign_that_it_arrived",
                "test_sale_refund::test_after_a_doubt_a_refusal_is_one_more_unknown",
            ),
            "never failed while unknown": (
                "test_sale_refund::test_it_goes_on_for_ever_and_slower_after_two_minutes",
                "test_sale_refund::test_a_refusal_that_does_not_say_why_is_no_more_than_unknown",
                "test_mercadopago_refunds::test_what_is_in_process_is_asked_to_be_shown",
                "test_sale_refund::test_whatever_is_lost_or_lags_or_is_cut_money_goes_back_once_for_each_wish",
                "test_sale_desk_screens::test_what_nobody_knows_is_never_called_refused",
            ),
            "what we gave back is no difference": ("test_sale_reconcile::test_r24_what_we_gave_back_is_no_difference",),
        },
        "R25": {
            "ready: a digit starts a sale": ("test_sale_resting::test_a_digit_after_a_notice_starts_a_sale",),
            "notices shrink after 20 s": ("test_sale_resting::test_a_notice_shrinks_to_the_footer_after_20_s",),
            "placing 45 s": ("test_sale_placing::test_placing_ends_within_45_s",),
            "withdrawing 60 s, locked until expiry + 60 s": (
                "test_sale_waiting::test_looks_that_are_never_whole_end_with_a_person",
                "test_sale_waiting::test_locked_beyond_its_death_is_left_to_a_person",
                "test_laws::test_l8_every_state_that_should_end_has_a_bound",
            ),
            "checking 30 s": ("test_sale_waiting::test_checking_ends_with_the_line_down_too",),
            "boot 60 s": ("test_world::test_the_laws_hold",),
            "a half-typed amount 60 s": ("test_sale_resting::test_a_half_typed_amount_is_forgotten_after_60_s",),
            "a printer that comes back": (
                "test_sale_paper::test_a_printer_that_comes_back_is_tried_within_5_s",
                "test_rules_of_money::test_r25_a_required_printer_that_comes_back_is_noticed_within_5_s",
            ),
        },
        "R26": {
            "overflow is refused, never cut": (
                "test_sale_resting::test_an_amount_that_overflowed_is_refused_until_corrected_never_cut",
                "test_sale_money::test_an_amount_that_found_no_room_is_never_taken_for_another",
            ),
            "key 1": ("test_sale_resting::test_above_confirm_above_it_asks_once_more_with_another_key",),
            "PAID ignores digits for a second": (
                "test_sale_resting::test_paid_ignores_keys_until_a_second_without_any",
                "test_sale_front::test_the_next_sale_begins_from_paid",
            ),
        },
    }
)
LATER: Final = MappingProxyType(
    {
        "R16": "an upgrade waits for idle: comes with the upgrade of an installed service",
    }
)
"""What is not built yet, and with what it comes."""


# --- the table --------------------------------------------------------------------------------------------------------


def the_suite(root: Path) -> dict[str, str]:
    """Every test of the suite, and what names the rules that it shows: its own name and docstring, or its module's."""
    found = {}
    for path in sorted((root / "tests").glob("test_*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        for each in module.body:
            if isinstance(each, ast.FunctionDef) and each.name.startswith("test_"):
                told = f"{each.name} {ast.get_docstring(each)} {ast.get_docstring(module)}"
                found[f"{path.stem}::{each.name}"] = told
    return found


def names(told: str) -> set[str]:
    """The rules that a text names: "R9", "R3 to R8", or ``test_r9_...``."""
    found = {f"R{number}" for number in re.findall(r"(?:\bR|_r)(\d+)(?![0-9])", told)}
    for first, last in re.findall(r"\bR(\d+) to R(\d+)", told):
        found |= {f"R{number}" for number in range(int(first), int(last) + 1)}
    return found


def test_every_rule_has_its_clauses_and_their_tests(root: Path) -> None:
    tests = the_suite(root)
    assert list(RULES) == [f"R{number}" for number in range(1, 27)]
    named = [test for clauses in RULES.values() for shown in clauses.values() for test in shown]
    assert [test for test in named if test not in tests] == []
    assert [rule for rule, clauses in RULES.items() if not clauses and rule not in LATER] == []
    assert [clause for clauses in RULES.values() for clause, shown in clauses.items() if not shown] == []


def test_every_rule_is_named_by_a_test_that_shows_it(root: Path) -> None:
    tests = the_suite(root)
    shown = {
        rule: [test for tests_shown in clauses.values() for test in tests_shown] for rule, clauses in RULES.items()
    }
    unnamed = [rule for rule, by in shown.items() if by and not any(rule in names(tests[test]) for test in by)]
    assert unnamed == []


def test_every_rule_has_a_planted_bug() -> None:
    planted = {name for mutant in MUTANTS for name in mutant.names}
    assert set(RULES) - planted - set(LATER) == set()
    assert planted - set(RULES) == {f"L{number}" for number in range(1, 11)}


def test_a_text_names_its_rules() -> None:
    assert names("Law R9, and R13 to R15; test_r2_x test_radio r7") == {"R9", "R13", "R14", "R15", "R2"}


# --- R1 to R5 ---------------------------------------------------------------------------------------------------------


def test_r1_the_chance_comes_from_the_system(root: Path) -> None:
    """Not from a generator that begins at a time of day. Fewer than 128 bits would make idempotency keys repeat."""
    tree = ast.parse((root / "kiosk" / "assembly.py").read_text(encoding="utf-8"))
    [given] = [each.value for each in ast.walk(tree) if isinstance(each, ast.keyword) and each.arg == "new_id"]
    assert ast.unparse(given) == "lambda: secrets.randbits(128)"


def test_r3_a_ticket_bears_the_providers_time() -> None:
    """This machine's own is 7 s slow."""
    story = Story().ready().waiting().paid()
    ticket = story.did(Print)[0].ticket
    [moment] = [line.right for line in ticket.lines if line.text == "Venda 1"]
    assert moment == local_time(EPOCH + story.at, SHOP)
    assert story.sale.paid_at == EPOCH + story.at


def test_r4_a_proof_asked_for_before_the_put_counts_no_more() -> None:
    """The answer to an older question says what was on the POS before our order was."""
    story = Story().ready()
    probe = story.wait_for(AskPos, within=61)
    story.keys("2500#").free().placed().paid().printed()
    story.feed(Holds(request=probe.request, order=None))
    story.wait(1.5).keys("#")
    assert story.public == "blocked"
    story.free()
    assert story.public == "idle"


def test_r4_after_a_power_cut_in_doubt_the_proof_is_repeated() -> None:
    """The PUT's answer was lost, the sale was cancelled, and the power was cut: it may arrive all the same."""
    story = Story().ready().keys("2500#").free().unknown(Place)
    story.keys("*#").seen().removed().free().seen().wait(3.1).seen()
    assert story.public == "notice"
    asked = proofs_in(story.power_cut(off_s=5).account().free(), 65)
    assert asked >= 4
    plain = Story().ready().waiting().keys("*#").seen().removed().free().seen().wait(3.1).seen()
    assert proofs_in(plain.power_cut(off_s=5).account().free(), 65) <= 1


def test_r4_a_put_cut_off_by_the_power_is_in_doubt() -> None:
    """Written, and perhaps sent."""
    story = Story().ready().keys("2500#").free().power_cut(off_s=5).account().free()
    story.seen().removed().free().seen().wait(3.1).seen()
    assert story.in_state(Notice).sale is not None
    assert proofs_in(story, 65) >= 4


def proofs_in(story: Story, seconds: float) -> int:
    """How often the POS is asked in that time, each time answered: it is free."""
    until, asked = story.at + seconds, 0
    while story.at < until:
        story.wait(1.0)
        if story.open_calls(AskPos):
            story.free()
            asked += 1
    return asked


def test_r4_no_put_before_the_withdrawal_is_settled() -> None:
    story = Story().ready().waiting().keys("*#")
    story.take()
    for answer in (story.seen, story.removed, story.free, story.seen):
        story.keys("1000#")
        assert story.public == "withdrawing"
        answer()
    story.wait(3.1).seen().wait(2.0)
    assert not story.did(Place)
    story.keys("1000#").free()
    assert [place.sale.cents for place in story.did(Place)] == [1000]


def test_r5_the_foreign_orders_of_other_days_are_no_alarm() -> None:
    """The journal remembers the last ten, however old. And an old order of our own is no other device."""
    story = Story().ready()
    story.journal.foreign[:] = [EPOCH - 500_000.0, EPOCH - 400_000.0]
    story.power_cut().account().holds("foreign-1", 900)
    assert not story.in_state(Clearing).alarm
    assert not story.screen.loud
    story.removed().free().wait(1).keys("2500#").holds("foreign-2", 900)
    assert story.in_state(Clearing).alarm
    assert story.screen.loud


def test_r5_the_alarm_stands_until_it_was_read() -> None:
    """R25: taking the order away takes a moment; what it means must be read. The first one of a day is no alarm."""
    story = Story().ready()
    story.wait_for(AskPos, within=61)
    story.holds("foreign-1", 900).removed().free()
    assert story.public == "idle"
    story.wait_for(AskPos, within=61)
    story.holds("foreign-2", 900).removed().free()
    assert story.in_state(Notice).kind is NoticeKind.OTHER_DEVICE
    assert "Outro aparelho" in story.text
    assert story.screen.loud
    story.wait(20.1)
    assert story.public == "idle"
    assert "Outro aparelho" in story.text


def test_r5_an_old_order_of_our_own_is_no_other_device() -> None:
    """Though two foreign ones were there before on the same day."""
    story = Story().ready().waiting().keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(2).keys("#")
    [ours] = story.journal.sales
    for foreign in ("foreign-1", "foreign-2"):
        story.wait_for(AskPos, within=61)
        story.holds(foreign, 900).removed().free().wait(21)
        if story.open_calls(AskPos):
            story.free()
    story.wait_for(AskPos, within=61)
    story.holds(ours)
    assert not story.screen.loud


# --- R6 to R9 ---------------------------------------------------------------------------------------------------------


def lost_put() -> Story:
    """A PUT whose answer is lost; the POS holds nothing; the indexes are asked."""
    return Story().ready().keys("2500#").free().unknown(Place, Trouble.SLOW).free()


def test_r6_an_order_that_somebody_pays_is_never_placed_again() -> None:
    """It was on the POS after all: a second one would be paid a second time. A rejected payment is no money."""
    for found in (
        order(lost_put().sale, payment(state=PaymentState.PENDING), complete=False),
        order(lost_put().sale, payment(), complete=False),
        order(lost_put().sale, payment(cents=900), complete=False),
    ):
        story = lost_put().seen(found)
        assert story.in_state(Withdrawing).why is Why.NOT_PLACED
        assert len(story.did(Place)) == 1
    story = lost_put()
    rejected = order(story.sale, payment(state=PaymentState.REJECTED), complete=False)
    story.seen(rejected).wait(3.1).seen(rejected).wait(7.1).seen(rejected)
    assert len(story.did(Place)) == 2


def test_r6_what_was_paid_after_a_lost_put_ends_as_paid_or_not_confirmed() -> None:
    """The order closes a moment later, or never: nobody reads "nobody paid"."""
    story = lost_put()
    sale = story.sale
    part = order(sale, payment(), complete=False)
    story.seen(part).seen(order(sale, payment()))
    assert story.public == "paid"
    story = lost_put().seen(part).seen(part).removed(Removal.BY_US).free().seen(part).wait(3.1).seen(part)
    assert story.in_state(Notice).kind is NoticeKind.NOT_CONFIRMED


@pytest.mark.parametrize("meanwhile", ["the other's order is taken away", "the POS does not answer"])
def test_r6_after_a_busy_pos_the_customer_has_the_whole_time(meanwhile: str) -> None:
    """R8: the first attempt never came onto the POS, so no part of the customer's time has passed; R3: same body."""
    story = Story(replace(SHOP, wait_s=40)).ready().keys("2500#").free().answer(Busy, Place)
    if meanwhile == "the POS does not answer":
        while story.at < 1020.0:
            story.unknown(AskPos)
            story.wait_for(AskPos, within=16)
        story.free()
    else:
        story.holds("foreign-1", 900).removed().free()
    first, second = story.did(Place)
    assert second.sale == replace(first.sale, puts=2)
    story.placed()
    waiting = story.in_state(Waiting)
    assert waiting.ends_at == pytest.approx(story.at + 40)
    assert first.sale.expires is not None
    assert waiting.dies_at == pytest.approx(first.sale.expires - EPOCH)
    assert waiting.ends_at < waiting.dies_at


@pytest.mark.parametrize("reject", [Reject.TOKEN, Reject.FORBIDDEN, Reject.NO_POS])
def test_r7_a_refused_question_is_no_word_about_the_order(reject: Reject) -> None:
    """Not in placing, nor in withdrawing, nor in checking; the sale is found paid when the token is good again."""
    story = Story().ready().keys("2500#").free().unknown(Place).refused(AskPos, reject)
    assert story.public == "placing"
    story.wait_for(AskPos, within=16)
    story.holds(story.sale.reference).keys("*#").refused(Look, reject).refused(Withdraw, reject)
    assert story.public == "withdrawing"
    story.free().refused(Look, reject)
    assert story.public == "checking"
    story.wait_for(Look, within=16)
    story.seen(order(story.sale, payment()))
    assert story.public == "paid"


def test_r9_a_locked_order_is_asked_for_ever_more_slowly() -> None:
    """While the customer pays looks come every 2 s; without answers they back off, and Retry-After counts."""
    story = Story().ready().waiting().keys("*#").seen().removed(Removal.LOCKED)
    story.holds(story.sale.reference)
    story.wait_for(Look)
    story.seen()
    assert story.in_state(Withdrawing).talk.until == pytest.approx(story.at + 2.0)
    story.wait_for(Look)
    story.answer(Unknown, Look, trouble=Trouble.THROTTLED, retry_after_s=25.0)
    assert story.in_state(Withdrawing).part is Part.LOCKED
    assert story.in_state(Withdrawing).talk.until >= story.at + 25.0


def test_r9_nobody_breaks_the_pause_that_they_asked_for() -> None:
    """Retry-After: neither key C nor a flood of notices, in front or behind; without it a key asks at once."""
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.answer(Unknown, Look, trouble=Trouble.THROTTLED, retry_after_s=25.0)
    throttled_at = story.at
    for _ in range(5):
        story.keys("C").feed(LookNow(story.sale.reference))
    assert not story.open_calls(Look)
    story.wait(throttled_at + 24.9 - story.at)
    assert not story.open_calls(Look) + story.open_calls(AskPos)
    story.wait(0.2).holds(story.sale.reference)
    story.wait_for(Look, within=0.1)
    story.unknown(Look, Trouble.NETWORK).keys("C")
    assert story.open_calls(Look)
    watched = Story().ready().waiting().paid().printed()
    watched.wait_for(Look, lane=Lane.BEHIND)
    watched.answer(Unknown, Look, Lane.BEHIND, trouble=Trouble.THROTTLED, retry_after_s=25.0)
    watched.feed(LookNow(watched.sale.reference))
    assert not watched.open_calls(Look, Lane.BEHIND)


# --- R13 to R16 -------------------------------------------------------------------------------------------------------


def test_r13_a_look_begun_before_the_delete_was_answered_decides_nothing() -> None:
    """It comes late, and says what was true before the order was taken away."""
    story = Story().ready().waiting().keys("*#")
    early = story.open_calls(Look)[0]
    story.wait(10.6).removed().free()
    assert story.in_state(Withdrawing).part is Part.AFTER
    for _ in range(2):
        story.feed(Seen(request=early.request, reference=early.reference, evidence=Evidence()))
    assert story.public == "withdrawing"
    assert story.in_state(Withdrawing).looks == 0
    story.seen().wait(3.1).seen()
    assert story.in_state(Notice).kind is NoticeKind.CANCELLED


@pytest.mark.parametrize("said", ["204", "400", "409", "401", "nothing"])
def test_r14_whatever_the_delete_says_the_pos_is_asked(said: str) -> None:
    """And while it holds our order nobody reads "cancelled"."""
    story = Story().ready().waiting().keys("*#").seen()
    match said:
        case "204":
            story.removed(Removal.BY_US)
        case "400":
            story.removed(Removal.GONE)
        case "409":
            story.removed(Removal.LOCKED)
        case "401":
            story.refused(Withdraw, Reject.TOKEN)
        case _:
            story.unknown(Withdraw)
    assert story.open_calls(AskPos)
    story.holds(story.sale.reference)
    assert story.public == "withdrawing"
    story.wait_for(Withdraw, within=12)


@pytest.mark.parametrize("busy", [False, True])
def test_r14_an_order_without_an_expiry_lives_for_ten_minutes(busy: bool) -> None:
    """No Date, no field: what disappears within its ten minutes may be paid; also after a busy POS (R8)."""
    story = Story()
    answer_without_a_date(story, Holds, order=None)
    story.keys("2500#")
    answer_without_a_date(story, Holds, order=None)
    if busy:
        answer_without_a_date(story, Busy)
        answer_without_a_date(story, Holds, order=PosOrder("foreign-1", 900))
        answer_without_a_date(story, Removed, removal=Removal.BY_US)
        answer_without_a_date(story, Holds, order=None)
    answer_without_a_date(story, Placed)
    waiting = story.in_state(Waiting)
    assert (waiting.sale.expires, waiting.sale.puts) == (None, 1 + busy)
    assert waiting.dies_at >= story.at + 590


def answer_without_a_date(story: Story, make: Callable[..., Event], **fields: object) -> None:
    """The newest request is answered by somebody who does not say what time it is."""
    asked = [asked.command for asked in story.asked if not isinstance(asked.command, AskAccount)]
    story.feed(make(request=asked[-1].request, reference=asked[-1].reference, **fields))


def test_r15_without_a_line_it_says_do_not_deliver_and_until_when() -> None:
    """In Waiting, and in a withdrawal, also while a customer was last seen paying; with the line back it does not."""
    story = Story().ready().waiting()
    assert story.sale.expires is not None
    dies = local_time(story.sale.expires, SHOP)[-5:]
    story.wait_for(Look)
    story.refused(Look, Reject.TOKEN)
    assert "não entregue" in story.text.lower()
    assert dies in story.text
    story.wait_for(Look)
    story.seen().keys("*#").seen().removed(Removal.LOCKED)
    story.holds(story.sale.reference)
    assert "não entregue" not in story.text.lower()
    assert "pagando" in story.text
    story.wait_for(Look)
    story.unknown(Look)
    assert "não entregue" in story.text.lower()
    assert dies in story.text


def test_r15_new_sales_wait_for_the_line() -> None:
    """Nothing is sold on a POS that cannot be proved free; with the line back the next digit starts a sale."""
    story = Story().ready().waiting().keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(2)
    story.power_cut(off_s=5).account().unknown(AskPos, Trouble.NETWORK)
    story.keys("2500#")
    assert story.public == "blocked"
    assert not story.did(Place)
    story.wait_for(AskPos, within=16)
    story.free().keys("2500")
    assert story.public == "entering"


# --- R19, R25 ---------------------------------------------------------------------------------------------------------


def test_r19_a_copy_of_the_last_ticket_waits_for_no_sale_either() -> None:
    """Nothing at all comes out of the printer between the first digit and PAID but what is this customer's."""
    story = Story().ready().waiting().paid().printed().wait(2).free().keys("#")
    story.keys("*").keys("#")
    assert [command.marks for command in story.did(Print)][-1] == (Mark.COPY,)
    story.jobs.clear()
    story.take()
    story.wait(41).keys("1000#").free().placed().keys("*")
    assert not story.did(Print)


def test_r25_a_required_printer_that_comes_back_is_noticed_within_5_s() -> None:
    """Without it nothing is sold, whether or not a paper is owed. Where it is not required nobody waits for it."""
    for required, patience_s in ((True, 5.0), (False, 31.0)):
        story = Story(replace(SHOP, printer_required=required)).ready().printer(Paper.GONE)
        assert (story.public == "blocked") is required
        gone_at = story.at
        story.take()
        while not story.did(AskPrinter):
            story.at = max(story.at, story.counter.wakes_at)
            story.feed(Woken())
        assert story.at - gone_at <= patience_s
        assert required or story.at - gone_at > 5.0
        story.printer(Paper.OK)
        assert story.public == "idle"
