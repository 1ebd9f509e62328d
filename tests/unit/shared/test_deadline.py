import asyncio

import pytest

from shared import deadline
from shared.deadline import Deadline, DeadlineExceeded


def test_an_inner_deadline_never_outlives_the_outer_one():
    with deadline.within(0.5) as outer:
        with deadline.within(10) as inner:
            assert inner == outer
        with deadline.within(0.1) as inner:
            assert inner.remaining_s <= 0.1
        assert deadline.current() is outer
    assert deadline.current() is None


def test_work_takes_the_smaller_of_its_limit_and_what_is_left():
    assert deadline.remaining_s(3) == 3
    with deadline.within(1):
        assert deadline.remaining_s(3) <= 1
        assert deadline.remaining_s(0.2) == 0.2


def test_expired_work_is_refused():
    with deadline.within(-1):
        assert deadline.remaining_s(5) == 0
        with pytest.raises(DeadlineExceeded):
            deadline.check()


def test_the_header_shrinks_on_its_way():
    value = Deadline.after(1).header_value()
    assert 900 < int(value) <= 990
    assert Deadline.after(-1).header_value() == "0"


async def test_a_limit_interrupts_at_the_requests_deadline():
    with deadline.within(0.02), pytest.raises(TimeoutError):
        async with deadline.limit(10):
            await asyncio.Event().wait()
