"""When the tour of `shopctl demo` has shown what it must show."""

import pytest

from scenarios.drills import scenario
from scenarios.tour import DEFECT, SCENARIO, holds
from scenarios.verdict import Verdict
from tests.builders.verdicts import PASSED, TOO_WEAK, violated

CAUGHT_BY = ("INV-02", "INV-12")
CAUGHT = violated("INV-02")


def test_it_holds_when_the_healthy_sale_passed_and_the_broken_one_was_caught() -> None:
    assert holds(PASSED, CAUGHT, caught_by=CAUGHT_BY)
    assert holds(PASSED, violated("INV-01", "INV-12"), caught_by=CAUGHT_BY)


@pytest.mark.parametrize("healthy", [CAUGHT, TOO_WEAK], ids=["failed", "too weak"])
def test_a_healthy_sale_that_did_not_pass_breaks_it(healthy: Verdict) -> None:
    assert not holds(healthy, CAUGHT, caught_by=CAUGHT_BY)


@pytest.mark.parametrize(
    "broken", [PASSED, TOO_WEAK, violated("INV-01")], ids=["passed", "too weak", "failed by another invariant"]
)
def test_a_broken_sale_that_was_not_caught_by_name_breaks_it(broken: Verdict) -> None:
    assert not holds(PASSED, broken, caught_by=CAUGHT_BY)


def test_the_tour_plants_a_defect_of_its_scenario_that_names_who_catches_it() -> None:
    assert scenario(SCENARIO).defect(DEFECT).caught_by
