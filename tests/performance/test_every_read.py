"""What every route that reads costs in statements: the same for 1, 10 and 100 rows, and never more than six.

Routes come from each service's OpenAPI document, rows from one of each kind multiplied (tests/support/multiplying.py).
A route that nobody gave a row fails and says so.
"""

from typing import Any

import asyncpg
import pytest
import uvloop

from shared.pagination import PAGE_SIZE_MAX
from tests.support.apps import BEHIND, built
from tests.support.multiplying import every_row, multiply
from tests.support.reading import SEEDS, Seeded, beside
from tests.support.services import Served, database_of, served
from tests.support.statements import API_ONLY, noted_beside_the_orm, noted_statements

STATEMENTS_MAX = 6
UUID_LENGTH = 36
SIZES = (1, 10, 100)
LIMITS = {"/api/v1/search": 50}
FRAME = ("BEGIN", "COMMIT", "ROLLBACK")
HEALTH = "SELECT 1"
"""The heartbeat's own look at the database."""
AS_MANY = {
    "auth /.well-known/jwks.json": "as many as there are keys that still verify",
    "auth /api/v1/auth/me": "the roles of one person",
    "auth /api/v1/auth/totp": "one factor",
    "auth /api/v1/users/{user_id}": "the roles of one person",
    "payments /api/v1/reconciliations/{report_id}": "one document, kept whole",
    "payments /internal/reconciliation/latest": "one document, kept whole",
    "notifications /api/v1/notifications/unsubscribe/{token}": "a page of a few lines",
    "notifications /api/v1/notifications/templates/{template}/preview": "the lines of one letter",
    "search /api/v1/search": "asks Elasticsearch alone",
    "search /api/v1/search/suggest": "asks Elasticsearch alone",
    "shipping /api/v1/shipping/quotes/{quote_id}": "the goods of one quote",
    "shipping /internal/quotes/{quote_id}": "the goods of one quote",
    "shipping /api/v1/shipping/rate-table": "the first table has more rates than a page",
    "shipping /api/v1/shipping/rates": "one offer for each method and carrier",
    "notifications /api/v1/notifications/preferences": "one entry for each topic and channel",
    "notifications /api/v1/notifications/templates": "as many as there are kinds of letters",
    "analytics /api/v1/reports/funnel": "the stages of an order",
    "analytics /api/v1/reports/orders": "the states of an order",
    "analytics /internal/projections": "one for each projection",
}
"""Routes whose answer has a list that does not grow with the rows, and why."""
BOUNDED = {
    "auth /api/v1/auth/api-keys": "twenty keys",
    "auth /api/v1/auth/sessions": "fifty sessions",
    "catalog /api/v1/products/{reference}/related": "twenty products",
    "payments /api/v1/payment-methods": "ten methods",
    "analytics /api/v1/reports/cohorts": "twenty-four months",
}
"""Routes whose list ends at a rule's limit before a hundred."""


def reads(service: str) -> dict[str, Any]:
    """Path → what the document says of its GET."""
    document: dict[str, Any] = built(service).openapi_schema.to_schema()
    return {path: of["get"] for path, of in document["paths"].items() if "get" in of}


ROUTES = [(service, path) for service in BEHIND for path in sorted(reads(service))]


class Costs(dict[tuple[str, int], tuple[int, int, list[str], Any]]):
    """Path and size → status, rows shown, statements, answer."""


def rows_in(answer: Any) -> int:
    """How many entries all lists of an answer have together."""
    if isinstance(answer, dict):
        return sum(map(rows_in, answer.values()))
    if isinstance(answer, str):
        return answer.count("\n")
    return len(answer) + sum(map(rows_in, answer)) if isinstance(answer, list) else 0


def has_list(answer: Any) -> bool:
    """Whether there could be entries; a paper has its lines."""
    if isinstance(answer, dict):
        return any(map(has_list, answer.values()))
    return isinstance(answer, list) or (isinstance(answer, str) and "\n" in answer)


async def _costs(engines: Any, service: str) -> Costs:
    costs, seeded, made = Costs(), Seeded(), 1
    originals: dict[str, list[Any]] = {}
    async with database_of(engines, service) as url:
        connection = await asyncpg.connect(url)
        with noted_statements() as statements, noted_beside_the_orm(statements):
            for size in SIZES:  # each with a prefix of its own, so that nothing is remembered
                prefix = f"read-{service}-{size}."
                async with (
                    beside(engines, service, prefix) as where,
                    served(engines, service, prefix=prefix, **{**API_ONLY, "database_url": url, **where}) as opened,
                ):
                    if size == SIZES[0] and service in SEEDS:
                        await SEEDS[service](opened, connection, seeded)
                        originals = await every_row(connection)
                    own = {seeded.caller.subject}
                    things = {it for it in seeded.values.values() if len(it) == UUID_LENGTH}
                    parents = [own | {one} for one in sorted(things - own)]
                    await multiply(connection, originals, range(made, size), set(), own, own | things, *parents)
                    made = size
                    for statement, *more in seeded.grow:
                        await connection.execute(statement, size, *more)
                    values = {name: await _value(connection, it) for name, it in seeded.values.items()}
                    for path, operation in reads(service).items():
                        target = _target(path, operation, values)
                        with statements.counted() as seen:
                            status, answer = await _read(opened, target, seeded)
                        asked = [it for it in seen if not it.startswith(FRAME) and it != HEALTH]
                        costs[path, size] = (status, rows_in(answer), asked, answer)
        await connection.close()
    return costs


async def _read(opened: Served, target: str, seeded: Seeded) -> tuple[int, Any]:
    """Status and answer; papers and pages are text."""
    headers = {**opened.headers(seeded.caller), **seeded.headers}
    async with opened.http.get(opened.url + target, headers=headers) as answer:
        return answer.status, await (answer.json() if answer.content_type.endswith("json") else answer.text())


async def _value(connection: asyncpg.Connection, value: str) -> str:
    if not value.startswith("SELECT"):
        return value
    return ",".join(str(it) for (it,) in (await connection.fetch(f"{value} LIMIT {PAGE_SIZE_MAX}")))


def _target(path: str, operation: Any, values: dict[str, str]) -> str:
    named = {it["name"]: it for it in operation.get("parameters", ())}
    asked = {name: values[name] for name, it in named.items() if it["in"] == "query" and values.get(name)}
    if "limit" in named:
        asked["limit"] = str(LIMITS.get(path, PAGE_SIZE_MAX))
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return path.format_map({**dict.fromkeys(named, "-"), **values}) + (f"?{query}" if query else "")


@pytest.fixture(scope="module")
def measured(engines):
    known: dict[str, Costs] = {}

    def of(service: str) -> Costs:
        if service not in known:
            known[service] = uvloop.run(_costs(engines, service))
        return known[service]

    return of


@pytest.mark.parametrize(
    ("service", "path"),
    [
        pytest.param(service, path, marks=pytest.mark.service(service), id=f"{service} {path}")
        for service, path in ROUTES
    ],
)
def test_a_read_costs_the_same_few_statements_however_much_there_is(measured, service, path):
    costs = measured(service)
    statuses, rows, asked, answers = zip(*(costs[path, size] for size in SIZES), strict=True)
    assert set(statuses) == {200}, f"{service} {path}: nothing to read, seed it in tests/support/reading.py: {answers}"
    counts = [len(it) for it in asked]
    route = f"{service} {path}"
    if has_list(answers[-1]) and route not in AS_MANY:
        grows = rows[0] < rows[1] <= rows[2] if route in BOUNDED else rows[0] < rows[1] < rows[2]
        assert grows, f"{route}: no rows to list, seed one in tests/support/reading.py: {rows}"
    assert len(set(counts)) == 1, asked
    assert counts[0] <= STATEMENTS_MAX, asked[0]
