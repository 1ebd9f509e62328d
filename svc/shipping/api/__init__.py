"""Shipping over HTTP: quotes, parcels, the carrier's webhooks, and the rate table for the staff."""

from typing import Any

from svc.shipping.api.measures import AddressController, MeasuresController
from svc.shipping.api.parcels import ShipmentController, WebhookController
from svc.shipping.api.quotes import InternalQuoteController, QuoteController, RateController
from svc.shipping.api.rate_table import RateTableController
from svc.shipping.api.withholding import WithholdingController

ROUTES: tuple[Any, ...] = (
    RateController,
    QuoteController,
    InternalQuoteController,
    MeasuresController,
    AddressController,
    RateTableController,
    ShipmentController,
    WithholdingController,
    WebhookController,
)

__all__ = ["ROUTES"]
