"""What the shipping service is told at its start."""

from shared.work_table import WorkSettings


class Settings(WorkSettings, frozen=True, kw_only=True):
    """Times in seconds.

    `handover_delay_s`: how long a labelled parcel waits for the driver, and may still be cancelled. `absence_grace_s`:
    how long a call in doubt must have been unknown to the carrier before it counts as never made.
    `quote_lifetime_s`: how long a quote is good for. `return_window_s`: how long after delivery goods may come back.
    """

    service: str = "shipping"
    carrier_name: str = "parcelpost"
    carrier_timeout_s: float = 3.0
    absence_grace_s: float = 1.0
    handover_delay_s: float = 0.25
    poll_interval_s: float = 0.25
    quote_lifetime_s: float = 900.0
    return_window_s: float = 30 * 86_400.0
