"""Shipping over HTTP: quotes, parcels, the carrier's webhooks, and the rate table for the staff."""

from typing import Any

from svc.shipping.api.parcels import ShipmentController, WebhookController
from svc.shipping.api.quotes import QuoteController, RateController
from svc.shipping.api.rate_table import RateTableController
from svc.shipping.api.withholding import WithholdingController

ROUTES: tuple[Any, ...] = (
    RateController,
    QuoteController,
    RateTableController,
    ShipmentController,
    WithholdingController,
    WebhookController,
)

__all__ = ["ROUTES"]
