"""What the orders service is told at its start."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """Limits of remote calls, the time each saga step may take, and how often the resolver looks. All in seconds."""

    service: str = "orders"

    prices_timeout_s: float = 1.5
    price_ttl_s: float = 2.0
    quote_timeout_s: float = 0.5
    quote_ttl_s: float = 30.0
    """How old shipping's word on the cost of a parcel may be; below the lifetime of its quotes."""
    quote_stale_s: float = 86_400.0
    """How old it may be while shipping is away."""
    quote_kept_s: float = 3_600.0
    """How long a customer's own quote and a checked postal code are remembered; above the lifetime of quotes."""
    promotions_kept_s: float = 10.0
    """How long a process may not know of a promotion that was made or ended; the judge allows for it."""
    conversion_timeout_s: float = 1.0
    reserve_timeout_s: float = 3.0
    withhold_timeout_s: float = 1.5

    reserving_s: float = 30.0
    """How long the saga tries to learn whether the stock is held before it refuses the order."""
    releasing_s: float = 600.0
    """How long giving a hold back may take before people are shown it; it is tried until it is done."""
    paying_s: float = 900.0
    """How long payment may take before the order is cancelled."""
    compensating_s: float = 900.0
    """How long stock and money may take to be undone before people are asked to look."""

    invoice_issuer: tuple[str, ...] = ("ShopStream",)
    """The lines that name the shop on an invoice: who it is, where, under which tax number."""

    resolver_interval_s: float = 0.5
    resolver_lease_s: float = 15.0
    resolver_grace_s: float = 1.0
    """How much longer than the reserve call the resolver waits before it takes a saga for abandoned."""
    resolver_retry_s: float = 0.5
    resolver_retry_max_s: float = 5.0
