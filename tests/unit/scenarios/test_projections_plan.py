"""`repair projections` names exactly what differs, and nothing on a fleet whose projections agree."""

import pytest

from scenarios.evidence import Evidence
from scenarios.repair.projections import Plan, plan
from tests.support.anomalies import (
    PAID,
    deleted_product_came_back,
    ghost_counted,
    index_lost_a_document,
    index_overwritten,
    order_counted_twice,
    order_uncounted,
    product_never_projected,
    told_again,
)
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import PRODUCT, fixed_id


@pytest.fixture
def evidence() -> Evidence:
    return FlashSale().evidence()


def test_a_healthy_fleet_needs_no_repair(evidence: Evidence) -> None:
    assert plan(evidence).empty


@pytest.mark.parametrize(
    "spoil",
    [told_again, product_never_projected, deleted_product_came_back, index_overwritten, index_lost_a_document],
)
def test_a_product_that_search_shows_otherwise_is_named(spoil, evidence: Evidence) -> None:
    spoil(evidence)
    assert plan(evidence) == Plan(products=(PRODUCT,))


@pytest.mark.parametrize("spoil", [order_uncounted, order_counted_twice])
def test_an_order_that_analytics_counts_otherwise_is_named(spoil, evidence: Evidence) -> None:
    spoil(evidence)
    assert plan(evidence) == Plan(orders=(PAID,))


def test_an_order_that_only_analytics_knows_is_named(evidence: Evidence) -> None:
    ghost_counted(evidence)
    assert plan(evidence) == Plan(orders=(fixed_id("ghost"),))
