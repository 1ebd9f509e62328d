"""Payments over HTTP: what was charged, authorisations, refunds, webhooks, the books, quotes of exchange rates."""

from typing import Any

from svc.payments.api.authorisations import AuthorisationController
from svc.payments.api.payments import InternalController, PaymentController, RefundController, WebhookController
from svc.payments.api.quotes import QuoteController

ROUTES: tuple[Any, ...] = (
    PaymentController,
    AuthorisationController,
    RefundController,
    WebhookController,
    InternalController,
    QuoteController,
)
