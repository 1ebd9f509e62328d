"""The table of saved reports. One is never changed: another is saved, and the old one deleted."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.unit_of_work import Connection
from svc.analytics.domain.definitions import Definition

_INSERT = """
    INSERT INTO saved_reports (id, name, definition, made_by) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name) DO NOTHING RETURNING id, name, definition, made_at
"""
_PAGE = """
    SELECT id, name, definition, made_at FROM saved_reports WHERE name COLLATE "C" > $1
    ORDER BY name COLLATE "C" LIMIT $2
"""


class SavedReport(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    definition: Definition
    made_at: datetime


async def insert(
    connection: Connection, report_id: UUID, *, name: str, definition: Definition, made_by: str
) -> SavedReport | None:
    """Save the report; None when the name is taken."""
    row = await connection.fetchrow(_INSERT, report_id, name, msgspec.to_builtins(definition), made_by)
    return None if row is None else _report(row)


async def find(connection: Connection, report_id: UUID) -> SavedReport | None:
    """The report with this id."""
    row = await connection.fetchrow("SELECT id, name, definition, made_at FROM saved_reports WHERE id = $1", report_id)
    return None if row is None else _report(row)


async def page(connection: Connection, *, after: str, rows_max: int) -> list[SavedReport]:
    """Reports by name, from the one after `after` on."""
    return [_report(row) for row in await connection.fetch(_PAGE, after, rows_max)]


async def delete(connection: Connection, report_id: UUID) -> bool:
    """Delete the report and when it is mailed; False when there is none."""
    return bool(await connection.fetchval("DELETE FROM saved_reports WHERE id = $1 RETURNING true", report_id))


def _report(row: asyncpg.Record) -> SavedReport:
    return SavedReport(row["id"], row["name"], msgspec.convert(row["definition"], Definition), row["made_at"])
