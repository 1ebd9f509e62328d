"""What the inventory service is told at its start."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """`hold_ttl_s`: how long stock waits for its order; `sweep_interval_s`: how often expired holds are looked for;
    `alarm_interval_s`: how often shelves that ran low are.
    """

    service: str = "inventory"
    hold_ttl_s: float = 600.0
    sweep_interval_s: float = 1.0
    alarm_interval_s: float = 1.0
