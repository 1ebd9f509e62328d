"""The replaceable parts of the catalog."""

from dataclasses import dataclass

from shared.kafka_consumer import Handler
from shared.service_parts import ServiceParts
from shared.stock_client import StockClient
from svc.catalog import handlers
from svc.catalog.shelf import Shelf


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    shelf: type[Shelf] = Shelf
    """Products and categories read through the cache, pages in a fixed number of statements."""
    stock: type[StockClient] = StockClient
    """Inventory, for the badge."""
    note_reservation: Handler = handlers.note_reservation
    """inventory.*: the SKUs of a hold are looked at."""
    note_stock: Handler = handlers.note_stock
    """stock.adjusted: the SKU is looked at."""


HEALTHY = Parts()
