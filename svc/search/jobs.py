"""Periodic work of the search service."""

from shared.periodic import Periodic
from svc.search.indexing import Indexer
from svc.search.rebuilding import Rebuilder

REBUILD_INTERVAL_S = 2.0


def index_documents(indexer: Indexer, *, every_s: float) -> Periodic:
    """Brings the index up to the documents; woken by the consumer."""
    return Periodic("index_documents", every_s, indexer.push)


def rebuild_index(rebuilder: Rebuilder) -> Periodic:
    """Does the rebuild somebody asked for; woken by the request, found by itself after a crash."""
    return Periodic("rebuild_index", REBUILD_INTERVAL_S, rebuilder.run)
