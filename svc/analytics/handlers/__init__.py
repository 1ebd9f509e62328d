"""The use cases of reporting: keep an event, fold new ones in, build the figures anew beside those in use."""

from svc.analytics.handlers.projecting import Project, project, prune, request_rebuild
from svc.analytics.handlers.recording import Recorder, open_days

__all__ = ["Project", "Recorder", "open_days", "project", "prune", "request_rebuild"]
