"""The tables of search, by subject; WORK is the documents that the index does not have as they are."""

from svc.search.store import builds, documents, misses, popularity
from svc.search.store.documents import WORK

__all__ = ["WORK", "builds", "documents", "misses", "popularity"]
