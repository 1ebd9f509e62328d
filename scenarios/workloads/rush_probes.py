"""What a list costs the database when it is asked for one at a time and for many: the server's own counters tell."""

import asyncio
from typing import Final

import msgspec

from scenarios import counters
from scenarios.checkers.constant_queries import grows
from scenarios.fleet import Fleet
from scenarios.workloads.market import Person

READERS: Final = 2
SIZES: Final = (1, 20)
LOOKS_MAX: Final = 3
"""How often a list is measured that seems to cost more for many. Whatever else the database does only adds to a cost,
and the server tells of it up to ten seconds late, so the least counts."""


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
    """Transactions per request of each list at each size, the least of what was measured."""
    found: dict[str, float] = {}
    for asked in lists:
        for _ in range(LOOKS_MAX):
            for size, person in zip(SIZES, (asked.few, asked.many), strict=True):
                name = f"{asked.name}: {size}"
                cost = await _cost(
                    fleet, asked.service, asked.path.format(size=size), person, seconds=seconds, pause_s=asked.pause_s
                )
                found[name] = min(cost, found.get(name, cost))
            if not grows(*(found[f"{asked.name}: {size}"] for size in SIZES)):
                break
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
