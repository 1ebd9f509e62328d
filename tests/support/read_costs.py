"""What every route that reads costs in statements, for one row, ten and a hundred: asked of the running service."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg

from shared.pagination import PAGE_SIZE_MAX
from tests.support.apps import BEHIND, built
from tests.support.engines import EngineUrls
from tests.support.multiplying import every_row, multiply
from tests.support.reading import SEEDS, Seeded, beside
from tests.support.services import Served, database_of, served
from tests.support.statements import API_ONLY, noted_beside_the_orm, noted_statements

STATEMENTS_MAX = 6
SIZES = (1, 10, 100)
LIMITS = {"search /api/v1/search": 50}
"""The longest page where it is not the usual one."""
UUID_LENGTH = 36
FRAME = ("BEGIN", "COMMIT", "ROLLBACK")
HEARTBEAT = "SELECT 1"


class Cost(NamedTuple):
    """What one read answered, how long its longest list was, and the statements it took."""

    status: int
    rows: int
    statements: list[str]
    answer: Any


Costs = dict[str, list[Cost]]
"""Path → its cost at each of SIZES."""


def reads(service: str) -> dict[str, Any]:
    """Path → what the service's own document says of its GET."""
    document: dict[str, Any] = built(service).openapi_schema.to_schema()
    return {path: of["get"] for path, of in document["paths"].items() if "get" in of}


ROUTES = [(service, path) for service in BEHIND for path in sorted(reads(service))]


async def costs_of(
    engines: EngineUrls, service: str, *, paths: Callable[[str], bool] = bool, is_seeded: bool = True
) -> Costs:
    """Every read of the service, of those whose path is asked for; without its rows unless `is_seeded`."""
    costs: Costs = {path: [] for path in reads(service) if paths(path)}
    seeded, made = Seeded(), 1
    originals: dict[str, list[Any]] = {}
    async with database_of(engines, service) as url:
        connection = await asyncpg.connect(url)
        with noted_statements() as statements, noted_beside_the_orm(statements):
            for size in SIZES:
                prefix = f"reads{uuid4().hex[:10]}."  # one of its own for each, so that nothing is remembered
                async with (
                    beside(engines, service, prefix) as where,
                    served(engines, service, prefix=prefix, **{**API_ONLY, "database_url": url, **where}) as opened,
                ):
                    if is_seeded:
                        if size == SIZES[0]:
                            await SEEDS[service](opened, connection, seeded)
                            originals = await every_row(connection)
                        await multiply(connection, originals, range(made, size), *_kept(seeded))
                        made = size
                        for statement, *more in seeded.grow:
                            await connection.execute(statement, size, *more)
                        if seeded.ready:
                            await seeded.ready(opened)
                    values = {name: await _value(connection, it) for name, it in seeded.values.items()}
                    for path, found in costs.items():
                        target = _target(service, path, values)
                        with statements.counted() as seen:
                            status, answer = await _read(opened, target, seeded)
                        asked = [it for it in seen if not it.startswith(FRAME) and it != HEARTBEAT]
                        found.append(Cost(status, rows_in(answer), asked, answer))
        await connection.close()
    return costs


def rows_in(answer: Any) -> int:
    """How many entries the longest list of an answer has; a paper has its lines."""
    if isinstance(answer, str):
        return answer.count("\n")
    own = len(answer) if isinstance(answer, list) else 0
    return max([own, *map(rows_in, _parts(answer))])


def has_list(answer: Any) -> bool:
    """Whether there could be entries."""
    if isinstance(answer, str):
        return "\n" in answer
    return isinstance(answer, list) or any(map(has_list, _parts(answer)))


def objections(costs: list[Cost], *, as_many: bool = False, bounded: bool = False) -> list[str]:
    """What is wrong with the costs of one route at SIZES, and nothing for one that reads as it should.

    `as_many`: its list does not grow with the rows; `bounded`: it ends at a rule's limit before a hundred.
    """
    first, second, last = (cost.rows for cost in costs)
    lists, grows = has_list(costs[-1].answer), 0 < first < second <= last
    wrong: list[str] = []
    if any(cost.status != 200 for cost in costs):
        wrong.append(f"nothing to read, seed it in tests/support/reading.py: {[cost.answer for cost in costs]}")
    elif lists and not as_many and not (grows and (bounded or last >= SIZES[-1])):
        wrong.append(f"no rows to list, seed one in tests/support/reading.py: {first, second, last}")
    elif as_many and (not lists or grows):
        wrong.append(f"an exception that nothing needs: {first, second, last}")
    if len({len(cost.statements) for cost in costs}) > 1:
        wrong.append(f"costs more the more there is: {[cost.statements for cost in costs]}")
    if max(len(cost.statements) for cost in costs) > STATEMENTS_MAX:
        wrong.append(f"costs more than {STATEMENTS_MAX} statements: {costs[-1].statements}")
    return wrong


def _parts(answer: Any) -> Iterable[Any]:
    return answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ()


def _kept(seeded: Seeded) -> list[set[str]]:
    """Which ids copies share with their originals: none, the customer's, all, and those of each thing alone."""
    own = {seeded.caller.subject}
    things = {it for it in seeded.values.values() if len(it) == UUID_LENGTH}
    return [set(), own, own | things, *(own | {one} for one in sorted(things - own))]


async def _read(opened: Served, target: str, seeded: Seeded) -> tuple[int, Any]:
    """Status and answer; papers and pages are text."""
    headers = {**opened.headers(seeded.caller), **seeded.headers}
    async with opened.http.get(opened.url + target, headers=headers) as answer:
        return answer.status, await (answer.json() if answer.content_type.endswith("json") else answer.text())


async def _value(connection: asyncpg.Connection, value: str) -> str:
    if not value.startswith("SELECT"):
        return value
    return ",".join(str(it) for (it,) in (await connection.fetch(f"{value} LIMIT {PAGE_SIZE_MAX}")))


def _target(service: str, path: str, values: dict[str, str]) -> str:
    named = {it["name"]: it for it in reads(service)[path].get("parameters", ())}
    asked = {name: values[name] for name, it in named.items() if it["in"] == "query" and values.get(name)}
    if "limit" in named:
        asked["limit"] = str(LIMITS.get(f"{service} {path}", PAGE_SIZE_MAX))
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return path.format_map({**dict.fromkeys(named, "-"), **values}) + (f"?{query}" if query else "")
