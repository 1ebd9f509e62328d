"""What the search service is told at its start."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """`search_timeout_s`: how long one query may take; `index_interval_s`: how often documents that no event woke the
    indexer for are looked for.
    """

    service: str = "search"
    search_timeout_s: float = 1.0
    index_interval_s: float = 1.0
