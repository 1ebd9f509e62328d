"""The replaceable parts of search."""

from dataclasses import dataclass

from shared.kafka_consumer import Handler
from shared.service_parts import ServiceParts
from shared.stock_client import StockClient
from svc.search import handlers
from svc.search.clients import CatalogClient, Engine
from svc.search.indexing import Indexer
from svc.search.rebuilding import Rebuilder
from svc.search.searching import Searcher
from svc.search.snapshots import Snapshots


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    engine: type[Engine] = Engine
    """The calls to Elasticsearch."""
    catalog: type[CatalogClient] = CatalogClient
    """The catalog, for rebuilding, for the degraded answer, and for what is looked at most."""
    stock: type[StockClient] = StockClient
    """Inventory, for what is available."""
    indexer: type[Indexer] = Indexer
    """Documents into the index, the newer version wins."""
    rebuilder: type[Rebuilder] = Rebuilder
    """A new index behind the alias."""
    searcher: type[Searcher] = Searcher
    """Questions of customers and their degraded answer."""
    snapshots: type[Snapshots] = Snapshots
    """Views of the index that pages are cut from."""
    keep_product: Handler = handlers.keep_product
    """product.upserted: the document, unless a newer change is known."""
    forget_product: Handler = handlers.forget_product
    """product.deleted: remembered as gone."""
    change_price: Handler = handlers.change_price
    """price.changed: the prices of some variants."""
    note_reservation: Handler = handlers.note_reservation
    """inventory.*: the SKUs of a hold are looked at."""
    note_stock: Handler = handlers.note_stock
    """stock.adjusted: the SKU is looked at."""
    note_sale: Handler = handlers.note_sale
    """order.paid: its products are the more popular."""
    note_cancellation: Handler = handlers.note_cancellation
    """order.cancelled: it was no sale."""


HEALTHY = Parts()
