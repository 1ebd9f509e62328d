"""What search talks to: the engine that holds the index, and the catalog."""

from svc.search.clients.catalog import Catalog, CatalogClient, CatalogPage
from svc.search.clients.elastic import BulkWrite, Engine, Rejection, SearchEngineUnavailableError, SnapshotLostError

__all__ = [
    "BulkWrite",
    "Catalog",
    "CatalogClient",
    "CatalogPage",
    "Engine",
    "Rejection",
    "SearchEngineUnavailableError",
    "SnapshotLostError",
]
