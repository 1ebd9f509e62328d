"""What checkers must not cry about, and what is too weak to clear a fleet."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.checkers import Outcome
from scenarios.checkers.occupancy import Stay, excesses
from scenarios.evidence import Evidence, FaultFired, SupplyStep
from scenarios.evidence import rows as audit
from scenarios.history import Record
from tests.support.anomalies import (
    PAID,
    REFUSED_BUYER,
    TAX_MINOR,
    alter,
    buried,
    change,
    charged_twice,
    completion,
    copy_order,
    duplicate_returned_untold,
    held_up_behind_poison,
    judged,
    oversell,
    paid_for_free,
    restocked_after_it_left,
    returned_without_tax,
    two_orders_for_key,
    undersold,
    where,
)
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import LOAD_STARTED_AT, SKU, STARTED_AT, TOTAL_MINOR, WAREHOUSE, fixed_id


def test_a_unit_sold_again_after_a_decline_is_no_oversell() -> None:
    evidence = FlashSale().evidence()
    assert len(evidence.confirmed) == 8
    assert len(evidence.audit.orders) == 9
    assert judged(evidence, "INV-02").outcome is Outcome.PASS


def test_a_restock_counts_only_from_its_time_on() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.supply[:] = [
        SupplyStep(SKU, 4, STARTED_AT, STARTED_AT, opening=True),
        SupplyStep(SKU, 4, LOAD_STARTED_AT + 60, LOAD_STARTED_AT + 61),
    ]
    result = judged(evidence, "INV-02")
    assert result.outcome is Outcome.FAIL
    assert set(result.counts) == {"confirmed_beyond_supply"}


@pytest.mark.parametrize(("booked_in_at", "refused_wrongly"), [(STARTED_AT, True), (LOAD_STARTED_AT + 60, False)])
def test_who_was_refused_after_a_restock_had_a_moment_at_which_that_was_gone_too(
    booked_in_at: float, refused_wrongly: bool
) -> None:
    evidence = FlashSale().evidence()
    evidence.facts.supply.append(SupplyStep(SKU, 4, STARTED_AT, booked_in_at))
    assert ("refused_though_available" in judged(evidence, "INV-24").counts) is refused_wrongly


@pytest.mark.parametrize(
    "lines",
    [[{"sku": SKU, "quantity": 2}], [{"sku": SKU, "quantity": 1}, {"sku": "OTHER", "quantity": 1}]],
    ids=["two units", "two lines"],
)
def test_who_asked_for_more_than_the_unit_that_was_left_is_no_witness_of_underselling(lines: list[object]) -> None:
    evidence = FlashSale().evidence()
    undersold(evidence)
    assert "undersold" in judged(evidence, "INV-03").counts
    refused = {record.key for record in evidence.history if record.error == "insufficient_stock"}
    for index, record in enumerate(evidence.history):
        if record.type == "invoke" and record.key in refused:
            evidence.history[index] = change(record, value={**record.value, "lines": lines})
    assert "undersold" not in judged(replace(evidence), "INV-03").counts


def test_demand_below_twice_the_supply_is_too_weak() -> None:
    result = judged(FlashSale(buyers=12, supply=8).evidence(), "INV-02")
    assert result.outcome is Outcome.INVALID
    assert "fewer than 2 ×" in result.weaknesses[0]


def test_buyers_one_after_the_other_cannot_race() -> None:
    result = judged(FlashSale(arrival_s=2.0).evidence(), "INV-02")
    assert any("nothing could race" in weakness for weakness in result.weaknesses)


def test_a_violation_outweighs_a_weak_load() -> None:
    evidence = FlashSale(buyers=12, supply=8).evidence()
    alter(evidence.audit.stock, {"on_hand": -1}, sku=SKU)
    assert judged(evidence, "INV-02").outcome is Outcome.FAIL


def test_a_unit_that_came_back_after_the_last_buyer_is_not_undersold() -> None:
    evidence = FlashSale().evidence()
    undersold(evidence)
    last = max(purchase.invoked_at for purchase in evidence.purchases)
    evidence.audit.reservations.append(hold("released", ended_at=last + 1))
    result = judged(evidence, "INV-03")
    assert "undersold" not in result.counts
    assert result.observed["units that came back too late"] == 1


def refusal_asked_again(evidence: Evidence, number: int, at_s: float, *, replayed: bool) -> float:
    """The buyer's first answer was lost, and at `at_s` of the history it is refused; gives the first try's time."""
    first = evidence.history[completion(evidence, f"key-{number}", "invoke")]
    index = completion(evidence, f"key-{number}", "fail")
    refused = evidence.history[index]
    evidence.history[index] = change(refused, type="info", error="ClientOSError", value=None)
    again = {"process": 9_000, "index": len(evidence.history)}
    evidence.history.append(change(first, **again, time_s=at_s))
    evidence.history.append(
        change(refused, **again, time_s=at_s + 0.1, value={"status_code": 409, "replayed": replayed})
    )
    return evidence.facts.epoch(first.time_s)


def a_unit_comes_back_late(evidence: Evidence) -> float:
    """One unit is unsold because it came back after everybody had been refused; gives the history's time of it."""
    undersold(evidence)
    back_s = max(record.time_s for record in evidence.history) + 1
    evidence.audit.reservations.append(hold("released", ended_at=evidence.facts.epoch(back_s)))
    return back_s


def test_a_refusal_repeated_from_store_witnesses_the_moment_it_was_first_given() -> None:
    evidence = FlashSale().evidence()
    back_s = a_unit_comes_back_late(evidence)
    first_at = refusal_asked_again(evidence, REFUSED_BUYER, back_s + 2.0, replayed=True)
    assert "undersold" not in judged(evidence, "INV-03").counts
    replay = evidence.purchases[-1]
    assert replay.answer.replayed
    assert evidence.decided_after(replay) == first_at


def test_a_fresh_refusal_of_the_same_buyer_after_the_return_is_undersold() -> None:
    evidence = FlashSale().evidence()
    back_s = a_unit_comes_back_late(evidence)
    refusal_asked_again(evidence, REFUSED_BUYER, back_s + 2.0, replayed=False)
    assert judged(evidence, "INV-03").counts["undersold"] == 1


def test_a_replay_of_a_refusal_that_was_first_given_with_units_on_the_shelf_is_undersold() -> None:
    evidence = FlashSale().evidence()
    undersold(evidence)
    last_s = max(record.time_s for record in evidence.history)
    refusal_asked_again(evidence, REFUSED_BUYER + 2, last_s + 5.0, replayed=True)
    assert judged(evidence, "INV-03").counts["undersold"] == 1


def test_demand_that_never_passed_the_supply_is_too_weak_for_no_undersell() -> None:
    result = judged(FlashSale(buyers=6, supply=8).evidence(), "INV-03")
    assert result.outcome is Outcome.INVALID
    assert any("did not exceed" in weakness for weakness in result.weaknesses)


def test_an_abandoned_hold_within_its_time_is_not_undersold() -> None:
    evidence = FlashSale().evidence()
    undersold(evidence)
    evidence.audit.reservations.append(hold("held", ended_at=None, expires_at=LOAD_STARTED_AT + 600))
    result = judged(evidence, "INV-03")
    assert not {"undersold", "hold_outlived_ttl"} & set(result.counts)


def hold(status: str, *, ended_at: float | None, expires_at: float | None = None) -> audit.ReservationRow:
    return audit.ReservationRow(
        id=fixed_id("abandoned"),
        order_id=fixed_id("abandoned"),
        customer_id=fixed_id("customer", 20),
        status=status,
        sku=SKU,
        warehouse=WAREHOUSE,
        quantity=1,
        created_at=LOAD_STARTED_AT,
        expires_at=expires_at,
        ended_at=ended_at,
    )


def test_an_unknown_outcome_may_have_happened_or_not() -> None:
    observed = judged(FlashSale().evidence(), "INV-09").observed
    assert observed == {
        "unknown outcomes that had happened": 1,
        "unknown outcomes that had not happened": 1,
    }


def test_the_same_message_id_again_is_a_redelivery() -> None:
    evidence = FlashSale().evidence()
    evidence.journals.smtp.append(evidence.journals.smtp[0])
    result = judged(evidence, "INV-17")
    assert result.outcome is Outcome.PASS
    assert result.observed == {"mails delivered again by the protocol": 1}


def test_a_mail_about_a_refund_may_say_what_had_gone_back_by_then() -> None:
    evidence = FlashSale().evidence()
    mail = evidence.journals.smtp[where(evidence.journals.smtp, order_id=PAID)]
    about = {"template": "order_refunded", "event_id": "e", "message_id": "m", "body_sha256": ""}
    ledger = evidence.audit.ledger
    booked = change(ledger[where(ledger, order_id=PAID, account="sales")], kind="refund", amount_minor=700)
    ledger += [change(booked, created_at=booked.created_at + late) for late in (3, 1, 2)]
    for amount, outcome in (("7.00", Outcome.PASS), ("14.00", Outcome.PASS), ("15.00", Outcome.FAIL)):
        evidence.journals.smtp.append(change(mail, amount=f"{amount} EUR", **about))
        assert judged(evidence, "INV-17").outcome is outcome


def test_two_duplicates_of_one_amount_may_be_told_in_the_same_words() -> None:
    evidence = FlashSale().evidence()
    mail = evidence.journals.smtp[where(evidence.journals.smtp, order_id=PAID)]
    told = [row.id for row in evidence.audit.outbox if row.aggregate_id == PAID][:2]
    for template, outcome in (("duplicate_returned", Outcome.PASS), ("order_cancelled", Outcome.FAIL)):
        for event_id in told:
            again = change(mail, template=template, event_id=event_id, message_id=f"{template} {event_id}")
            evidence.journals.smtp.append(again)
        assert judged(replace(evidence), "INV-17").outcome is outcome
    made_up = change(evidence.journals.smtp[-3], event_id="nobody's", message_id="m")
    evidence.journals.smtp[-2:] = [made_up]
    assert judged(replace(evidence), "INV-17").counts == {"same_mail_again": 1}


def test_a_full_return_that_paid_everything_back_is_no_short_one() -> None:
    evidence = FlashSale().evidence()
    returned_without_tax(evidence)
    result = judged(evidence, "INV-06")
    assert result.counts == {"returned_in_part": 1}
    assert result.first is not None
    assert result.first.amount_minor == TAX_MINOR
    back = where(evidence.journals.psp, kind="refund")
    refunded_minor = evidence.journals.psp[back].amount_minor
    evidence.journals.psp[back] = change(evidence.journals.psp[back], amount_minor=refunded_minor + TAX_MINOR)
    assert "returned_in_part" not in judged(replace(evidence), "INV-06").counts


def test_a_duplicate_that_went_back_is_told_as_such_and_is_no_revenue() -> None:
    evidence = FlashSale().evidence()
    duplicate_returned_untold(evidence)
    assert judged(evidence, "INV-16").outcome is Outcome.PASS
    told = evidence.audit.outbox[where(evidence.audit.outbox, type="payment.processed")]
    untold = judged(evidence, "INV-13")
    assert untold.counts == {"change_without_event": 1}
    payment = evidence.audit.payments[where(evidence.audit.payments, order_id=PAID)]
    evidence.audit.outbox.append(
        change(told, id="d", type="payment.duplicate_returned", aggregate_id=payment.id, aggregate_version=2)
    )
    assert "change_without_event" not in judged(replace(evidence), "INV-13").counts


def test_an_event_twice_on_the_broker_is_at_least_once() -> None:
    evidence = FlashSale().evidence()
    evidence.journals.tap.append(change(evidence.journals.tap[0], offset=9_999))
    for invariant in ("INV-13", "INV-14"):
        assert judged(evidence, invariant).outcome is Outcome.PASS


def test_a_dead_letter_accounts_for_its_event() -> None:
    evidence = FlashSale().evidence()
    row = evidence.audit.inbox.pop(where(evidence.audit.inbox, consumer="analytics"))
    evidence.audit.dead_letters.append(
        audit.DeadLetterRow(
            consumer=row.consumer,
            event_id=row.event_id,
            topic="orders.events",
            partition=0,
            offset_=1,
            reason="handler",
            attempts=5,
            parked=False,
            created_at=row.applied_at,
        )
    )
    assert judged(evidence, "INV-14").outcome is Outcome.PASS


def test_a_repaired_double_charge_is_reported_and_no_violation() -> None:
    evidence = FlashSale().evidence()
    charged_twice(evidence)
    second = evidence.journals.psp[-1]
    evidence.journals.psp.append(
        change(second, kind="refund", merchant_reference=fixed_id("refund"), payment_reference=PAID)
    )
    assert judged(evidence, "INV-05").outcome is Outcome.FAIL
    evidence.facts.repaired = True
    result = judged(evidence, "INV-05")
    assert result.outcome is Outcome.PASS
    assert result.observed["repaired: captured_twice"] == 1


def test_an_order_that_costs_nothing_is_not_captured() -> None:
    evidence = FlashSale().evidence()
    paid_for_free(evidence)
    assert judged(evidence, "INV-05").counts == {"paid_but_not_captured": 1}
    alter(evidence.audit.orders, {"total_minor": 0}, id=PAID)
    assert judged(evidence, "INV-05").outcome is Outcome.PASS


def test_what_a_repair_applied_late_is_applied() -> None:
    evidence = FlashSale().evidence()
    held_up_behind_poison(evidence)
    evidence.facts.repaired = True
    result = judged(evidence, "INV-18")
    assert "held_up_behind" not in result.counts
    assert result.observed["repaired: held_up_behind"] == 1


def test_an_oversale_whose_orders_were_cancelled_is_repaired() -> None:
    evidence = FlashSale().evidence()
    oversell(evidence, (15, 16))
    for number in (15, 16):
        order_id = fixed_id("order", number)
        alter(evidence.audit.orders, {"status": "cancelled"}, id=order_id)
        evidence.audit.order_transitions.append(
            audit.OrderTransitionRow(order_id, "reserved", "cancelled", LOAD_STARTED_AT + 100)
        )
    assert judged(evidence, "INV-02").counts == {"confirmed_beyond_supply": 1}
    evidence.facts.repaired = True
    assert judged(evidence, "INV-02").outcome is Outcome.PASS


def test_a_repair_excuses_nothing_that_still_stands() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.repaired = True
    two_orders_for_key(evidence)
    charged_twice(evidence)
    assert judged(evidence, "INV-10").outcome is Outcome.FAIL
    assert judged(evidence, "INV-05").outcome is Outcome.FAIL


def test_an_example_carries_what_an_operator_looks_up() -> None:
    evidence = FlashSale().evidence()
    charged_twice(evidence)
    example = judged(evidence, "INV-05").worst
    assert example is not None
    order = evidence.orders[PAID]
    assert (example.order_id, example.customer_id) == (PAID, order.customer_id)
    assert (example.amount_minor, example.currency) == (TOTAL_MINOR, "EUR")
    assert example.at is not None


def test_an_order_in_flight_is_left_out_of_the_books() -> None:
    evidence = FlashSale().evidence()
    copy_order(evidence, fixed_id("order", 22), 22)
    alter(evidence.audit.orders, {"status": "reserved"}, id=fixed_id("order", 22))
    result = judged(evidence, "INV-06")
    assert result.outcome is Outcome.PASS
    assert result.observed == {"orders in flight, left out": 1}


def test_a_client_that_was_told_of_its_cancellation_must_find_it_cancelled() -> None:
    evidence = FlashSale().evidence()
    invoke = evidence.history[completion(evidence, "key-0", "invoke")]
    about = {"process": 9_999, "function": "cancel_order", "key": "cancel-1", "time_s": 50.0}
    evidence.history.append(change(invoke, **about, value={"customer_id": "c", "order_id": PAID}))
    evidence.history.append(change(invoke, **about, type="ok", value={"order_id": PAID}))
    assert judged(evidence, "INV-09").counts == {"acknowledged_cancel_lost": 1}


def test_an_unconfirmed_fault_does_not_concern_a_checker() -> None:
    evidence = FlashSale().evidence()
    evidence.facts.faults.append(FaultFired("kill", 0.0))
    assert judged(evidence, "INV-02").outcome is Outcome.PASS


def test_copies_that_the_faults_of_a_run_explain_are_no_endless_redelivery() -> None:
    evidence = FlashSale().evidence()
    evidence.journals.smtp.extend([evidence.journals.smtp[0]] * 2)
    assert judged(evidence, "INV-17").outcome is Outcome.PASS
    evidence.journals.smtp.append(evidence.journals.smtp[0])
    assert judged(evidence, "INV-17").counts == {"redelivered_without_end": 1}


def test_goods_that_came_back_may_be_on_the_shelf_again() -> None:
    evidence = FlashSale().evidence()
    restocked_after_it_left(evidence)
    alter(evidence.audit.shipments, {"status": "returned"}, order_id=PAID)
    assert "left_but_on_the_shelf" not in judged(evidence, "INV-01").counts


stays = st.lists(
    st.builds(
        lambda number, units, entered, lasted: Stay(
            str(number), units, entered, None if lasted is None else entered + lasted
        ),
        st.integers(),
        st.integers(1, 3),
        st.integers(0, 50),
        st.none() | st.integers(0, 50),
    ),
    max_size=30,
)


@given(stays, st.integers(0, 40))
def test_an_excess_is_found_exactly_when_the_limit_was_passed(these: list[Stay], limit: int) -> None:
    """The oracle looks at every instant anew."""
    staying = [stay for stay in these if stay.left_at is None or stay.left_at > stay.entered_at]
    instants = {stay.entered_at for stay in staying}
    peak = max(
        (
            sum(stay.units for stay in staying if stay.entered_at <= at and (stay.left_at is None or stay.left_at > at))
            for at in instants
        ),
        default=0,
    )
    assert bool(excesses(these, lambda _: limit)) == (peak > limit)


def test_a_key_is_judged_whatever_was_asked_for_under_it() -> None:
    """A function that no checker knows by name."""
    evidence = FlashSale().evidence()
    for process, fingerprint in ((9_001, "body-1"), (9_002, "body-2")):
        asked = {"customer_id": "ann", "fingerprint": fingerprint}
        evidence.history.append(Record(0, 9.0, process, "invoke", "subscribe", key="k", value=asked))
        evidence.history.append(Record(0, 9.1, process, "ok", "subscribe", key="k", value={"answer_sha256": "same"}))
    assert judged(replace(evidence), "INV-10").counts == {"mismatch_accepted": 1}


@pytest.mark.parametrize(("customer", "sku", "outcome"), [(998, "MUG", Outcome.PASS), (0, "MUG", Outcome.FAIL)])
def test_who_shops_beside_a_run_is_none_of_its_clients(customer: int, sku: str, outcome: Outcome) -> None:
    evidence = FlashSale().evidence()
    copy_order(evidence, fixed_id("beside"), customer)
    alter(evidence.audit.orders, {"idempotency_key": "their own"}, id=fixed_id("beside"))
    alter(evidence.audit.order_lines, {"sku": sku}, order_id=fixed_id("beside"))
    result = judged(evidence, "INV-09")
    assert result.outcome is outcome
    assert ("orders of people who shopped beside the run" in result.observed) == (outcome is Outcome.PASS)


def test_what_nobody_reads_need_not_lie_among_the_dead_letters() -> None:
    """A broker that starts again is probed on a topic of its own."""
    evidence = FlashSale().evidence()
    probe = change(evidence.journals.tap[0], topic="shopstream.readiness", event_id="", type="", undecodable=True)
    evidence.journals.tap.append(probe)
    assert judged(evidence, "INV-18").outcome is Outcome.PASS


def test_what_somebody_else_could_not_apply_is_in_analytics_fold() -> None:
    evidence = FlashSale().evidence()
    cancelled = evidence.journals.tap[where(evidence.journals.tap, type="order.cancelled")]
    buried(evidence, consumer="inventory", event_id=cancelled.event_id)
    assert judged(evidence, "INV-15").outcome is Outcome.PASS
    buried(evidence, consumer="analytics", event_id=cancelled.event_id)
    assert judged(evidence, "INV-15").counts == {"projection_differs_from_events": 1}
