"""When faults are due: each cue calls back once, when it comes, and never after the load."""

import asyncio

import pytest

from scenarios.cues import After, AtShare, Cues, OnSignal


@pytest.fixture
def came() -> list[str]:
    return []


def test_a_share_of_the_work_comes_once_when_it_is_reached_or_passed(came: list[str]) -> None:
    cues = Cues()
    cues.at(AtShare(0.5), lambda: came.append("half"))
    cues.done(0.4)
    assert came == []
    cues.done(0.6)
    cues.done(0.7)
    assert came == ["half"]


def test_a_signal_comes_once_and_only_by_its_name(came: list[str]) -> None:
    cues = Cues()
    cues.at(OnSignal("paid"), lambda: came.append("paid"))
    cues.signal("shipped")
    assert came == []
    cues.signal("paid")
    cues.signal("paid")
    assert came == ["paid"]


def test_all_that_wait_for_one_cue_are_called_in_order(came: list[str]) -> None:
    cues = Cues()
    for name in ("a", "b"):
        cues.at(AtShare(0.2), lambda name=name: came.append(name))
    cues.done(1.0)
    assert came == ["a", "b"]


async def test_seconds_count_from_the_beginning_of_the_load(came: list[str]) -> None:
    cues = Cues()
    fired = asyncio.Event()
    cues.at(After(0.01), fired.set)
    await asyncio.sleep(0.02)
    assert not fired.is_set()
    cues.begin()
    async with asyncio.timeout(5.0):
        await fired.wait()


async def test_after_the_load_nothing_is_due_any_more(came: list[str]) -> None:
    cues = Cues()
    cues.at(After(0.001), lambda: came.append("late"))
    cues.at(OnSignal("paid"), lambda: came.append("late"))
    cues.begin()
    cues.end()
    cues.signal("paid")
    await asyncio.sleep(0.01)
    assert came == []


@pytest.mark.parametrize(
    ("cue", "words"),
    [(After(2.5), "after 2.5 s"), (AtShare(0.4), "at 40% of the work"), (OnSignal("paid"), "on paid")],
)
def test_a_cue_is_readable(cue: After | AtShare | OnSignal, words: str) -> None:
    assert str(cue) == words
