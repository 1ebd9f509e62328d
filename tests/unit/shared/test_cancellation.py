"""Background tasks end, also those that lose a cancellation."""

import asyncio

from shared import cancellation


async def deaf(times: int, heard: list[str]) -> None:
    """Goes on after its first `times` cancellations, as a loop does whose library loses one."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("lost")
    await asyncio.Event().wait()


async def test_a_lost_cancellation_comes_again(monkeypatch):
    monkeypatch.setattr(cancellation, "AGAIN_S", 0.01)
    heard: list[str] = []
    tasks = [asyncio.create_task(deaf(times, heard)) for times in (0, 1, 2)]
    await asyncio.sleep(0)
    await cancellation.cancel_all(tasks)
    assert [task.cancelled() for task in tasks] == [True, True, True]
    assert heard == ["lost"] * 3


async def test_tasks_that_are_over_and_no_tasks_are_nothing_to_wait_for():
    over = asyncio.create_task(asyncio.sleep(0))
    await over
    await cancellation.cancel_all([over])
    await cancellation.cancel_all([])
    assert not over.cancelled()
