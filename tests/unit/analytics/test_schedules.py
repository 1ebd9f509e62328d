from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc.analytics.domain.schedules import Cadence, mailed_period, next_run

pytestmark = pytest.mark.service("analytics")

FRIDAY = datetime(2026, 1, 30, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cadence", "hour", "expected"),
    [
        ("daily", 9, datetime(2026, 1, 30, 9, tzinfo=UTC)),
        ("daily", 8, datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("weekly", 9, datetime(2026, 2, 2, 9, tzinfo=UTC)),
        ("monthly", 0, datetime(2026, 2, 1, 0, tzinfo=UTC)),
    ],
)
def test_the_next_run_is_the_first_that_fits_after_now(cadence, hour, expected):
    assert next_run(Cadence(cadence), hour=hour, after=FRIDAY) == expected


@given(st.sampled_from(Cadence), st.integers(0, 23), st.integers(0, 2 * 10**9))
def test_runs_follow_one_another_at_their_hour(cadence, hour, seconds):
    after = datetime.fromtimestamp(seconds, UTC)
    first = next_run(cadence, hour=hour, after=after)
    second = next_run(cadence, hour=hour, after=first)
    assert after < first < second
    assert {first.hour, second.hour} == {hour}
    longest = {Cadence.DAILY: 1, Cadence.WEEKLY: 7, Cadence.MONTHLY: 31}[cadence]
    assert second - first <= timedelta(days=longest)


def test_a_report_is_about_whole_days_that_are_over():
    assert mailed_period(FRIDAY, days=7) == (date(2026, 1, 23), date(2026, 1, 29))
