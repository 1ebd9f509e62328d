"""What search talks to: the engine that holds the index, the catalog, and inventory."""

from svc.search.clients.catalog import Catalog, CatalogClient, CatalogPage
from svc.search.clients.elastic import BulkWrite, Engine, Rejection, SearchEngineUnavailableError, SnapshotLostError
from svc.search.clients.stock import Stock, StockClient

__all__ = [
    "BulkWrite",
    "Catalog",
    "CatalogClient",
    "CatalogPage",
    "Engine",
    "Rejection",
    "SearchEngineUnavailableError",
    "SnapshotLostError",
    "Stock",
    "StockClient",
]
