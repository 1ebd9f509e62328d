"""Shipping over HTTP: quotes, parcels, the carrier's webhooks, and the rate table for the staff."""

from typing import Any

from svc.shipping.api.parcels import ShipmentController, WebhookController
from svc.shipping.api.quotes import QuoteController, RateController
from svc.shipping.api.rate_table import RateTableController

ROUTES: tuple[Any, ...] = (RateController, QuoteController, RateTableController, ShipmentController, WebhookController)

__all__ = ["ROUTES"]
