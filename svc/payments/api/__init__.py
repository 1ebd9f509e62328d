"""Payments over HTTP: charges, authorisations, kept methods, refunds, webhooks, the books, quotes of exchange rates."""

from typing import Any

from svc.payments.api.authorisations import AuthorisationController
from svc.payments.api.methods import PaymentMethodController
from svc.payments.api.payments import InternalController, PaymentController, RefundController, WebhookController
from svc.payments.api.quotes import QuoteController

ROUTES: tuple[Any, ...] = (
    PaymentController,
    AuthorisationController,
    PaymentMethodController,
    RefundController,
    WebhookController,
    InternalController,
    QuoteController,
)
