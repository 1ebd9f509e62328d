"""What the payments service is told at its start."""

from shared.work_table import WorkSettings


class Settings(WorkSettings, frozen=True, kw_only=True):
    """Times in seconds.

    `psp_timeout_s`: how long one call to the PSP may take. `absence_grace_s`: how long a charge in doubt must have been
    unknown to the PSP before it counts as never made. `quote_ttl_s`: how long an order may be placed at a quoted rate.
    `exchange_timeout_s`: how long one look at a rate may take.
    """

    service: str = "payments"
    psp_timeout_s: float = 3.0
    absence_grace_s: float = 1.0
    quote_ttl_s: float = 300.0
    exchange_timeout_s: float = 1.0
