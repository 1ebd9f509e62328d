"""What is watched while a run goes on is told once, when two looks have seen it, and hurts nobody."""

import asyncio

import pytest

from scenarios.checkers import ALL_CHECKERS, named
from scenarios.evidence import Evidence
from scenarios.live import LIVE, LiveWatch, live
from scenarios.watch import watchable
from tests.support.anomalies import negative_stock, oversold, saga_stuck, unbalanced
from tests.support.builders import FlashSale


def evidence(*spoils) -> Evidence:
    made = FlashSale().evidence()
    for spoil in spoils:
        spoil(made)
    return made


class Fleet:
    """Shows one evidence after the other, the last one for ever."""

    def __init__(self, *shown: Evidence | None) -> None:
        self.looks = 0
        self._shown = shown

    async def look(self) -> Evidence | None:
        self.looks += 1
        return self._shown[min(self.looks, len(self._shown)) - 1]


async def told_by(*shown: Evidence | None, looks: int) -> list[str]:
    told: list[str] = []
    watch = LiveWatch(Fleet(*shown).look, live(ALL_CHECKERS), told.append)
    for _ in range(looks):
        await watch.once()
    return told


async def test_a_violation_that_stays_is_told_once_with_its_moment() -> None:
    (told,) = await told_by(evidence(oversold), looks=4)
    assert told.startswith("first violation at t = ")
    assert "INV-02 no-oversell: 9 units of JACKET-1 in standing orders, the supply was 8" in told


async def test_what_one_look_alone_saw_lay_between_two_writes() -> None:
    assert await told_by(evidence(), evidence(negative_stock), evidence(), evidence(negative_stock), looks=4) == []


async def test_a_look_that_could_not_be_taken_is_no_second_look_and_ends_nothing() -> None:
    assert len(await told_by(evidence(unbalanced), None, evidence(unbalanced), looks=3)) == 1
    assert await told_by(evidence(unbalanced), None, looks=3) == []


async def test_each_invariant_is_told_of_by_itself() -> None:
    told = await told_by(evidence(unbalanced), evidence(unbalanced), evidence(unbalanced, oversold), looks=5)
    assert ["INV-07" in told[0], "INV-02" in told[1], len(told)] == [True, True, 2]


async def test_what_only_rest_can_tell_is_not_asked() -> None:
    assert {checker.id for checker in live(ALL_CHECKERS)} == set(LIVE)
    assert await told_by(evidence(saga_stuck), looks=3) == []


async def test_it_looks_while_the_run_goes_on_and_stops_with_it() -> None:
    fleet, told = Fleet(evidence(oversold)), []
    async with LiveWatch(fleet.look, named("INV-02"), told.append, pause_s=0.001):
        async with asyncio.timeout(10):
            while not told:
                await asyncio.sleep(0.001)
    looks = fleet.looks
    await asyncio.sleep(0.01)
    assert fleet.looks == looks


async def test_a_watch_that_fails_says_so_and_the_run_goes_on() -> None:
    async def look() -> Evidence | None:
        raise RuntimeError("no such table")

    told: list[str] = []
    async with LiveWatch(look, named("INV-07"), told.append):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert told == ["the live watch ended early, the run did not: RuntimeError: no such table"]


async def test_watching_a_fleet_ends_with_the_first_violation() -> None:
    watch = LiveWatch(Fleet(evidence(), evidence(unbalanced)).look, live(ALL_CHECKERS), lambda _: None, pause_s=0.0)
    async with asyncio.timeout(10):
        await watch.until_seen()
    assert set(watch.seen) == {"INV-07"}


def test_what_cannot_be_watched_is_refused() -> None:
    assert {checker.id for checker in watchable()} == set(LIVE)
    with pytest.raises(KeyError, match="INV-11 cannot be judged before the fleet has come to rest"):
        watchable(("INV-07", "INV-11"))


def test_a_watch_of_nothing_looks_at_nothing() -> None:
    async def play() -> int:
        fleet = Fleet(evidence())
        async with LiveWatch(fleet.look, (), lambda _: None):
            await asyncio.sleep(0)
        return fleet.looks

    assert asyncio.run(play()) == 0
