"""What is known of goods, boxes and orders before they are packed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.pruning import Rule
from shared.unit_of_work import Connection
from svc.shipping.domain.packing import ITEM_SIDES_MM, ITEM_WEIGHT_G, Box, Item, sides

_KNOWN = """
    SELECT (SELECT lines FROM placements WHERE order_id = $1) AS placed,
           quote.carrier, quote.deliver_by,
           (SELECT max(days_max) FROM shipping_rates
            WHERE method = $3 AND zone = coalesce((SELECT zone FROM zone_countries WHERE country = $2), 'world')
           ) AS days
    FROM (VALUES ($4::uuid)) AS named (quote_id) LEFT JOIN quotes AS quote ON quote.id = named.quote_id
"""


FORGOTTEN = (
    Rule("placements", "told_at < clock_timestamp() - interval '8 days'"),
    Rule("quotes", "used_by IS NULL AND expires_at < clock_timestamp() - interval '8 days'"),
)
"""What no order asks for any more, however long its payment was held; an old quote is then unknown."""


class Placed(msgspec.Struct, frozen=True):
    """So many pieces lie at a warehouse."""

    sku: str
    quantity: int
    warehouse: str


class Plan(msgspec.Struct, frozen=True):
    """What is known of an order: where its goods lie, the carrier and the day quoted, and the days of today's rates."""

    placed: tuple[Placed, ...]
    carrier: str | None
    deliver_by: date | None
    days_max: int | None


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """Weight and size of one piece."""

    sku: str
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int
    updated_at: datetime


async def boxes(connection: Connection) -> list[Box]:
    rows = await connection.fetch("SELECT code, length_mm, width_mm, height_mm, weight_g_max FROM boxes")
    return [
        Box(row["code"], sides(row["length_mm"], row["width_mm"], row["height_mm"]), row["weight_g_max"])
        for row in rows
    ]


async def items(connection: Connection, wanted: Sequence[tuple[str, int]]) -> list[Item]:
    """SKUs and quantities as measured; what nobody has measured counts as an ordinary item."""
    rows = await connection.fetch(
        "SELECT sku, weight_g, length_mm, width_mm, height_mm FROM item_measures WHERE sku = ANY($1::text[])",
        [sku for sku, _ in wanted],
    )
    known = {row["sku"]: (row["weight_g"], (row["length_mm"], row["width_mm"], row["height_mm"])) for row in rows}
    found: list[Item] = []
    for sku, quantity in wanted:
        weight_g, measured = known.get(sku, (ITEM_WEIGHT_G, ITEM_SIDES_MM))
        found.append(Item(sku=sku, quantity=quantity, weight_g=weight_g, sides=sides(*measured)))
    return found


async def plan(connection: Connection, order_id: UUID, *, country: str, method: str, quote_id: UUID | None) -> Plan:
    """What is known of an order that is to be packed, which was placed at a quote."""
    row = await connection.fetchrow(_KNOWN, order_id, country, method, quote_id)
    assert row is not None, "one row of values gives one row"
    placed = msgspec.convert(row["placed"] or [], tuple[Placed, ...])
    return Plan(placed, row["carrier"], row["deliver_by"], row["days"])


async def place(connection: Connection, order_id: UUID, placed: Sequence[Placed]) -> None:
    """Remember where the goods of an order lie; the first word stays."""
    await connection.execute(
        "INSERT INTO placements (order_id, lines) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        order_id,
        msgspec.to_builtins(placed),
    )


async def measure(connection: Connection, sku: str, figures: Sequence[int]) -> Measures:
    """Set weight (g), length, width and height (mm) of one piece."""
    row = await connection.fetchrow(
        "INSERT INTO item_measures AS known (sku, weight_g, length_mm, width_mm, height_mm) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (sku) DO UPDATE "
        "SET weight_g = excluded.weight_g, length_mm = excluded.length_mm, "
        "width_mm = excluded.width_mm, height_mm = excluded.height_mm, updated_at = clock_timestamp() "
        "RETURNING known.*",
        sku,
        *figures,
    )
    return _measures(row)


async def measures(connection: Connection, *, after: str | None, rows_max: int) -> list[Measures]:
    """What was measured, in order of the SKUs."""
    rows = await connection.fetch(
        "SELECT * FROM item_measures WHERE $1::text IS NULL OR sku > $1 ORDER BY sku LIMIT $2", after, rows_max
    )
    return [_measures(row) for row in rows]


def _measures(row: Any) -> Measures:
    return Measures(**dict(row))
