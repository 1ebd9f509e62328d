"""The use cases of reporting: keep an event, fold new ones in, build the figures anew, save reports."""

from svc.analytics.handlers.projecting import Project, project, prune, request_rebuild
from svc.analytics.handlers.recording import Recorder, open_days
from svc.analytics.handlers.saving import ReportNameTaken, ReportNotFound, delete_report, save_report, saved_report

__all__ = [
    "Project",
    "Recorder",
    "ReportNameTaken",
    "ReportNotFound",
    "delete_report",
    "open_days",
    "project",
    "prune",
    "request_rebuild",
    "save_report",
    "saved_report",
]
