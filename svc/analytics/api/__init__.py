"""Reports over HTTP: figures for staff, reports of their own, the rebuild for operators."""

from typing import Any

from svc.analytics.api.builder import BuilderController
from svc.analytics.api.internal import InternalController
from svc.analytics.api.reports import ReportsController

ROUTES: tuple[Any, ...] = (ReportsController, BuilderController, InternalController)
