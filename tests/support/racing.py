"""Many requests that begin at one moment, spread over two instances of a service."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any

from tests.support.engines import EngineUrls
from tests.support.services import Served, database_of, served

AT_ONCE = 50
Answer = tuple[int, Any]


async def race(
    on: Sequence[Served], request: Callable[[Served, int], Awaitable[Answer]], *, of: int = AT_ONCE
) -> list[Answer]:
    """The answers to `request(instance, n)` for so many numbers, all begun together; none may be a failure of ours."""
    begun = asyncio.Event()

    async def one(instance: Served, n: int) -> Answer:
        await begun.wait()
        return await request(instance, n)

    asked = [asyncio.create_task(one(instance, n)) for instance, n in zip(cycle(on), range(of))]
    await asyncio.sleep(0)
    begun.set()
    answers = await asyncio.gather(*asked)
    failed = [answer for answer in answers if answer[0] >= 500]
    assert not failed, failed[0]
    return answers


@asynccontextmanager
async def pair(engines: EngineUrls, service: str, prefix: str, **settings: Any) -> AsyncIterator[tuple[Served, Served]]:
    """Two instances of a service on one database."""
    async with (
        database_of(engines, service) as url,
        served(engines, service, prefix=prefix, **{**settings, "database_url": url}) as one,
        served(
            engines, service, prefix=prefix, **{**settings, "database_url": url, "instance": f"{service}-2"}
        ) as other,
    ):
        yield one, other
