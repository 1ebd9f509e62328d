"""The reports of the daily reconciliation. Every statement runs inside the caller's transaction."""

from datetime import datetime

import msgspec

from shared.pruning import Rule
from shared.unit_of_work import Connection

OLD = Rule("reconciliations", "at < clock_timestamp() - interval '400 days'")


async def insert(connection: Connection, report: msgspec.Struct) -> None:
    """Keep a report as of now."""
    await connection.execute(
        "INSERT INTO reconciliations (report) VALUES ($1::text::jsonb)", msgspec.json.encode(report).decode()
    )


async def latest(connection: Connection) -> tuple[datetime, str] | None:
    """When the last one was made, and the report as JSON."""
    row = await connection.fetchrow("SELECT at, report::text AS report FROM reconciliations ORDER BY at DESC LIMIT 1")
    return None if row is None else (row["at"], row["report"])
