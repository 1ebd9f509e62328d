"""Every fault that was injected is healed: once, the last one first, and whatever happens in between."""

import asyncio
from typing import cast

import pytest

from compose.operator_error import OperatorError
from scenarios.faults.injections import Injections
from scenarios.fleet import Fleet
from tests.support.fakes.noop import NoopFault

NO_FLEET = cast("Fleet", None)


async def test_faults_are_healed_last_first_at_the_end_of_the_block() -> None:
    journal: list[str] = []
    async with Injections(NO_FLEET) as injections:
        await injections.inject(NoopFault("a", journal))
        await injections.inject(NoopFault("b", journal))
    assert journal == ["a injected", "b injected", "b healed", "a healed"]
    assert all(fired.confirmed and fired.healed_at is not None for fired in injections.fired)
    assert all(fired.at <= (fired.bit_at or 0.0) <= (fired.healed_at or 0.0) for fired in injections.fired)


async def test_a_fault_with_a_time_is_healed_after_it_and_only_once() -> None:
    journal: list[str] = []
    async with Injections(NO_FLEET) as injections:
        await injections.inject(NoopFault("a", journal), for_s=0.0)
        await injections.inject(NoopFault("b", journal))
    assert journal == ["a injected", "a healed", "b injected", "b healed"]


async def test_a_fault_that_was_started_is_healed_even_when_the_block_fails_before_its_time() -> None:
    journal: list[str] = []

    async def interrupted() -> None:
        async with Injections(NO_FLEET) as injections:
            injections.start(NoopFault("a", journal), for_s=3600.0)
            while not journal:
                await asyncio.sleep(0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await interrupted()
    assert journal == ["a injected", "a healed"]


async def test_finish_waits_for_the_time_of_what_was_started() -> None:
    journal: list[str] = []
    async with Injections(NO_FLEET) as injections:
        injections.start(NoopFault("a", journal), for_s=0.01)
        await injections.finish()
        assert journal == ["a injected", "a healed"]


async def test_a_fault_that_cannot_be_injected_is_not_confirmed_and_says_why() -> None:
    refusal = OperatorError("process.unknown", "There is no process 'x'.", mend="")
    async with Injections(NO_FLEET) as injections:
        await injections.inject(NoopFault("x", refusal=refusal))
    (fired,) = injections.fired
    assert (fired.confirmed, fired.probe, fired.healed_at) == (False, "There is no process 'x'.", None)


async def test_a_heal_that_fails_is_a_problem_and_the_others_heal_all_the_same() -> None:
    journal: list[str] = []
    stuck = OperatorError("process.not_ready", "b is starting after 60 s.", mend="")
    async with Injections(NO_FLEET) as injections:
        await injections.inject(NoopFault("a", journal))
        await injections.inject(NoopFault("b", journal, heal_error=stuck))
    assert journal[-1] == "a healed"
    assert injections.problems == ["noop b: b is starting after 60 s."]
