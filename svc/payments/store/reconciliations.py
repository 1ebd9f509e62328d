"""The reports of the daily reconciliation. Every statement runs inside the caller's transaction."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.pruning import Rule
from shared.unit_of_work import Connection

OLD = Rule("reconciliations", "at < clock_timestamp() - interval '400 days'")

_LIST = """
    SELECT id, at, (report ->> 'compared')::bigint AS compared, (report ->> 'in_flight')::bigint AS in_flight,
        (report ->> 'complete')::boolean AS complete, jsonb_array_length(report -> 'differences') AS differences
    FROM reconciliations WHERE $1::timestamptz IS NULL OR at < $1
    ORDER BY at DESC LIMIT $2
"""


class Summary(msgspec.Struct, frozen=True):
    """A kept report without its differences, of which it counts those that it shows."""

    id: UUID
    at: datetime
    compared: int
    in_flight: int
    complete: bool
    differences: int


async def insert(connection: Connection, report: msgspec.Struct) -> None:
    """Keep a report as of now."""
    await connection.execute(
        "INSERT INTO reconciliations (report) VALUES ($1::text::jsonb)", msgspec.json.encode(report).decode()
    )


async def latest(connection: Connection) -> tuple[datetime, str] | None:
    """When the last one was made, and the report as JSON."""
    row = await connection.fetchrow("SELECT at, report::text AS report FROM reconciliations ORDER BY at DESC LIMIT 1")
    return None if row is None else (row["at"], row["report"])


async def of_id(connection: Connection, report_id: UUID) -> tuple[datetime, str] | None:
    """When it was made, and the report as JSON."""
    row = await connection.fetchrow("SELECT at, report::text AS report FROM reconciliations WHERE id = $1", report_id)
    return None if row is None else (row["at"], row["report"])


async def page(connection: Connection, *, before: datetime | None, rows_max: int) -> list[Summary]:
    """Reports, the newest first."""
    return [Summary(**dict(row)) for row in await connection.fetch(_LIST, before, rows_max)]
