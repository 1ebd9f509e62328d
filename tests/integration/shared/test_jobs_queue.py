import asyncio
from contextlib import asynccontextmanager

import pytest

from shared.errors import RedisUnavailableError
from shared.jobs_queue import JobBoard, JobGivenUpError, JobKind, JobQueue, JobUnknown, JobWorker
from tests.support.services import until

QUICK = JobKind(name="quick", timeout_s=2, retry_first_s=0.01, retry_max_s=0.02)
BRIEF = JobKind(name="brief", timeout_s=1, retry_first_s=0.01, retry_max_s=0.02)


@asynccontextmanager
async def queue_of(redis_url, prefix):
    queue = JobQueue(redis_url, prefix=prefix, service="shop")
    await queue.open()
    try:
        yield queue
    finally:
        await queue.close()


@asynccontextmanager
async def at_work(queue, run, kind=QUICK, **more):
    worker = JobWorker(queue, {kind: run}, at_once_max=2, **more)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()


class Runs:
    """A job that goes wrong as often as it is told to."""

    def __init__(self, *, wrong=0, error=RuntimeError):
        self.subjects = []
        self._wrong = wrong
        self._error = error

    async def __call__(self, subject):
        self.subjects.append(subject)
        if len(self.subjects) <= self._wrong:
            raise self._error("planned")


@asynccontextmanager
async def board_of(redis_url, prefix):
    async with JobBoard(redis_url, prefix=prefix, services=["shop"]) as board:
        yield board


async def test_a_job_runs_once_and_leaves_nothing_behind(redis_url, prefix):
    runs = Runs()
    async with queue_of(redis_url, prefix) as queue, board_of(redis_url, prefix) as board:
        assert await queue.enqueue(QUICK, "a", subject="a")
        assert not await queue.enqueue(QUICK, "a", subject="a"), "the first is still wanted"
        (row,) = await board.rows()
        assert (row.service, row.kind, row.state, row.is_open) == ("shop", "quick", "waiting", True)
        async with at_work(queue, runs):
            await until(lambda: _empty(board))
        assert runs.subjects == ["a"]


async def test_a_job_that_fails_is_tried_again(redis_url, prefix):
    runs = Runs(wrong=2)
    async with queue_of(redis_url, prefix) as queue, board_of(redis_url, prefix) as board, at_work(queue, runs):
        await queue.enqueue(QUICK, subject="a")
        await until(lambda: len(runs.subjects) == 3)
        await until(lambda: _empty(board))


@pytest.mark.parametrize(("error", "attempts"), [(RuntimeError, 3), (JobGivenUpError, 1)])
async def test_what_keeps_failing_is_a_dead_job_that_can_be_retried(redis_url, prefix, error, attempts):
    runs = Runs(wrong=attempts, error=error)
    async with queue_of(redis_url, prefix) as queue, board_of(redis_url, prefix) as board, at_work(queue, runs):
        await queue.enqueue(QUICK, subject="a")
        (dead,) = await until(lambda: _in_state(board, "dead"))
        assert (dead.attempts, dead.is_open, "planned" in dead.error) == (attempts, False, True)
        assert len(runs.subjects) == attempts
        again = await board.retry(dead.key)
        assert (again.attempts, again.attempts_max, again.error) == (0, QUICK.attempts_max, None)
        await until(lambda: _empty(board))
        assert len(runs.subjects) == attempts + 1


async def test_a_dead_job_can_be_dropped_and_others_cannot(redis_url, prefix):
    runs = Runs(wrong=1, error=JobGivenUpError)
    async with queue_of(redis_url, prefix) as queue, board_of(redis_url, prefix) as board:
        async with at_work(queue, runs):
            await queue.enqueue(QUICK, subject="a")
            (dead,) = await until(lambda: _in_state(board, "dead"))
        await board.drop(dead.key)
        assert await board.rows() == []
        await queue.enqueue(QUICK, subject="b")
        (waiting,) = await board.rows()
        for refused in (board.drop, board.retry):
            with pytest.raises(JobUnknown):
                await refused(waiting.key)


async def test_a_dead_job_that_somebody_wanted_again_meanwhile_is_none_to_drop_or_retry(redis_url, prefix):
    runs = Runs(wrong=1, error=JobGivenUpError)
    async with queue_of(redis_url, prefix) as queue, board_of(redis_url, prefix) as board:
        async with at_work(queue, runs):
            await queue.enqueue(QUICK, subject="a")
            (dead,) = await until(lambda: _in_state(board, "dead"))
        assert await queue.enqueue(QUICK, subject="b")
        for refused in (board.drop, board.retry):
            with pytest.raises(JobUnknown):
                await refused(dead.key)
        async with at_work(queue, runs):
            await until(lambda: _empty(board))
    assert runs.subjects == ["a", "b"]


async def test_a_sweep_leaves_alone_what_a_worker_took_this_moment(redis_url, prefix):
    async with queue_of(redis_url, prefix) as queue, board_of(redis_url, prefix) as board:
        await queue.enqueue(QUICK, "a", subject="a")
        job = await queue.saq.dequeue(timeout=1.0)
        assert await queue.saq.sweep() == []
        (row,) = await board.rows()
        assert (row.state, await queue.saq.count("queued"), await queue.saq.count("active")) == ("waiting", 0, 1)
        await queue.saq.update(job, status="active")
        assert await queue.saq.sweep() == [], "its worker lives, for the job has changed"
        await queue.saq.finish(job, "complete")
        assert await _empty(board)


async def test_what_was_taken_and_never_started_is_swept_at_the_second_sight(redis_url, prefix):
    runs = Runs()
    async with queue_of(redis_url, prefix) as queue, board_of(redis_url, prefix) as board:
        await queue.enqueue(QUICK, "a", subject="a")
        job = await queue.saq.dequeue(timeout=1.0)
        assert [await queue.saq.sweep(), await queue.saq.sweep()] == [[], [job.id]]
        async with at_work(queue, runs):
            await until(lambda: _empty(board))
    assert runs.subjects == ["a"]


async def test_a_job_that_kills_every_worker_is_a_dead_job_in_the_end(redis_url, prefix):
    async with queue_of(redis_url, prefix) as queue, board_of(redis_url, prefix) as board:
        await queue.enqueue(QUICK, "a", subject="a")
        for attempt in range(1, QUICK.attempts_max + 1):
            job = await queue.saq.dequeue(timeout=1.0)
            job.attempts, job.started = attempt, 1
            await queue.saq.update(job, status="active")
            assert [await queue.saq.sweep(), await queue.saq.sweep()] == [[], [job.id]]
        (dead,) = await board.rows()
        assert (dead.state, dead.attempts, dead.error) == ("dead", 3, "its worker died")
        assert await queue.saq.dequeue(timeout=0.1) is None


async def test_a_job_whose_worker_was_killed_is_swept_and_done_by_another(redis_url, prefix):
    started = asyncio.Event()
    done = []

    async def hangs(subject):
        started.set()
        await asyncio.Event().wait()

    async def works(subject):
        done.append(subject)

    async with queue_of(redis_url, prefix) as queue, board_of(redis_url, prefix) as board:
        await queue.enqueue(BRIEF, "a", subject="a")
        # what a killed process leaves: the job among the active ones, started, and nobody at it
        job = await queue.saq.dequeue(timeout=1.0)
        job.attempts, job.started = 1, 1
        await queue.saq.update(job, status="active")
        async with at_work(queue, works, kind=BRIEF):
            await until(lambda: done)
            await until(lambda: _empty(board))
    assert done == ["a"]


async def test_a_job_that_hangs_ends_with_its_time(redis_url, prefix):
    calls = []

    async def hangs_first(subject):
        calls.append(subject)
        if len(calls) == 1:
            await asyncio.Event().wait()

    async with (
        queue_of(redis_url, prefix) as queue,
        board_of(redis_url, prefix) as board,
        at_work(queue, hangs_first, kind=BRIEF),
    ):
        await queue.enqueue(BRIEF, "a", subject="a")
        await until(lambda: len(calls) == 2)
        await until(lambda: _empty(board))


async def test_a_timetable_is_no_open_work(redis_url, prefix):
    async def tick():
        raise AssertionError("not this year")

    async with queue_of(redis_url, prefix) as queue, board_of(redis_url, prefix) as board:
        async with at_work(queue, tick, crons={QUICK: "0 0 29 2 *"}):
            (row,) = await until(board.rows)
        assert (row.state, row.is_open, row.due_at > 0) == ("scheduled", False, True)


async def test_a_timetable_goes_on_beside_its_dead_job_and_that_can_be_retried(redis_url, prefix):
    runs = Runs(wrong=1, error=JobGivenUpError)

    async def tick():
        await runs("tick")

    async with (
        queue_of(redis_url, prefix) as queue,
        board_of(redis_url, prefix) as board,
        at_work(queue, tick, crons={QUICK: "* * * * * *"}),
    ):
        (dead,) = await until(lambda: _in_state(board, "dead"))
        await until(lambda: len(runs.subjects) >= 3)
        assert [row.key for row in await _in_state(board, "dead")] == [dead.key]
        assert (await board.retry(dead.key)).state == "waiting"
        await until(lambda: _none_in_state(board, "dead"))


async def test_a_worker_outlives_the_loss_of_redis(own_redis, prefix):
    runs = Runs()
    async with queue_of(own_redis.url, prefix) as queue, at_work(queue, runs):
        await queue.enqueue(QUICK, "a", subject="a")
        await until(lambda: runs.subjects == ["a"])
        own_redis.stop()
        with pytest.raises(RedisUnavailableError):
            await queue.enqueue(QUICK, "b", subject="b")
        own_redis.start()
        await until(lambda: _enqueued(queue))
        await until(lambda: "c" in runs.subjects)


async def _enqueued(queue):
    try:
        return await queue.enqueue(QUICK, "c", subject="c")
    except RedisUnavailableError:
        return False


async def _empty(board):
    return not await board.rows()


async def _in_state(board, state):
    return [row for row in await board.rows() if row.state == state]


async def _none_in_state(board, state):
    return not await _in_state(board, state)
