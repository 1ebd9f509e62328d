"""Reads every audit view of every service, one repeatable-read snapshot per database.

The only place where judging does I/O. It uses the read-only role and knows nothing but the audit schema;
what cannot be read becomes a problem of the run, never a guess.
"""

import asyncio
import typing
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from compose.stack import load
from scenarios.evidence.logs import JUDGE
from scenarios.evidence.rows import Instant, Row
from scenarios.evidence.views import AuditTables, View, views_of

PREFETCH_ROWS = 2_000
CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 120.0
UNREADABLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""A server that dies in the middle of a cursor is told of by the driver, not by the server."""


class Snapshots(msgspec.Struct):
    """`problems` name what could not be read, each beginning with `service.view`; they belong into
    `RunFacts.problems`.
    """

    tables: AuditTables
    problems: list[str]


async def take_snapshots(audit_url_by_service: Mapping[str, str], *, only: Collection[str] | None = None) -> Snapshots:
    """Reads all services at once; each database is one consistent moment, and they are moments apart.

    `only` names the views to read, as `service.view`; None is all of them.

    Raises nothing for a view or a database that cannot be read: it is a problem in the answer.
    """
    snapshots = Snapshots(tables=AuditTables(), problems=[])
    views = {service.name: views_of(service.name, service.declaration().audit) for service in load().audited}
    if only is not None:
        named = {service: [view for view in of if f"{service}.{view.name}" in only] for service, of in views.items()}
        views = {service: tuple(of) for service, of in named.items() if of}
    for service in sorted(views.keys() - audit_url_by_service.keys()):
        snapshots.problems.extend(f"{service}.{view.name}: no database was named" for view in views[service])
    await asyncio.gather(
        *(
            _read_service(url, views[service], snapshots)
            for service, url in audit_url_by_service.items()
            if service in views
        )
    )
    return snapshots


def select_statement(view: View) -> str:
    """The query of one view, casting every column to what its row type says."""
    hints = typing.get_type_hints(view.row, include_extras=True)
    columns = [
        _cast(field.name, hints[field.name]) for field in msgspec.structs.fields(view.row) if field.name != "service"
    ]
    return f"SELECT {', '.join(columns)} FROM audit.{view.name}"  # noqa: S608 - names of our own catalogue


async def _read_service(url: str, views: Sequence[View], snapshots: Snapshots) -> None:
    try:
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=STATEMENT_TIMEOUT_S,
            server_settings={"application_name": JUDGE},
        )
    except UNREADABLE as error:
        snapshots.problems.extend(f"{view.service}.{view.name}: {_said(error)}" for view in views)
        return
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            for view in views:
                await _read_view(connection, view, snapshots)
    except UNREADABLE as error:
        snapshots.problems.append(f"{views[0].service}: {_said(error)}")
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT_S)


async def _read_view(connection: asyncpg.Connection, view: View, snapshots: Snapshots) -> None:
    """A view that fails is rolled back to a savepoint, so that the snapshot of the others stands."""
    rows: list[Row] = getattr(snapshots.tables, view.name)
    shared = "service" in view.row.__struct_fields__
    try:
        async with connection.transaction():
            async for record in connection.cursor(select_statement(view), prefetch=PREFETCH_ROWS):
                values = dict(record)
                if shared:
                    values["service"] = view.service
                rows.append(msgspec.convert(values, view.row))
    except (*UNREADABLE, msgspec.ValidationError) as error:
        snapshots.problems.append(f"{view.service}.{view.name}: {_said(error)}")


def _cast(column: str, hint: Any) -> str:
    quoted = f'"{column}"'
    optional = type(None) in typing.get_args(hint)
    kind = next(arg for arg in typing.get_args(hint) if arg is not type(None)) if optional else hint
    if kind == Instant:
        return f"extract(epoch FROM {quoted})::float8 AS {quoted}"
    if kind is int:
        return f"{quoted}::bigint"
    if kind is bool:
        return f"{quoted}::boolean"
    return f"coalesce({quoted}::text, '') AS {quoted}"


def _said(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
