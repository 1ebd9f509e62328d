from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.clock import FixedClock, SystemClock


def test_the_system_clock_is_aware_and_utc():
    assert SystemClock().now().utcoffset() == timedelta()


def test_a_fixed_clock_moves_only_when_told_and_only_forward():
    clock = FixedClock(datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == datetime(2026, 1, 1, 10, tzinfo=UTC)
    clock.advance(timedelta(seconds=1))
    assert clock.now().second == 1
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(timedelta(seconds=-1))


def test_a_fixed_clock_refuses_naive_times():
    with pytest.raises(ValueError, match="aware"):
        FixedClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
