"""The documents the index is made of. Every statement runs inside the caller's transaction or alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from shared.contracts.catalog import PriceFact
from shared.unit_of_work import Connection
from shared.work_table import WorkTable
from svc.search.domain import Document, ProductBody

_OPEN = "(indexed_version < version OR indexed_changes < changes)"
_COLUMNS = "product_id, version, changes, popularity, body::text AS body"
_GIVEN = """
    INSERT INTO documents AS d (product_id, version, deleted, body)
    SELECT product_id, version, body IS NULL, body::jsonb
    FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS new (product_id, version, body)
    ON CONFLICT (product_id) DO UPDATE SET version = excluded.version, deleted = excluded.deleted,
        body = excluded.body, surprises = 0, review = NULL, due_at = clock_timestamp(), updated_at = clock_timestamp()
"""
_PUT = f"{_GIVEN}, changes = 0, indexed_changes = 0 WHERE d.version < excluded.version RETURNING product_id"
_TAKE_OVER = f"""{_GIVEN},
        changes = CASE WHEN d.version < excluded.version THEN 0 ELSE d.changes + 1 END,
        indexed_changes = CASE WHEN d.version < excluded.version THEN 0 ELSE d.indexed_changes END
    WHERE d.version < excluded.version OR d.version = excluded.version AND d.body IS DISTINCT FROM excluded.body
"""
_MARK = """
    UPDATE documents d SET indexed_version = d.version, surprises = 0,
        indexed_changes = greatest(d.indexed_changes, done.changes)
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS done (product_id, version, changes)
    WHERE d.product_id = done.product_id AND d.version = done.version
"""
_BY_SKU = "jsonb_path_query_array(body, '$.variants[*].sku') ?| $1::text[]"
"""Has an index of its own."""
CHANGED = "changes = changes + 1, due_at = CASE WHEN review IS NULL THEN clock_timestamp() ELSE due_at END"
"""Something beside the product is another one now; what nobody tries any more stays with people."""
_ANEW = "indexed_version = 0, surprises = 0, review = NULL, due_at = clock_timestamp()"
_REPRICE = """
    UPDATE documents SET version = $2, updated_at = clock_timestamp(),
        changes = 0, indexed_changes = 0, surprises = 0, review = NULL, due_at = clock_timestamp(),
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


async def put(connection: Connection, documents: Sequence[Document]) -> int:
    """Keep what is newer than what is known; an older version changes nothing. Gives the number kept."""
    return len(await connection.fetch(_PUT, *_columns(documents)))


async def take_over(connection: Connection, documents: Sequence[Document]) -> None:
    """The same for what the catalog itself says; it also corrects what is known of the very version."""
    await connection.execute(_TAKE_OVER, *_columns(documents))


async def reprice(connection: Connection, product_id: UUID, version: int, prices: Mapping[str, PriceFact]) -> bool:
    """Change the prices of variants, by SKU, if the change is newer than what is known."""
    return bool(await connection.fetchval(_REPRICE, product_id, version, prices))


async def mark_indexed(connection: Connection, documents: Sequence[Document]) -> None:
    """These very versions are in the index."""
    await connection.execute(
        _MARK,
        [document.product_id for document in documents],
        [document.version for document in documents],
        [document.changes for document in documents],
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


async def of_products(connection: Connection, product_ids: Sequence[UUID]) -> list[Document]:
    """The documents as they stand."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM documents WHERE product_id = ANY($1::uuid[]) ORDER BY product_id",  # noqa: S608 constants
        list(product_ids),
    )
    return [_document(row) for row in rows]


async def stock_changed(connection: Connection, skus: Sequence[str]) -> None:
    """The documents with one of these SKUs are on their way again."""
    await connection.execute(
        f"WITH theirs AS (SELECT product_id FROM documents WHERE {_BY_SKU} ORDER BY product_id FOR UPDATE) "  # noqa: S608 constants
        f"UPDATE documents d SET {CHANGED} FROM theirs WHERE d.product_id = theirs.product_id",
        list(skus),
    )


async def stock_of(connection: Connection, skus: Sequence[str]) -> dict[str, int]:
    """What was last seen of each SKU, once whoever is just changing it has committed.

    Asked after the documents were read: a change that this does not show comes to documents that it can see, and they
    are written again. Never in the transaction that locked the documents.
    """
    rows = await connection.fetch(
        "SELECT sku, available FROM stock_seen WHERE sku = ANY($1::text[]) AND available IS NOT NULL "
        "ORDER BY sku FOR SHARE",
        list(skus),
    )
    return {row["sku"]: row["available"] for row in rows}


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


def _columns(documents: Sequence[Document]) -> tuple[list[UUID], list[int], list[str | None]]:
    return (
        [document.product_id for document in documents],
        [document.version for document in documents],
        [msgspec.json.encode(document.body).decode() if document.body else None for document in documents],
    )


def _document(row: asyncpg.Record) -> Document:
    return Document(
        product_id=row["product_id"],
        version=row["version"],
        body=_body_decoder.decode(row["body"]) if row["body"] else None,
        changes=row["changes"],
        popularity=row["popularity"],
    )


WORK = WorkTable(
    "documents",
    key="product_id",
    is_open=_OPEN,
    columns=_COLUMNS,
    read=_document,
)
"""Documents whose newest version, or whose newest change since, the index does not have."""
