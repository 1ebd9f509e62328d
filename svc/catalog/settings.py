"""What the catalog service is told at its start."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """`product_ttl_s`: how long a product page may be cached; `product_stale_s`: how long after that it may still be
    served while the database does not answer.
    """

    service: str = "catalog"
    product_ttl_s: float = 30.0
    product_stale_s: float = 600.0
