"""Reports over HTTP: figures for staff, their rebuild for operators."""

from typing import Any

from svc.analytics.api.internal import InternalController
from svc.analytics.api.reports import ReportsController

ROUTES: tuple[Any, ...] = (ReportsController, InternalController)
