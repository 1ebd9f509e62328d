"""The documents the index is made of, and its builds. Every statement runs inside the caller's transaction or alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.contracts.catalog import PriceFact
from shared.unit_of_work import Connection
from shared.work_table import WorkTable
from svc.search.domain import Document, ProductBody

_PUT = """
    INSERT INTO documents AS d (product_id, version, deleted, body)
    SELECT product_id, version, body IS NULL, body::jsonb
    FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS new (product_id, version, body)
    ON CONFLICT (product_id) DO UPDATE SET version = excluded.version, deleted = excluded.deleted,
        body = excluded.body, surprises = 0, review = NULL, due_at = clock_timestamp(), updated_at = clock_timestamp()
        WHERE d.version < excluded.version
    RETURNING product_id
"""
_MARK = """
    UPDATE documents d SET indexed_version = d.version, surprises = 0
    FROM unnest($1::uuid[], $2::bigint[]) AS done (product_id, version)
    WHERE d.product_id = done.product_id AND d.version = done.version
"""
_ANEW = "indexed_version = 0, surprises = 0, review = NULL, due_at = clock_timestamp()"
_REPRICE = """
    UPDATE documents SET version = $2, updated_at = clock_timestamp(),
        surprises = 0, review = NULL, due_at = clock_timestamp(),
        body = jsonb_set(body, '{variants}', (
            SELECT coalesce(
                jsonb_agg(variant || coalesce($3::jsonb -> (variant ->> 'sku'), '{}') ORDER BY position), '[]')
            FROM jsonb_array_elements(body -> 'variants') WITH ORDINALITY AS listed (variant, position)))
    WHERE product_id = $1 AND version < $2 AND NOT deleted
    RETURNING true
"""


class Halted(msgspec.Struct, frozen=True, kw_only=True):
    """A document that nobody tries to index any more, and why."""

    product_id: UUID
    version: int
    reason: str
    updated_at: datetime


_body_decoder = msgspec.json.Decoder(ProductBody)


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One rebuild of the index; `documents` counts those written so far."""

    id: UUID
    index_name: str | None
    status: str
    documents: int
    attempts: int
    reason: str | None
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


async def put(connection: Connection, documents: Sequence[Document]) -> int:
    """Keep what is newer than what is known; an older version changes nothing. Gives the number kept."""
    kept = await connection.fetch(
        _PUT,
        [document.product_id for document in documents],
        [document.version for document in documents],
        [msgspec.json.encode(document.body).decode() if document.body else None for document in documents],
    )
    return len(kept)


async def reprice(connection: Connection, product_id: UUID, version: int, prices: Mapping[str, PriceFact]) -> bool:
    """Change the prices of variants, by SKU, if the change is newer than what is known."""
    return bool(await connection.fetchval(_REPRICE, product_id, version, prices))


async def mark_indexed(connection: Connection, documents: Sequence[Document]) -> None:
    """These very versions are in the index."""
    await connection.execute(
        _MARK, [document.product_id for document in documents], [document.version for document in documents]
    )


async def lock_current(connection: Connection, documents: Sequence[Document]) -> set[UUID]:
    """Those of which no newer version is known, locked."""
    rows = await connection.fetch(
        "SELECT product_id, version FROM documents WHERE product_id = ANY($1::uuid[]) ORDER BY product_id FOR UPDATE",
        [document.product_id for document in documents],
    )
    versions = {row["product_id"]: row["version"] for row in rows}
    return {document.product_id for document in documents if versions.get(document.product_id) == document.version}


async def refuse(connection: Connection, document: Document, reason: str) -> None:
    """The index does not have this version and nobody tries any more, until a newer one or a rebuild is wanted."""
    await connection.execute(
        "UPDATE documents SET review = $3, due_at = 'infinity', indexed_version = 0 "
        "WHERE product_id = $1 AND version = $2",
        document.product_id,
        document.version,
        reason,
    )


async def halted(connection: Connection, *, rows_max: int) -> list[Halted]:
    """Documents that nobody tries to index any more, the newest first."""
    rows = await connection.fetch(
        "SELECT product_id, version, review AS reason, updated_at FROM documents "
        "WHERE indexed_version < version AND due_at = 'infinity' ORDER BY updated_at DESC LIMIT $1",
        rows_max,
    )
    return [Halted(**row) for row in rows]


async def mark_all_pending(connection: Connection) -> None:
    """The index is new and empty: every document is on its way again."""
    await connection.execute(f"UPDATE documents SET {_ANEW}")  # noqa: S608 constants


async def revive_halted(connection: Connection) -> None:
    """Try again what nobody tried any more."""
    await connection.execute(
        f"UPDATE documents SET {_ANEW} WHERE indexed_version < version AND due_at = 'infinity'"  # noqa: S608 constants
    )


async def drop_unseen(connection: Connection, seen: Sequence[UUID], *, before: datetime) -> int:
    """Delete what the catalog does not show and no event touched since; a newer event may bring it back."""
    dropped = await connection.fetch(
        f"UPDATE documents SET deleted = true, body = NULL, updated_at = clock_timestamp(), {_ANEW} "  # noqa: S608 constants
        "WHERE NOT deleted AND body ->> 'status' = 'active' AND updated_at < $2 AND product_id <> ALL($1::uuid[]) "
        "RETURNING product_id",
        list(seen),
        before,
    )
    return len(dropped)


async def request_build(connection: Connection, build_id: UUID) -> Build:
    """Ask for a rebuild; while one is open, that one is given instead."""
    await connection.execute(
        "INSERT INTO index_builds (id, status) VALUES ($1, 'requested') ON CONFLICT DO NOTHING", build_id
    )
    build = await open_build(connection) or await latest_build(connection)
    assert build is not None, "a build was just stored"
    return build


async def open_build(connection: Connection) -> Build | None:
    """The build that is wanted or under way."""
    row = await connection.fetchrow("SELECT * FROM index_builds WHERE status IN ('requested', 'running')")
    return None if row is None else Build(**row)


async def latest_build(connection: Connection) -> Build | None:
    """The newest build, ended or not."""
    row = await connection.fetchrow("SELECT * FROM index_builds ORDER BY requested_at DESC LIMIT 1")
    return None if row is None else Build(**row)


async def reopen_build(connection: Connection, build_id: UUID) -> None:
    """Want one that failed again, unless another is open by now."""
    await connection.execute(
        "UPDATE index_builds SET status = 'requested', reason = NULL, ended_at = NULL, attempts = 0 "
        "WHERE id = $1 AND status = 'failed' "
        "AND NOT EXISTS (SELECT FROM index_builds WHERE status IN ('requested', 'running'))",
        build_id,
    )


async def begin_attempt(connection: Connection, build_id: UUID) -> Build | None:
    """Count an attempt at the build; None when it has ended."""
    row = await connection.fetchrow(
        "UPDATE index_builds SET attempts = attempts + 1 WHERE id = $1 AND status IN ('requested', 'running') "
        "RETURNING *",
        build_id,
    )
    return None if row is None else Build(**row)


async def start_build(connection: Connection, build_id: UUID, index_name: str) -> Build:
    """The build writes into this index from now on; an attempt that died before is forgotten."""
    row = await connection.fetchrow(
        "UPDATE index_builds SET status = 'running', index_name = $2, documents = 0, started_at = clock_timestamp() "
        "WHERE id = $1 RETURNING *",
        build_id,
        index_name,
    )
    assert row is not None, "builds are never deleted"
    return Build(**row)


async def count_built(connection: Connection, build: Build, documents: int) -> None:
    """Show progress."""
    await connection.execute("UPDATE index_builds SET documents = $2 WHERE id = $1", build.id, documents)


async def is_still_ours(connection: Connection, build: Build) -> bool:
    """Whether no other instance took the build over."""
    return bool(
        await connection.fetchval(
            "SELECT true FROM index_builds WHERE id = $1 AND index_name = $2 AND status = 'running'",
            build.id,
            build.index_name,
        )
    )


async def end_build(connection: Connection, build: Build) -> None:
    """It is in use."""
    await connection.execute(
        "UPDATE index_builds SET status = 'completed', ended_at = clock_timestamp() "
        "WHERE id = $1 AND index_name = $2 AND status = 'running'",
        build.id,
        build.index_name,
    )


async def fail_build(connection: Connection, build_id: UUID, reason: str) -> None:
    """Nobody tries any more."""
    await connection.execute(
        "UPDATE index_builds SET status = 'failed', reason = $2, ended_at = clock_timestamp() "
        "WHERE id = $1 AND status IN ('requested', 'running')",
        build_id,
        reason,
    )


def _document(row: asyncpg.Record) -> Document:
    return Document(
        product_id=row["product_id"],
        version=row["version"],
        body=_body_decoder.decode(row["body"]) if row["body"] else None,
    )


WORK = WorkTable(
    "documents",
    key="product_id",
    is_open="indexed_version < version",
    columns="product_id, version, body::text AS body",
    read=_document,
)
"""Documents whose newest version the index does not have."""
