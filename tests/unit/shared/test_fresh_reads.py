import asyncio

import pytest

from shared.fresh_reads import FreshReads


class Shop:
    """Counts reads, and lets each one wait until it is told to go on."""

    def __init__(self) -> None:
        self.price = 1
        self.reads = 0
        self.go_on = asyncio.Event()

    async def load(self, _key: str) -> int:
        self.reads += 1
        price = self.price
        await self.go_on.wait()
        if price < 0:
            raise LookupError
        return price


async def asked(reads, times=1):
    tasks = [asyncio.create_task(reads.get("A")) for _ in range(times)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_nobody_gets_what_was_read_before_he_asked():
    shop = Shop()
    reads = FreshReads(shop.load)
    first = await asked(reads)
    shop.price = 2
    later = await asked(reads, 50)
    shop.go_on.set()
    assert await asyncio.gather(*first) == [1]
    assert set(await asyncio.gather(*later)) == {2}
    assert shop.reads == 2


async def test_a_failed_read_fails_those_who_shared_it_and_no_others():
    shop = Shop()
    reads = FreshReads(shop.load)
    shop.price = -1
    failing = await asked(reads, 2)
    shop.price = 3
    following = await asked(reads)
    shop.go_on.set()
    for task in failing:
        with pytest.raises(LookupError):
            await task
    assert await asyncio.gather(*following) == [3]


async def test_one_who_leaves_does_not_take_the_read_from_the_others():
    shop = Shop()
    reads = FreshReads(shop.load)
    one, other = await asked(reads, 2)
    one.cancel()
    shop.go_on.set()
    assert await other == 1
