"""Reads from Elasticsearch itself what stands in the index: the witness of what customers can find."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import aiohttp
import msgspec

from scenarios.evidence.rows import IndexedRow
from scenarios.fleet import NO_ANSWER, Fleet
from scenarios.snapshots import Snapshots

ALIAS: Final = "products"
DOCUMENTS_AT_ONCE: Final = 500


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
    try:
        for ids in _portions(sorted(product_ids)):
            async with fleet.http.post(f"{url}/{ALIAS}/_mget", json={"ids": ids}) as answer:
                answer.raise_for_status()
                found = msgspec.json.decode(await answer.read(), type=_Documents)
            rows.extend(
                IndexedRow(document.id, document.version, variant.sku, variant.price_minor, variant.currency)
                for document in found.docs
                for variant in document.source.variants
            )
    except (*NO_ANSWER, aiohttp.ClientResponseError, msgspec.MsgspecError) as error:
        return [], [f"search.index: {error!r}"]
    return rows, []


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), DOCUMENTS_AT_ONCE):
        yield ids[start : start + DOCUMENTS_AT_ONCE]
