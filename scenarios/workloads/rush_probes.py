"""What a list costs the database when it is asked for one at a time and for many: the server's own counters tell."""

import asyncio
from typing import Final

import msgspec

from scenarios import counters
from scenarios.fleet import Fleet
from scenarios.workloads.market import Person

READERS: Final = 2
SIZES: Final = (1, 20)


class Asked(msgspec.Struct, frozen=True):
    """One list: whose database works for it, and the path; of `few` it shows one entry, of `many` many."""

    name: str
    service: str
    path: str
    few: Person
    many: Person
    pause_s: float = 0.0
    """Between two requests of a reader: what is a customer's own is limited per customer."""


async def queries_of(fleet: Fleet, lists: tuple[Asked, ...], *, seconds: float) -> dict[str, float]:
    """Transactions per request of each list at each size."""
    found: dict[str, float] = {}
    for asked in lists:
        for size, person in zip(SIZES, (asked.few, asked.many), strict=True):
            path = asked.path.format(size=size)
            found[f"{asked.name}: {size}"] = await _cost(
                fleet, asked.service, path, person, seconds=seconds, pause_s=asked.pause_s
            )
    return found


async def _cost(
    fleet: Fleet, service: str, path: str, person: Person, *, seconds: float, pause_s: float = 0.0
) -> float:
    before = await counters.transactions(fleet, service)
    until = asyncio.get_running_loop().time() + seconds
    asked = sum(
        await asyncio.gather(*(_read_again(fleet, path, person, until=until, pause_s=pause_s) for _ in range(READERS)))
    )
    after = await counters.transactions(fleet, service)
    return round((after - before) / max(1, asked), 2)


async def _read_again(fleet: Fleet, path: str, person: Person, *, until: float, pause_s: float) -> int:
    """Ask for one list after the other until that moment of the loop's clock; gives how often."""
    asked = 0
    while asyncio.get_running_loop().time() < until:
        await _read(fleet, path, person)
        asked += 1
        await asyncio.sleep(pause_s)
    return asked


async def _read(fleet: Fleet, path: str, person: Person) -> bytes:
    """Raises aiohttp.ClientError when it is refused."""
    headers = {"Authorization": f"Bearer {person.access_token}"}
    async with fleet.http.get(f"{fleet.gateway_url}/api/v1{path}", headers=headers) as answer:
        answer.raise_for_status()
        return await answer.read()
