"""Inventory over HTTP: availability, reservations for other services, and the staff's work with the shelves."""

from typing import Any

from svc.inventory.api.stock import InternalController, StockController
from svc.inventory.api.warehousing import ImportController, TakeController, WarehouseController

ROUTES: tuple[Any, ...] = (
    StockController,
    ImportController,
    TakeController,
    WarehouseController,
    InternalController,
)

__all__ = ["ROUTES"]
