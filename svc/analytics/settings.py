"""What the analytics service is told at its start."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """`project_interval_s`: how often new events are folded in when nobody wakes the projector."""

    service: str = "analytics"
    project_interval_s: float = 0.5
