"""What the search service is told at its start."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """`search_timeout_s`: how long one query may take; `index_interval_s`: how often documents that no event woke the
    indexer for are looked for; `stock_look_s`: how often stock that moved is asked for; `rank_s`: how often popularity
    is reckoned anew. `snapshot_age_s`: how old the view may be that a list begins with; `snapshot_life_s`: for how long
    its next pages may be asked for; `misses_every_s`: how often words that found nothing are stored.
    """

    service: str = "search"
    search_timeout_s: float = 1.0
    index_interval_s: float = 1.0
    stock_look_s: float = 1.0
    rank_s: float = 300.0
    snapshot_age_s: float = 1.0
    snapshot_life_s: int = 300
    misses_every_s: float = 5.0
