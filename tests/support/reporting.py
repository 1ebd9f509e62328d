"""Analytics' event store and figures, filled and followed step by step."""

from datetime import UTC

from svc.analytics import handlers
from svc.analytics.store import days, events

VIEWS = (
    "order_statuses", "revenue_shown", "journeys_shown", "products_shown", "refunds_shown", "stock_shown",
    "customers_shown", "activity_shown",
)  # fmt: skip
_ONE = "(SELECT COALESCE(string_agg(shown::text, E'\\n' ORDER BY shown::text), '') FROM {} AS shown)"
SHOWN = "SELECT " + " || E'\\n\\n' || ".join(map(_ONE.format, VIEWS))
"""Every figure shown, as text."""


async def append(connection, *told):
    """Keep the events as the recorder does."""
    await days.open_days(connection, {event.occurred_at.astimezone(UTC).date() for event in told})
    for event in told:
        await events.append(connection, event)


async def record(database, *told):
    """The same in a transaction of their own."""
    async with database.begin() as uow:
        await append(uow.connection, *told)


async def settle(database):
    """Project until nothing is left to do."""
    done = True
    while done:
        async with database.begin() as uow:
            done = await handlers.project(uow)


async def rebuild(database):
    """Build the figures anew and put them in use."""
    async with database.begin() as uow:
        await handlers.request_rebuild(uow)
    await settle(database)


async def shown(database):
    """Every figure shown, as one snapshot of bytes."""
    async with database.acquire() as connection:
        return await connection.fetchval(SHOWN)
