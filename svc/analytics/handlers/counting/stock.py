"""Units in and out of the warehouses."""

from collections.abc import Callable, Iterator

from shared.contracts import Event
from shared.contracts.inventory import InventoryCommitted, InventoryReleased, StockAdjusted
from svc.analytics.domain.figures import STOCK
from svc.analytics.domain.projections import Row
from svc.analytics.handlers.counting.told import Told

RESTOCKED = "restocked"
"""The reason of a release that brings sold units back; any other ends a hold whose units never left."""


def _adjusted(told: Told) -> Iterator[Row]:
    stock: StockAdjusted = told.data
    yield STOCK.row(told.day, stock.sku, stock.warehouse, received=stock.quantity)


def _sold(told: Told) -> Iterator[Row]:
    sale: InventoryCommitted = told.data
    for line in sale.lines:
        yield STOCK.row(told.day, line.sku, line.warehouse, sold=line.quantity)


def _released(told: Told) -> Iterator[Row]:
    release: InventoryReleased = told.data
    if release.reason == RESTOCKED:
        for line in release.lines:
            yield STOCK.row(told.day, line.sku, line.warehouse, returned=line.quantity)


COUNTED: dict[type[Event], Callable[[Told], Iterator[Row]]] = {
    StockAdjusted: _adjusted,
    InventoryCommitted: _sold,
    InventoryReleased: _released,
}
