"""What the payments service is told at its start."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """Times in seconds.

    `psp_timeout_s`: how long one call to the PSP may take. `lease_s`: after it, work claimed by a process that died
    is taken up by another; longer than a call. `absence_grace_s`: how long a charge in doubt must have been unknown
    to the PSP before it counts as never made. `poll_interval_s`: how often due work is looked for without a wake-up.
    """

    service: str = "payments"
    psp_timeout_s: float = 3.0
    lease_s: float = 5.0
    absence_grace_s: float = 1.0
    poll_interval_s: float = 0.5
    calls_at_once_max: int = 16
