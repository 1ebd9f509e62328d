import asyncio
import time

from shared import metrics
from shared.loop_lag import EVERY_S, LoopLag


def late_by(seconds: float) -> float:
    """How many wake-ups were later than that."""
    buckets = {
        sample.labels["le"]: sample.value
        for family in metrics.LOOP_LAG_S.collect()
        for sample in family.samples
        if sample.name.endswith("_bucket")
    }
    return buckets["+Inf"] - buckets[str(seconds)]


async def test_a_coroutine_that_does_not_give_way_is_seen():
    before = late_by(0.1)
    lag = asyncio.create_task(LoopLag().run())
    await asyncio.sleep(0)
    time.sleep(EVERY_S + 0.2)  # noqa: ASYNC251 -- the fault that is to be seen
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    lag.cancel()
    await asyncio.gather(lag, return_exceptions=True)
    assert late_by(0.1) > before


async def test_a_loop_that_is_held_up_by_its_own_doing_is_blocked_and_one_that_is_not_is_free():
    lag = LoopLag()
    looking = asyncio.create_task(lag.run())
    while lag.looks < 2:
        await asyncio.sleep(EVERY_S)
    free = lag.blocked
    time.sleep(3 * EVERY_S)  # noqa: ASYNC251 what is measured
    looks = lag.looks
    while lag.looks == looks:
        await asyncio.sleep(EVERY_S)
    looking.cancel()
    assert lag.blocked == free + 1
