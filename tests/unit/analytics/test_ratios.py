from datetime import date
from decimal import Decimal

import pytest

from svc.analytics.domain.ratios import average_on_hand, months_between, share_bp, stock_turn

pytestmark = pytest.mark.service("analytics")


def test_a_share_of_nothing_is_none():
    assert share_bp(0, 0) is None
    assert (share_bp(1, 3), share_bp(2, 3), share_bp(3, 3)) == (3_333, 6_667, 10_000)


def test_stock_that_lay_there_half_of_the_time_counts_half():
    # 10 units, of which 4 left on the third of four days: 10, 10, 6, 6
    average = average_on_hand(10, -4 * 2, days=4)
    assert average == Decimal("8.00")
    assert stock_turn(4, average) == Decimal("0.5000")


def test_what_never_lay_there_has_no_turn():
    assert stock_turn(3, Decimal(0)) is None


def test_months_are_counted_over_the_turn_of_a_year():
    assert months_between(date(2025, 11, 1), date(2026, 2, 1)) == 3
