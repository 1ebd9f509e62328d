"""The replaceable parts of search."""

from dataclasses import dataclass

from shared.kafka_consumer import Handler
from shared.service_parts import ServiceParts
from svc.search import handlers
from svc.search.clients import CatalogClient, Engine
from svc.search.indexing import Indexer
from svc.search.rebuilding import Rebuilder
from svc.search.searching import Searcher


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    engine: type[Engine] = Engine
    """The calls to Elasticsearch."""
    catalog: type[CatalogClient] = CatalogClient
    """The catalog, for rebuilding and for the degraded answer."""
    indexer: type[Indexer] = Indexer
    """Documents into the index, the newer version wins."""
    rebuilder: type[Rebuilder] = Rebuilder
    """A new index behind the alias."""
    searcher: type[Searcher] = Searcher
    """Questions of customers and their degraded answer."""
    keep_product: Handler = handlers.keep_product
    """product.upserted: the document, unless a newer change is known."""
    forget_product: Handler = handlers.forget_product
    """product.deleted: remembered as gone."""
    change_price: Handler = handlers.change_price
    """price.changed: the prices of some variants."""


HEALTHY = Parts()
