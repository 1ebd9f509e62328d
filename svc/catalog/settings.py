"""What the catalog service is told at its start."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """`product_ttl_s`: how long a product page may be cached; `product_stale_s`: how long after that it may still be
    served while the database does not answer. `price_turn_s`: how often prices that begin or end are looked for;
    `stock_look_s`: how often stock that moved is asked for.
    """

    service: str = "catalog"
    product_ttl_s: float = 30.0
    product_stale_s: float = 600.0
    price_turn_s: float = 1.0
    stock_look_s: float = 1.0
