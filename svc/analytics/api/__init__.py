"""Reports over HTTP: figures for staff, reports of their own, the rebuild for operators."""

from typing import Any

from svc.analytics.api.builder import BuilderController
from svc.analytics.api.internal import InternalController
from svc.analytics.api.reports import ReportsController
from svc.analytics.api.schedules import SchedulesController

ROUTES: tuple[Any, ...] = (ReportsController, BuilderController, SchedulesController, InternalController)
