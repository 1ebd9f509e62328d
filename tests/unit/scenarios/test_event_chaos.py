"""The event chaos comes from its seed; what a fault wrote is known as such, and what was cured is no damage."""

import random
from collections import Counter
from uuid import uuid4

import msgspec
import pytest

from scenarios.checkers import ALL_CHECKERS, Outcome
from scenarios.drills.event_chaos import CONSUMERS, SCENARIO, TOPICS
from scenarios.evidence import FaultFired
from scenarios.evidence.logs import LogLine
from scenarios.faults.catalogue import FAULTS
from scenarios.faults.events import SHUFFLE_WINDOW, poisons, shuffled
from scenarios.faults.former_versions import FORMER, as_before
from scenarios.plan import FULL, QUICK
from scenarios.workloads.event_chaos import ChaosParameters, Step, prices, steps
from shared.contracts import EVENT_TOPICS, REGISTRY, Envelope, Event, PoisonError, decode_data, decode_header, encode
from shared.contracts.catalog import PriceChanged, PriceFact, ProductDeleted
from shared.contracts.orders import OrderCreated
from tests.support.anomalies import buried, held_up_behind_poison, left_dead, poison
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import LOAD_STARTED_AT
from tests.support.services import envelope

SEEDS = range(1, 21)
REASONS = Counter({"undecodable": 6, "newer_version": 1, "invalid_data": 1})


def parameters_of(form: str) -> ChaosParameters:
    parameters = SCENARIO.forms[form].parameters
    assert isinstance(parameters, ChaosParameters)
    return parameters


def changed_prices(*skus: str) -> Envelope[Event]:
    prices = {sku: PriceFact(price_minor=2_450, currency="EUR") for sku in skus}
    return envelope(PriceChanged(product_id=uuid4(), prices=prices), "p", 1)


def plan(form: str, seed: int) -> list[Step]:
    return steps(parameters_of(form), random.Random(seed))


@pytest.mark.parametrize("form", [FULL, QUICK])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_of_step_comes_whatever_the_seed(form: str, seed: int) -> None:
    planned, parameters = plan(form, seed), parameters_of(form)
    orders = [step for step in planned if not step.edits]
    assert (len(orders), len(planned) - len(orders)) == (parameters.orders, parameters.products)
    assert any(step.cancelled for step in orders)
    assert any(step.refunded for step in orders)
    assert not any(step.cancelled and step.refunded for step in orders)
    assert [step.at for step in planned] == sorted(step.at for step in planned)


def test_the_same_seed_brings_the_same_steps() -> None:
    assert plan(QUICK, 7) == plan(QUICK, 7)
    assert plan(QUICK, 7) != plan(QUICK, 8)


def test_every_change_of_a_price_is_one() -> None:
    for product in range(3):
        changed = prices(product, parameters_of(QUICK))
        assert len(set(changed)) == len(changed) == parameters_of(QUICK).edits


@pytest.mark.parametrize("form", [FULL, QUICK])
def test_faults_of_each_family_come(form: str) -> None:
    names = {step.fault.name for step in SCENARIO.forms[form].faults}
    assert {"unprocessable", "shuffle", "poison", "kill", "pause", "rebalance", "down", "mail-tarpit"} <= names
    assert {"duplicate", "reorder", "rewind"} <= names
    assert names <= set(FAULTS)


def test_topics_and_consumers_of_the_drill_exist() -> None:
    assert set(TOPICS) <= {topic.name for topic in EVENT_TOPICS}
    assert len(set(CONSUMERS)) == len(CONSUMERS)


def test_each_poison_is_refused_for_the_reason_that_it_names() -> None:
    assert Counter(reason for reason, _ in poisons()) == REASONS
    for reason, value in poisons():
        if value is None:  # a record without a value is refused before it is read
            assert reason == "undecodable"
            continue
        with pytest.raises(PoisonError) as refused:
            decode_data(decode_header(value), OrderCreated)
        assert refused.value.reason == reason


def test_a_poison_of_a_future_version_could_be_read_as_one_of_today() -> None:
    (value,) = (value for reason, value in poisons() if reason == "newer_version")
    assert value is not None
    header = decode_header(value)
    assert header.version > OrderCreated.schema_version
    as_today = msgspec.structs.replace(header, version=OrderCreated.schema_version)
    assert decode_data(as_today, OrderCreated).data.total_minor > 0


def test_every_event_that_was_told_otherwise_before_can_be_told_so_again() -> None:
    assert set(FORMER) == {name for name, event in REGISTRY.items() if event.schema_version > 1}


def test_what_the_release_before_told_is_read_as_what_is_told_today() -> None:
    today = changed_prices("A")
    before = as_before(encode(today))
    header = decode_header(before)
    assert (header.version, msgspec.json.decode(header.data)["sku"]) == (1, "A")
    assert decode_data(header, PriceChanged) == today


def test_what_the_release_before_could_not_tell_in_one_event_stays_as_it_is() -> None:
    both = encode(changed_prices("A", "B"))
    deleted = encode(envelope(ProductDeleted(product_id=uuid4()), "p", 1))
    assert (as_before(both), as_before(deleted)) == (both, deleted)


def test_a_shuffle_keeps_everything_and_moves_nothing_farther_than_its_window() -> None:
    rows = list(range(3 * SHUFFLE_WINDOW + 7))
    moved = shuffled(rows, random.Random(1))
    assert moved != rows
    assert sorted(moved) == rows
    assert max(abs(place - row) for place, row in enumerate(moved)) < SHUFFLE_WINDOW


def test_a_poison_that_everybody_set_aside_is_no_violation_of_anything() -> None:
    evidence = FlashSale().evidence()
    poison(evidence)
    assert {checker.check(evidence).outcome for checker in ALL_CHECKERS} == {Outcome.PASS}


def test_an_event_that_was_redriven_is_no_violation() -> None:
    evidence = FlashSale().evidence()
    left_dead(evidence)
    letter = evidence.audit.dead_letters[-1]
    evidence.audit.dead_letters[-1] = msgspec.structs.replace(letter, redriven_at=letter.created_at + 1)
    result = next(checker.check(evidence) for checker in ALL_CHECKERS if checker.id == "INV-18")
    assert "event_left_dead" not in result.counts


def test_an_event_that_was_redriven_late_was_held_up_by_nobody() -> None:
    evidence = FlashSale().evidence()
    held_up_behind_poison(evidence)
    judge = next(checker for checker in ALL_CHECKERS if checker.id == "INV-18")
    assert "held_up_behind" in judge.check(evidence).counts
    late = max((row for row in evidence.audit.inbox if row.consumer == "analytics"), key=lambda row: row.applied_at)
    buried(evidence, event_id=late.event_id, parked=True, redriven_at=late.applied_at, offset_=1)
    assert "held_up_behind" not in judge.check(evidence).counts


@pytest.mark.parametrize("fault", ["unprocessable", "kill"])
def test_a_handler_that_fails_is_explained_by_what_makes_it_fail_alone(fault: str) -> None:
    evidence = FlashSale().evidence()
    evidence.facts.faults.append(FaultFired(fault, LOAD_STARTED_AT, "inventory", confirmed=True))
    about = {"at": LOAD_STARTED_AT, "level": "error", "service": "inventory", "instance": "inventory-1"}
    evidence.logs.append(LogLine(event="handler_failed", **about))
    evidence.logs.append(LogLine(event="database_error", message="fault: order.paid of x cannot be applied", **about))
    result = next(checker.check(evidence) for checker in ALL_CHECKERS if checker.id == "INV-25")
    assert (result.outcome is Outcome.PASS) == (fault == "unprocessable")
