"""Rows on their way out, as CSV or JSON, while they are read: never more of them in memory than a chunk."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import date
from typing import Final, Literal

import msgspec
from litestar.response import Stream

from shared.csv_lines import MEDIA_TYPE, Cell, csv_line
from shared.database import Database
from shared.errors import Kind, Refusal
from svc.analytics.domain.definitions import Query
from svc.analytics.store import querying

EXPORT_ROWS_MAX = 100_000
EXPORT_S_MAX = 60.0
AT_ONCE_MAX = 2
"""Of one instance; each has a connection to the database for as long as its reader takes."""

Format = Literal["csv", "json"]
Chunk = list[list[Cell]]


class ReportTooLarge(Refusal):
    code = "report_too_large"


class TooManyExports(Refusal):
    code = "too_many_exports"
    kind = Kind.TOO_MANY


class ExportTooSlowError(Exception):
    """The reader took longer than EXPORT_S_MAX; what it has is not all."""


class Exports:
    """The exports of one instance."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._places = asyncio.Semaphore(AT_ONCE_MAX)

    async def stream(self, query: Query, *, since: date, until: date, wanted: Format) -> Stream:
        """The rows of the query in one snapshot.

        The first chunk is read before anything is answered, so that what fails until then is refused as always; an
        answer that breaks off later is cut, never ended as if it were whole. Raises `ReportTooLarge`, `TooManyExports`.
        """
        if self._places.locked():
            raise TooManyExports(f"{AT_ONCE_MAX} exports are under way", retry_after_s=5)
        chunks = self._chunks(query, since=since, until=until)
        first = await anext(chunks, list[list[Cell]]())
        written = _WRITERS[wanted](query.names, first, chunks)
        disposition = f'attachment; filename="report.{wanted}"'
        media_type = MEDIA_TYPE if wanted == "csv" else "application/json"
        return Stream(written, media_type=media_type, headers={"Content-Disposition": disposition})

    async def _chunks(self, query: Query, *, since: date, until: date) -> AsyncGenerator[Chunk]:
        asked = querying.statement(query, since=since, until=until, rows_max=EXPORT_ROWS_MAX + 1)
        ends_at = time.monotonic() + EXPORT_S_MAX
        async with (
            self._places,
            self._database.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            if await querying.count(connection, asked) > EXPORT_ROWS_MAX:
                raise ReportTooLarge(f"at most {EXPORT_ROWS_MAX} rows; choose fewer", rows_max=EXPORT_ROWS_MAX)
            async for chunk in querying.chunks(connection, query, asked):
                yield chunk
                if time.monotonic() > ends_at:
                    raise ExportTooSlowError(f"not read within {EXPORT_S_MAX:g} s")


async def _csv(names: list[str], first: Chunk, others: AsyncGenerator[Chunk]) -> AsyncGenerator[bytes]:
    yield csv_line(names) + _lines(first)
    async for chunk in others:
        yield _lines(chunk)


def _lines(rows: Iterable[list[Cell]]) -> bytes:
    return b"".join(csv_line(row) for row in rows)


async def _json(names: list[str], first: Chunk, others: AsyncGenerator[Chunk]) -> AsyncGenerator[bytes]:
    yield b'{"columns":' + msgspec.json.encode(names) + b',"rows":[' + _elements(first)
    async for chunk in others:
        yield b"," + _elements(chunk)
    yield b"]}"


def _elements(rows: list[list[Cell]]) -> bytes:
    return msgspec.json.encode(rows)[1:-1]


_WRITERS: Final[dict[Format, Callable[[list[str], Chunk, AsyncGenerator[Chunk]], AsyncGenerator[bytes]]]] = {
    "csv": _csv,
    "json": _json,
}
