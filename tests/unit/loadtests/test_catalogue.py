"""Every suite is a Locust file that is listed, and its people are customers whose writes are followed."""

import ast
from pathlib import Path

import pytest

from loadtests import suites
from loadtests.catalogue import SUITES, suite
from loadtests.measured import Entry, Measured, Moment
from loadtests.suite import LoadParameters, Suite

FOLDER = Path(suites.__file__).parent
MOMENT = Moment(at=0, users=1, requests_per_s=1, failures_per_s=0, p50_ms=1, p95_ms=1)
FOLLOWED = {"Customer", "Shopper"}


def by_id(suite: Suite) -> str:
    return suite.id


def measured() -> Measured:
    """What a run of any suite measures whatever it asks for."""
    nothing = Entry(name="", requests=0, errors=0, shed=0, p50_ms=0, p95_ms=0, p99_ms=0)
    return Measured(seconds=1, workers=0, total=nothing, entries=(), errors={}, crashed=(), moments=(MOMENT,) * 8)


def test_every_locust_file_is_a_listed_suite():
    files = {path for path in FOLDER.glob("*.py") if path.stem != "__init__"}
    assert {one.file for one in SUITES} == files
    assert len({one.id for one in SUITES}) == len(SUITES)


@pytest.mark.parametrize("one", SUITES, ids=by_id)
def test_people_of_a_suite_are_customers_whose_writes_the_judges_can_follow(one: Suite):
    tree = ast.parse(one.file.read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    people = [node for node in classes if {ast.unparse(parent) for parent in node.bases} & FOLLOWED]
    assert people
    assert all(ast.get_docstring(tree) or "" for _ in people)


@pytest.mark.parametrize("one", SUITES, ids=by_id)
def test_a_suite_demands_something_of_figures_that_are_measured(one: Suite):
    always = set(measured().figures)
    assert one.thresholds
    for threshold in one.thresholds:
        assert threshold.said
        request, _, kind = threshold.figure.rpartition(": ")
        assert threshold.figure in always or (request.split(" ")[0] in {"GET", "POST"} and kind), threshold.figure


def test_a_crowd_comes_and_goes_as_its_steps_say():
    sale = suite("flash-sale")
    crowd = sale.crowd(LoadParameters(users=50, rate=10, for_s=100))
    assert [(it.at_s, it.users) for it in crowd] == [(0.0, 5), (20.0, 50), (70.0, 5)]
    assert min(it.users for it in sale.crowd(LoadParameters(users=1, rate=1, for_s=5))) == 1


def test_an_unknown_suite_is_a_key_error():
    with pytest.raises(KeyError):
        suite("nowhere")
