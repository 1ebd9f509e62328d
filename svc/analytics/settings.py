"""What the analytics service is told at its start."""

from shared.settings import PREFIX, ServiceSettings, SettingsError

KEPT_DAYS_MIN = 30
"""Nothing of an event's last month may be missing: its duplicates come within days, and then an inbox knows it."""


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """`project_interval_s`: how often new events are folded in when nobody wakes the projector.

    `events_kept_days`: older events are forgotten, what they said stays in the figures; 0 keeps them for ever.
    """

    service: str = "analytics"
    project_interval_s: float = 0.5
    events_kept_days: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.events_kept_days and self.events_kept_days < KEPT_DAYS_MIN:
            raise SettingsError([f"{PREFIX}EVENTS_KEPT_DAYS: 0, or {KEPT_DAYS_MIN} days and more"])
