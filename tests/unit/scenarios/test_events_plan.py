"""`repair events` finds exactly what is missing, and nothing on a fleet that applied everything."""

import pytest

from scenarios.evidence import Evidence
from scenarios.repair.events import Plan, plan
from scenarios.repair.proof import to_do
from tests.support.anomalies import PAID, alter, buried, change, drop, left_dead, poison, where
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import LOAD_STARTED_AT, SUBSCRIPTIONS, fixed_id


@pytest.fixture
def evidence() -> Evidence:
    return FlashSale().evidence()


def planned(evidence: Evidence) -> Plan:
    return plan(evidence.audit, evidence.journals.tap, SUBSCRIPTIONS)


def paid_event(evidence: Evidence) -> str:
    return evidence.audit.outbox[where(evidence.audit.outbox, type="order.paid", aggregate_id=PAID)].id


def test_a_healthy_fleet_needs_no_repair_and_poison_is_for_people(evidence: Evidence) -> None:
    assert planned(evidence).empty
    poison(evidence)
    assert planned(evidence).empty


def test_what_one_consumer_never_applied_is_read_again_from_there_on(evidence: Evidence) -> None:
    event_id = paid_event(evidence)
    drop(evidence.audit.inbox, consumer="shipping", event_id=event_id)
    (one,) = planned(evidence).consumers
    assert (one.consumer, [event.event_id for event in one.missing], one.letters) == ("shipping", [event_id], 0)
    place = evidence.journals.tap[where(evidence.journals.tap, event_id=event_id)]
    last = max(line.offset for line in evidence.journals.tap if line.topic == "orders.events")
    assert one.rewind == {"orders.events": last + 1 - place.offset}


def test_a_letter_of_a_real_event_is_redriven_and_not_read_again(evidence: Evidence) -> None:
    left_dead(evidence)
    (one,) = planned(evidence).consumers
    assert (one.consumer, one.missing, one.letters) == ("inventory", (), 1)


def test_a_letter_that_was_ticked_off_and_took_no_effect_is_missing(evidence: Evidence) -> None:
    event_id = paid_event(evidence)
    drop(evidence.audit.inbox, consumer="analytics", event_id=event_id)
    buried(evidence, event_id=event_id, redriven_at=LOAD_STARTED_AT + 5)
    (one,) = planned(evidence).consumers
    assert [event.event_id for event in one.missing] == [event_id]


def test_a_poison_that_was_swallowed_or_ticked_off_is_read_again(evidence: Evidence) -> None:
    poison(evidence)
    letter = evidence.audit.dead_letters[where(evidence.audit.dead_letters, consumer="shipping")]
    alter(evidence.audit.dead_letters, {"redriven_at": LOAD_STARTED_AT + 5}, consumer="shipping")
    drop(evidence.audit.dead_letters, consumer="inventory")
    made = planned(evidence).consumers
    place = f"{letter.topic}/{letter.partition}@{letter.offset_}"
    assert {one.consumer: (one.poison, one.rewind) for one in made} == {
        name: ((place,), {letter.topic: 1}) for name in ("inventory", "shipping")
    }


def test_what_the_broker_never_had_its_publisher_sends_again_and_nobody_is_asked_to_read_it(evidence: Evidence) -> None:
    event_id = paid_event(evidence)
    drop(evidence.journals.tap, event_id=event_id)
    for consumer in ("inventory", "shipping"):
        drop(evidence.audit.inbox, consumer=consumer, event_id=event_id)
    made = planned(evidence)
    assert [(event.event_id, event.publisher) for event in made.unsent] == [(event_id, "orders")]
    assert (made.consumers, to_do(made)) == ((), 1)


def test_what_waits_in_the_outbox_is_on_its_way(evidence: Evidence) -> None:
    event_id = paid_event(evidence)
    drop(evidence.journals.tap, event_id=event_id)
    alter(evidence.audit.outbox, {"sent_at": None}, id=event_id)
    drop(evidence.audit.inbox, consumer="shipping", event_id=event_id)
    assert planned(evidence).empty


def test_what_went_past_the_outbox_its_publisher_stores_as_the_broker_has_it(evidence: Evidence) -> None:
    row = evidence.audit.outbox.pop(where(evidence.audit.outbox, id=paid_event(evidence)))
    (one,) = planned(evidence).untold
    place = evidence.journals.tap[where(evidence.journals.tap, event_id=row.id)]
    assert (one.event_id, one.publisher, one.topic, one.offset) == (row.id, "orders", "orders.events", place.offset)
    assert to_do(planned(evidence)) == 1


def test_a_copy_that_says_what_a_row_says_is_not_stored_beside_it(evidence: Evidence) -> None:
    line = evidence.journals.tap[where(evidence.journals.tap, event_id=paid_event(evidence))]
    evidence.journals.tap.append(change(line, event_id=fixed_id("copy"), offset=9_999))
    assert planned(evidence).empty


def test_what_was_sent_before_rows_are_kept_is_nobodys_business(evidence: Evidence) -> None:
    event_id = paid_event(evidence)
    drop(evidence.audit.outbox, id=event_id)
    line = evidence.journals.tap[where(evidence.journals.tap, event_id=event_id)]
    alter(evidence.journals.tap, {"timestamp_ms": line.timestamp_ms - 86_400_000}, event_id=event_id)
    assert planned(evidence).untold == ()


def test_what_a_fault_wrote_is_not_stored(evidence: Evidence) -> None:
    poison(evidence)
    assert planned(evidence).untold == ()


def test_a_copy_of_poison_that_nobody_can_have_published_is_not_stored(evidence: Evidence) -> None:
    line = evidence.journals.tap[where(evidence.journals.tap, event_id=paid_event(evidence))]
    about = {"event_id": fixed_id("copy"), "aggregate_id": "poison", "offset": 9_999}
    evidence.journals.tap.append(change(line, version=1, **about))
    assert len(planned(evidence).untold) == 1
    for newer in ({"version": 9}, {"version": 1, "type": "nobody.knows"}):
        evidence.journals.tap[-1] = change(line, **about, **newer)
        assert planned(evidence).untold == ()
