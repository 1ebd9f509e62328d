"""What is watched while a run goes on is told once, when two looks have seen it, and hurts nobody."""

import asyncio
import os
from pathlib import Path

import pytest

from scenarios import live_looker
from scenarios.checkers import ALL_CHECKERS, Outcome, Result, named
from scenarios.evidence import Evidence, in_scope
from scenarios.history import write_history
from scenarios.live import LIVE, LiveWatch, live
from scenarios.live_looker import Looker, LookerDiedError, Sight
from scenarios.snapshots import Snapshots
from scenarios.watch import watchable
from tests.support.anomalies import negative_stock, oversold, saga_stuck, unbalanced
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import LOAD_STARTED_AT

NOWHERE = "postgresql://audit@127.0.0.1:9/payments"
SECONDS_MAX = 60


def evidence(*spoils) -> Evidence:
    made = FlashSale().evidence()
    for spoil in spoils:
        spoil(made)
    return made


def violated(*spoils) -> list[Result]:
    results = [checker.check(in_scope(evidence(*spoils))) for checker in live(ALL_CHECKERS)]
    return [result for result in results if result.outcome is Outcome.FAIL]


class Eyes:
    """See one thing after the other, the last one for ever."""

    def __init__(self, *seen: list[Result] | None) -> None:
        self.looks = 0
        self._seen = seen

    async def look(self) -> list[Result] | None:
        self.looks += 1
        return self._seen[min(self.looks, len(self._seen)) - 1]


async def told_by(*seen: list[Result] | None, looks: int) -> list[str]:
    told: list[str] = []
    watch = LiveWatch(Eyes(*seen).look, told.append, since_at=LOAD_STARTED_AT)
    for _ in range(looks):
        await watch.once()
    return told


async def test_a_violation_that_stays_is_told_once_with_its_moment() -> None:
    (told,) = await told_by(violated(oversold), looks=4)
    assert told.startswith("first violation at t = 0.9 s (the run goes on): ")
    assert "INV-02 no-oversell: 9 units of JACKET-1 in standing orders, the supply was 8" in told


async def test_what_one_look_alone_saw_lay_between_two_writes() -> None:
    once = violated(negative_stock)
    assert await told_by([], once, [], once, looks=4) == []


async def test_a_look_that_could_not_be_taken_is_no_second_look_and_ends_nothing() -> None:
    seen = violated(unbalanced)
    assert len(await told_by(seen, None, seen, looks=3)) == 1
    assert await told_by(seen, None, looks=3) == []


async def test_each_invariant_is_told_of_by_itself() -> None:
    told = await told_by(violated(unbalanced), violated(unbalanced), violated(unbalanced, oversold), looks=5)
    assert ["INV-07" in told[0], "INV-02" in told[1], len(told)] == [True, True, 2]


def test_what_only_rest_can_tell_is_not_asked() -> None:
    assert {checker.id for checker in live(ALL_CHECKERS)} == set(LIVE)
    assert violated(saga_stuck) == []


async def test_it_looks_while_the_run_goes_on_and_stops_with_it() -> None:
    eyes, told = Eyes(violated(oversold)), []
    async with LiveWatch(eyes.look, told.append, pause_s=0.001):
        async with asyncio.timeout(10):
            while not told:
                await asyncio.sleep(0.001)
    looks = eyes.looks
    await asyncio.sleep(0.01)
    assert eyes.looks == looks


async def test_a_watch_that_fails_says_so_and_the_run_goes_on() -> None:
    async def look() -> list[Result] | None:
        raise RuntimeError("no such table")

    told: list[str] = []
    async with LiveWatch(look, told.append):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert told == ["the live watch ended early, the run did not: RuntimeError: no such table"]


async def test_watching_a_fleet_ends_with_the_first_violation() -> None:
    watch = LiveWatch(Eyes([], violated(unbalanced)).look, lambda _: None, pause_s=0.0)
    async with asyncio.timeout(10):
        await watch.until_seen()
    assert set(watch.seen) == {"INV-07"}


def test_what_cannot_be_watched_is_refused() -> None:
    assert {checker.id for checker in watchable()} == set(LIVE)
    with pytest.raises(KeyError, match="INV-11 cannot be judged before the fleet has come to rest"):
        watchable(("INV-07", "INV-11"))


@pytest.mark.parametrize(("spoil", "invariant"), [(oversold, "INV-02"), (unbalanced, "INV-07")])
async def test_a_look_judges_what_is_stored_and_what_was_written_of_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil, invariant: str
) -> None:
    broken = evidence(spoil)
    write_history(tmp_path / "history.jsonl", broken.history)
    asked: list[set[str]] = []

    async def take_snapshots(urls: dict[str, str], *, only: set[str]) -> Snapshots:
        del urls
        asked.append(only)
        return Snapshots(tables=broken.audit, problems=[])

    monkeypatch.setattr(live_looker, "take_snapshots", take_snapshots)
    sight = Sight(urls={}, history=str(tmp_path / "history.jsonl"), checkers=LIVE)
    found = await live_looker.look(sight, broken.facts)
    assert found is not None
    assert [result.id for result in found] == [invariant]
    assert asked == [{need for checker in named(*LIVE) for need in checker.needs}]


async def test_the_eyes_are_a_process_of_their_own_that_ends_with_the_watch(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").touch()
    looker = Looker(Sight(urls={"payments": NOWHERE}, history=str(tmp_path / "history.jsonl"), checkers=("INV-07",)))
    async with asyncio.timeout(SECONDS_MAX):
        for _ in range(2):
            assert await looker.look(evidence().facts) is None
        process = looker._process
        assert process is not None
        assert process.pid != os.getpid()
        await looker.close()
    assert process.returncode is not None


async def test_eyes_that_die_are_told_of(tmp_path: Path) -> None:
    looker = Looker(Sight(urls={}, history=str(tmp_path / "no history"), checkers=("INV-07",)))
    with pytest.raises(LookerDiedError, match="exit code 1"):
        async with asyncio.timeout(SECONDS_MAX):
            await looker.look(evidence().facts)
    await looker.close()


async def test_closing_what_never_looked_is_nothing(tmp_path: Path) -> None:
    await Looker(Sight(urls={}, history=str(tmp_path), checkers=())).close()
