"""Payments over HTTP: charges, authorisations, kept methods, refunds, disputes, webhooks, books, quotes of rates."""

from typing import Any

from svc.payments.api.authorisations import AuthorisationController
from svc.payments.api.disputes import DisputeController
from svc.payments.api.methods import PaymentMethodController
from svc.payments.api.payments import InternalController, PaymentController, RefundController, WebhookController
from svc.payments.api.quotes import QuoteController
from svc.payments.api.reports import ReportController

ROUTES: tuple[Any, ...] = (
    PaymentController,
    AuthorisationController,
    PaymentMethodController,
    RefundController,
    DisputeController,
    ReportController,
    WebhookController,
    InternalController,
    QuoteController,
)
