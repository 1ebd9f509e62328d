"""A shop that had no core after the trigger is not judged; one that hangs, or had as much as before, is."""

import os

import msgspec
import pytest

from scenarios.checkers import Outcome, named
from scenarios.resilience import LOOK, SEARCH
from scenarios.workloads.elbow_room import Given, given, squeezed
from tests.support.builders import rush

MEASURED = (Given(0.0, 0.0, 0.0), Given(10.0, 5.0, 3.0))


@pytest.mark.parametrize(
    ("ran_s", "waited_s", "is_squeezed"), [(2.0, 8.0, True), (0.1, 0.2, False), (4.8, 5.0, False), (0.5, 4.0, True)]
)
def test_less_of_a_core_than_before_is_a_squeeze_only_for_who_wants_one(ran_s, waited_s, is_squeezed):
    assert bool(squeezed(MEASURED, (Given(20.0, 5.0, 3.0), Given(30.0, 5.0 + ran_s, 3.0 + waited_s)))) is is_squeezed


def test_where_nothing_is_counted_nothing_is_excused():
    assert squeezed(MEASURED, (None, None)) == ""


def test_a_process_is_counted_while_it_lives():
    assert given(0, at=1.0) is None
    assert given(os.getpid(), at=1.0) is not None


def test_a_squeezed_shop_that_does_not_recover_is_not_judged():
    evidence = rush.rush_alone()
    assert evidence.facts.course is not None
    rush.unanswered(evidence, rush.SURGE_AT, rush.ENDED_AT, LOOK, SEARCH)
    (judge,) = named("INV-20")
    assert judge.check(evidence).outcome is Outcome.FAIL
    evidence.facts.course = msgspec.structs.replace(evidence.facts.course, squeezed="the machine was busy")
    result = judge.check(evidence)
    assert (result.outcome, result.weaknesses) == (Outcome.INVALID, ("the machine was busy",))
