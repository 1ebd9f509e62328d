"""Reads from Elasticsearch itself what stands in the index: the witness of what customers can find.

Search writes a document under a number of its own, which tells later changes of stock and popularity apart; its audit
view says which number stands for the newest version of the product. Both are read until neither moved meanwhile.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import aiohttp
import msgspec

from scenarios.evidence.rows import IndexedRow
from scenarios.fleet import NO_ANSWER, Fleet, FleetAwayError
from scenarios.snapshots import Snapshots

ALIAS: Final = "products"
DOCUMENTS_AT_ONCE: Final = 500
LOOKS_MAX: Final = 10
"""In all; after the last what was seen is taken as it is."""
LOOK_AGAIN_S: Final = 0.2

_WRITTEN_AS = """
    SELECT product_id::text, version, index_version, indexed_version < version OR indexed_changes < changes AS waits
    FROM audit.documents WHERE product_id = ANY($1::text[]::uuid[]) AND review IS NULL ORDER BY product_id
"""


class _Variant(msgspec.Struct):
    sku: str
    price_minor: int
    currency: str


class _Source(msgspec.Struct):
    variants: list[_Variant]


class _Document(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    found: bool = False
    version: int = msgspec.field(name="_version", default=0)
    source: _Source = msgspec.field(name="_source", default_factory=lambda: _Source([]))


class _Documents(msgspec.Struct):
    docs: list[_Document]


async def look_into_index(fleet: Fleet, snapshots: Snapshots, *, since: float) -> None:
    """Add to the snapshots the documents of whatever the catalog has told of since then, and what could not be read."""
    told = {row.aggregate_id for row in snapshots.tables.outbox if row.service == "catalog" and row.created_at >= since}
    snapshots.tables.index, unread = await read_index(fleet, told)
    snapshots.problems.extend(unread)


async def read_index(fleet: Fleet, product_ids: Iterable[str]) -> tuple[list[IndexedRow], list[str]]:
    """The variants of these products as they are indexed, and what could not be read. A stack without the engine has
    none of either.
    """
    url = fleet.stack.urls.get("elasticsearch")
    if url is None:
        return [], []
    rows: list[IndexedRow] = []
    looks = LOOKS_MAX
    try:
        for ids in _portions(sorted(product_ids)):
            looks, found = await _still(fleet, f"{url}/{ALIAS}/_mget", ids, looks)
            rows.extend(found)
    except (*NO_ANSWER, aiohttp.ClientResponseError, msgspec.MsgspecError, FleetAwayError) as error:
        return [], [f"search.index: {error!r}"]
    return rows, []


async def _still(fleet: Fleet, url: str, ids: Sequence[str], looks: int) -> tuple[int, list[IndexedRow]]:
    """One portion, read at a moment at which nothing of it was on its way, and the looks that are left."""
    before = await fleet.rows("search", _WRITTEN_AS, ids)
    while True:
        async with fleet.http.post(url, json={"ids": ids}) as answer:
            answer.raise_for_status()
            found = msgspec.json.decode(await answer.read(), type=_Documents)
        after = await fleet.rows("search", _WRITTEN_AS, ids)
        if looks <= 0 or (before == after and not any(row["waits"] for row in after)):
            return looks, list(_rows(found, after))
        looks, before = looks - 1, after
        await asyncio.sleep(LOOK_AGAIN_S)


def _rows(found: _Documents, documents: Sequence[Any]) -> Iterator[IndexedRow]:
    """The version of the product where the engine has the number that stands for it, else that number."""
    written_as = {(row["product_id"], row["index_version"]): row["version"] for row in documents}
    for document in found.docs:
        version = written_as.get((document.id, document.version), document.version)
        for variant in document.source.variants:
            yield IndexedRow(document.id, version, variant.sku, variant.price_minor, variant.currency)


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), DOCUMENTS_AT_ONCE):
        yield ids[start : start + DOCUMENTS_AT_ONCE]
