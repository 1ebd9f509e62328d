"""Dead letters applied again while the consumer goes on: nothing stays parked behind a letter that was redriven."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

from shared.contracts.auth import UserDeleted
from tests.support.services import envelope, until

USER = uuid4()


def change(version, user=USER):
    return envelope(UserDeleted(user_id=user), user, version)


async def refuse(_):
    raise ValueError("a bug in the handler")


async def accept(_): ...


@asynccontextmanager
async def held(bench, which):
    """The handler stops at the event meant until the block ends; gives the sign that it has reached it."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def stop_at(event):
        if which(event):
            begun.set()
            await go_on.wait()

    bench.react = stop_at
    try:
        yield begun
    finally:
        go_on.set()


async def test_letters_are_applied_in_order_once_the_cause_is_mended(consumer):
    async with consumer as bench:
        bench.react = refuse
        await bench.publish(change(1), change(2), change(3))
        await until(lambda: _equal(bench, [(1, False), (2, True), (3, True)]))
        assert await bench.runner.redrive(letters_max=100) == (0, 3)
        bench.react = accept
        assert await bench.runner.redrive(letters_max=100) == (3, 0)
        assert bench.versions == [1, 2, 3]
        assert await bench.runner.redrive(letters_max=100) == (0, 0)


async def test_letters_from_before_a_moment_are_left_alone(consumer):
    async with consumer as bench:
        bench.react = refuse
        await bench.publish(change(1))
        await until(lambda: _equal(bench, [(1, False)]))
        async with bench.database.acquire() as connection:
            moment = await connection.fetchval("SELECT clock_timestamp()")
        await bench.publish(change(2, user=uuid4()))
        await until(lambda: _equal(bench, [(1, False), (2, False)]))
        bench.react = accept
        assert await bench.runner.redrive(letters_max=100, since=moment) == (1, 0)
        await until(lambda: _equal(bench, [(1, False)]))


async def test_a_letter_that_was_ticked_off_unread_is_open_again_once_it_is_read_again(consumer):
    async with consumer as bench:
        bench.react = refuse
        await bench.publish(change(1), change(2, user=uuid4()))
        await until(lambda: _equal(bench, [(1, False), (2, False)]))
        bench.react = accept
        await bench.runner.redrive(letters_max=1)
        bench.react = refuse
        async with bench.database.begin() as uow:
            await uow.connection.execute("UPDATE dead_letters SET redriven_at = now()")
        assert await bench.runner.rewind(records_max=2) == 2
        await until(lambda: _equal(bench, [(2, False)]))


async def test_an_event_that_comes_during_the_redrive_waits_for_it(consumer):
    async with consumer as bench:
        bench.react = refuse
        await bench.publish(change(1))
        await until(lambda: _equal(bench, [(1, False)]))
        async with asyncio.TaskGroup() as tasks, held(bench, lambda event: event.aggregate_version == 1) as begun:
            redrive = tasks.create_task(bench.runner.redrive(letters_max=100))
            await begun.wait()
            await bench.publish(change(2))
            await until(lambda: _waiting_for_a_lock(bench))
        assert redrive.result() == (1, 0)
        await until(lambda: bench.versions == [1, 2])
        assert await bench.letters() == []


async def test_what_was_parked_while_the_redrive_began_is_redriven_too(consumer):
    async with consumer as bench:
        bench.react = refuse
        await bench.publish(change(1))
        await until(lambda: _equal(bench, [(1, False)]))
        other = uuid4()
        async with asyncio.TaskGroup() as tasks, held(bench, lambda event: event.aggregate_id == str(other)) as begun:
            await bench.publish(change(2), change(7, other))  # one transaction: 2 is parked in it, 7 keeps it open
            await begun.wait()
            assert await bench.letters() == [(1, False)]
            redrive = tasks.create_task(bench.runner.redrive(letters_max=100))
            await until(lambda: _waiting_for_a_lock(bench))
        assert redrive.result() == (2, 0)
        assert await bench.letters() == []
        assert [version for version in bench.versions if version != 7] == [1, 2]


async def test_two_redrives_at_once_apply_each_letter_once(consumer):
    async with consumer as bench:
        bench.react = refuse
        await bench.publish(*(change(1, uuid4()) for _ in range(3)))
        await until(lambda: _equal(bench, [(1, False)] * 3))
        bench.react = accept
        both = await asyncio.gather(*(bench.runner.redrive(letters_max=100) for _ in range(2)))
        assert sum(done.applied for done in both) == 3
        assert len(bench.versions) == 3


async def test_a_letter_that_fails_again_keeps_its_followers_and_no_others(consumer):
    async with consumer as bench:
        bench.react = refuse
        healthy = uuid4()
        await bench.publish(change(1), change(2), change(9, healthy))
        await until(lambda: _equal(bench, [(1, False), (2, True), (9, False)]))

        async def refuse_one(event):
            if event.aggregate_id == str(USER):
                raise ValueError("still a bug")

        bench.react = refuse_one
        assert await bench.runner.redrive(letters_max=100) == (1, 2)
        assert bench.versions == [9]
        assert await bench.letters() == [(1, False), (2, True)]


async def _equal(bench, letters):
    return await bench.letters() == letters


async def _waiting_for_a_lock(bench):
    async with bench.database.acquire() as connection:
        return await connection.fetchval(
            "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid() "
            "AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
        )
