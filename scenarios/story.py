"""One order's whole story: what every service, the broker and the outside world know of it, in the order of time."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from scenarios.chapters import Chapter, witnessed
from scenarios.fleet import Fleet
from scenarios.money_text import money_text
from scenarios.world.journals import read_journals

_ORDERS = "SELECT * FROM audit.orders WHERE id::text = $1 OR number = $1"


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """The order as it stands, and its chapters in order of time."""

    order: dict[str, Any]
    chapters: tuple[Chapter, ...]


async def story(fleet: Fleet, order: str) -> Story | None:
    """The story of an order by id or number; None when there is no such order."""
    found = await fleet.rows("orders", _ORDERS, order)
    if not found:
        return None
    row = dict(found[0])
    order_id = row["id"]
    told = await asyncio.gather(*(_of_service(fleet, service, order_id) for service in fleet.declared))
    chapters = [chapter for chapters in told for chapter in chapters]
    chapters.extend(await asyncio.to_thread(_witnessed, fleet, str(order_id)))
    return Story(order={name: _plain(value) for name, value in row.items()}, chapters=tuple(sorted(chapters)))


async def _of_service(fleet: Fleet, service: str, order_id: UUID) -> list[Chapter]:
    chapters: list[Chapter] = []
    for kind, query in fleet.declared[service].story.items():
        rows = await fleet.rows(service, query, order_id)
        chapters.extend(_chapter(service, kind, dict(row)) for row in rows)
    return chapters


def _chapter(service: str, kind: str, row: dict[str, Any]) -> Chapter:
    """A row of `at`, `what` and `detail`; one with `amount_minor` and `currency` is told as people write money."""
    detail = row["detail"] or ""
    if "amount_minor" in row:
        detail = f"{detail} {money_text(row['amount_minor'], row['currency'])}".strip()
    return Chapter(row["at"].timestamp(), service, kind, row["what"] or "", detail)


def _witnessed(fleet: Fleet, order_id: str) -> list[Chapter]:
    return list(witnessed(read_journals(fleet.layout.world), order_id))


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | bool | None) else str(value)
