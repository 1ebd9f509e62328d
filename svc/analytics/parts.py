"""The replaceable parts of analytics."""

from dataclasses import dataclass

from shared.service_parts import ServiceParts
from svc.analytics import handlers
from svc.analytics.handlers import Project, Recorder


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    recorder: type[Recorder] = Recorder
    """Every event kept."""
    project: Project = handlers.project
    """One step of keeping the projections and of rebuilding them, each event counted once."""


HEALTHY = Parts()
