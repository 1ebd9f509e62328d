"""Payments over HTTP: look-ups for their owners, refunds for staff, webhooks from the PSP, the daily reconciliation."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter, SkipValidation

from shared import idempotency, webhook_inbox, webhook_signatures
from shared.card_data import refuse_card_data
from shared.database import Database
from shared.errors import Refusal
from shared.identity import Principal, requires_role
from shared.money import Money, MoneyWire
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from shared.problem_details import refusal_body
from shared.validated import Token, line
from svc.payments.api.reports import KeptReconciliation, read
from svc.payments.clients import Psp
from svc.payments.domain import NotReconciled, UnknownPayment, UnknownRefund
from svc.payments.handlers import annulling, corrections, disputes, duplicates, receivables, reconciliation, reversals
from svc.payments.handlers.reconciliation import Reconciliation
from svc.payments.parts import Parts
from svc.payments.settings import Settings
from svc.payments.store import payments, reconciliations, refunds
from svc.payments.store.payments import Payment
from svc.payments.store.refunds import Refund

STAFF = ("admin", "support", "service")
REFUNDS_SHOWN_MAX = 50
DISOWNED_MAX = 1_000
WEBHOOK_BYTES_MAX = 64 * 1024
_JSON = "application/json"

Cursor = Annotated[str | None, QueryParameter(max_length=512, required=False)]
IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key", required=False)]

Wake = Callable[[], None]


class RefundCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """No `amount` means everything that is left."""

    reason: Annotated[str, line(200)]
    amount: MoneyWire | None = None


class DuplicateReturn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    psp_payment_id: Token


class PriceDifference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: MoneyWire


class RefundView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    payment_id: UUID
    amount: MoneyWire
    reason: str
    status: str
    created_at: datetime


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: pending, processing, authorised, captured, partially_refunded, refunded, failed or cancelled."""

    id: UUID
    order_id: UUID
    status: str
    amount: MoneyWire
    captured: MoneyWire
    refunded: MoneyWire
    created_at: datetime
    refunds: list[RefundView] = []


class Received(msgspec.Struct, frozen=True):
    received: bool
    fresh: bool


class Owed(msgspec.Struct, frozen=True):
    """What was written down as owed by the customer, in minor units of the payment's currency."""

    owed_minor: int


class Misread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The event that was taken for an order."""

    event_id: UUID


class Annulled(msgspec.Struct, frozen=True):
    """What goes back, in minor units of the payment's currency; nothing where it was annulled before."""

    given_back_minor: int


class Disowned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stored webhooks that the PSP never sent."""

    event_ids: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=200)]], msgspec.Meta(min_length=1, max_length=DISOWNED_MAX)
    ]


class Reversed(msgspec.Struct, frozen=True):
    """What was taken out of the books, in minor units of the payment's currency."""

    reversed_minor: int


class PaymentController(Controller):
    path = "/api/v1/payments"
    tags = ("payments",)
    before_request = refuse_card_data

    @get("/")
    async def list_payments(
        self,
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        order_id: FromQuery[UUID | None] = None,
        cursor: Cursor = None,
        limit: PageLimit = None,
    ) -> Page[PaymentView]:
        """One's own payments, or those of one order; staff see everyone's."""
        size = page_size(limit)
        after = decode_cursor(cursor, "payments", tuple[UUID])[0] if cursor else None
        async with database.acquire() as connection:
            rows = await payments.page(
                connection, customer_id=principal.sees_of(*STAFF), order_id=order_id, after=after, rows_max=size + 1
            )
        page = make_page(rows, size, order="payments", key=lambda row: (row.id,))
        return Page([_payment_view(row) for row in page.items], page.next_cursor)

    @get("/{payment_id:uuid}")
    async def show_payment(
        self, payment_id: FromPath[UUID], principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> PaymentView:
        """A payment with its refunds."""
        async with database.acquire() as connection:
            payment = await _visible(connection, payment_id, principal)
            of_payment = await refunds.of_payment(connection, payment_id, rows_max=REFUNDS_SHOWN_MAX)
        return _payment_view(payment, [_refund_view(refund) for refund in of_payment])

    @post(
        "/{payment_id:uuid}/refunds",
        guards=[requires_role("admin", "support")],
        responses={201: ResponseSpec(RefundView, description="the refund; a job sends it")},
    )
    async def create_refund(
        self,
        payment_id: FromPath[UUID],
        data: JSONBody[RefundCreate],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        parts: NamedDependency[SkipValidation[Parts]],
        wake_refunds: NamedDependency[SkipValidation[Wake]],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[bytes]:
        """Promise money back; a job sends it to the PSP. The same key and body give the same refund."""
        key = idempotency.checked_key(idempotency_key)
        scope = f"{principal.subject}:POST:/api/v1/payments/{payment_id}/refunds"
        amount = None if data.amount is None else Money.from_wire(data.amount)
        async with database.begin() as uow:
            known = await idempotency.claim(uow.connection, scope, key, fingerprint=idempotency.fingerprint(data))
            if known is not None:
                return _answer(known, replayed="true")
            try:
                refund = await parts.request_refund(
                    uow, payment_id, amount=amount, reason=data.reason, requested_by=principal.subject
                )
            except Refusal as refusal:
                status, body = refusal_body(refusal)
                answer = idempotency.Answer(status, msgspec.json.encode(body, enc_hook=str))
            else:
                answer = idempotency.Answer(201, msgspec.json.encode(_refund_view(refund)))
                uow.after_commit(wake_refunds)
            answer = await idempotency.complete(uow.connection, scope, key, answer)
        return _answer(answer, replayed="false")

    @get("/{payment_id:uuid}/refunds")
    async def list_refunds(
        self,
        payment_id: FromPath[UUID],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        cursor: Cursor = None,
        limit: PageLimit = None,
    ) -> Page[RefundView]:
        """The refunds of a payment."""
        size = page_size(limit)
        after = decode_cursor(cursor, "refunds", tuple[UUID])[0] if cursor else None
        async with database.acquire() as connection:
            await _visible(connection, payment_id, principal)
            rows = await refunds.of_payment(connection, payment_id, after=after, rows_max=size + 1)
        page = make_page(rows, size, order="refunds", key=lambda row: (row.id,))
        return Page([_refund_view(row) for row in page.items], page.next_cursor)


class RefundController(Controller):
    path = "/api/v1/refunds"
    tags = ("payments",)

    @get("/{refund_id:uuid}")
    async def show_refund(
        self, refund_id: FromPath[UUID], principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> RefundView:
        """A refund as it stands."""
        async with database.acquire() as connection:
            refund = await refunds.of_id(connection, refund_id)
            if refund is None:
                raise UnknownRefund("there is no such refund")
            try:
                await _visible(connection, refund.payment_id, principal)
            except UnknownPayment:
                raise UnknownRefund("there is no such refund") from None
        return _refund_view(refund)


class WebhookController(Controller):
    path = "/api/v1/webhooks/psp"
    tags = ("webhooks",)
    before_request = refuse_card_data

    @post("/", opt={"public": True}, status_code=200, request_max_body_size=WEBHOOK_BYTES_MAX)
    async def receive(
        self,
        request: Request[Any, Any, Any],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        parts: NamedDependency[SkipValidation[Parts]],
        wake_webhooks: NamedDependency[SkipValidation[Wake]],
    ) -> Received:
        """Store a signed event of the PSP; it is applied right after. Copies change nothing."""
        body = await request.body()
        webhook_signatures.verify(
            request.headers.get(webhook_signatures.HEADER), body, secrets=config.webhook_secrets, now_s=time.time()
        )
        async with database.begin() as uow:
            fresh = await parts.record_webhook(uow, body)
            if fresh:
                uow.after_commit(wake_webhooks)
        return Received(received=True, fresh=fresh)


class Applied(msgspec.Struct, frozen=True):
    applied: int


class InternalController(Controller):
    path = "/internal"
    tags = ("internal",)
    before_request = refuse_card_data
    guards = (requires_role("service"),)

    @get("/reconciliation")
    async def reconcile(self, database: NamedDependency[Database], psp: NamedDependency[Psp]) -> Reconciliation:
        """Our books against the PSP's, with what would mend each difference."""
        return await reconciliation.reconcile(database, psp)

    @get("/reconciliation/latest")
    async def show_reconciliation(self, database: NamedDependency[Database]) -> KeptReconciliation:
        """The report of the last daily reconciliation."""
        async with database.acquire() as connection:
            kept = await reconciliations.latest(connection)
        if kept is None:
            raise NotReconciled("the books were not compared yet")
        return read(kept)

    @post("/payments/{order_id:uuid}/disputes", status_code=200)
    async def apply_disputes(
        self, order_id: FromPath[UUID], database: NamedDependency[Database], psp: NamedDependency[Psp]
    ) -> Applied:
        """Apply what the PSP says of the order's disputes and no webhook told; repeating it changes nothing."""
        found = await disputes.disputes_at(psp, order_id)
        async with database.begin() as uow:
            return Applied(await disputes.catch_up(uow, order_id, found))

    @post("/payments/{order_id:uuid}/reversals", status_code=200)
    async def reverse(
        self, order_id: FromPath[UUID], database: NamedDependency[Database], psp: NamedDependency[Psp]
    ) -> Reversed:
        """Take captures out of the books that the PSP never made; repeating it changes nothing."""
        told = await reversals.captures_at(psp, order_id)
        async with database.begin() as uow:
            reversed_ones = await reversals.reverse(uow, order_id, told)
        return Reversed(sum(one.amount_minor for one in reversed_ones))

    @post("/payments/{order_id:uuid}/refund-reversals", status_code=200)
    async def reverse_refunds(
        self,
        order_id: FromPath[UUID],
        database: NamedDependency[Database],
        wake_refunds: NamedDependency[SkipValidation[Wake]],
    ) -> Reversed:
        """Take refunds out of the books that never were made; repeating it changes nothing."""
        async with database.begin() as uow:
            reversed_minor = await reversals.reverse_refunds(uow, order_id)
            uow.after_commit(wake_refunds)
        return Reversed(reversed_minor)

    @post("/payments/{order_id:uuid}/receivable", status_code=200)
    async def record_excess(
        self, order_id: FromPath[UUID], database: NamedDependency[Database], psp: NamedDependency[Psp]
    ) -> Owed:
        """Write down what went back beyond the capture as owed by the customer; repeating it changes nothing."""
        told = await reversals.captures_at(psp, order_id)
        async with database.begin() as uow:
            return Owed(await receivables.record_excess(uow, order_id, told))

    @post("/webhooks/disown", status_code=200)
    async def disown(self, data: JSONBody[Disowned], database: NamedDependency[Database]) -> Applied:
        """Mark stored events as none of the PSP's; it says so by its journal. Repeating it changes nothing."""
        async with database.begin() as uow:
            return Applied(await webhook_inbox.disown(uow.connection, data.event_ids))

    @post("/payments/{order_id:uuid}/annulment", status_code=200)
    async def annul(
        self,
        order_id: FromPath[UUID],
        data: JSONBody[Misread],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        wake_refunds: NamedDependency[SkipValidation[Wake]],
    ) -> Annulled:
        """Give back what was captured for an order that never was; repeating it changes nothing."""
        async with database.begin() as uow:
            given_back_minor = await annulling.annul(uow, order_id, data.event_id, decided_by=principal.subject)
            uow.after_commit(wake_refunds)
        return Annulled(given_back_minor)

    @post("/payments/{order_id:uuid}/duplicates", status_code=200)
    async def return_duplicate(
        self,
        order_id: FromPath[UUID],
        data: JSONBody[DuplicateReturn],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        psp: NamedDependency[Psp],
        wake_refunds: NamedDependency[SkipValidation[Wake]],
    ) -> RefundView:
        """Give back a capture the order did not owe; repeating it changes nothing."""
        extra = await duplicates.find_duplicate(psp, order_id, data.psp_payment_id)
        async with database.begin() as uow:
            refund = await duplicates.return_duplicate(uow, order_id, extra, requested_by=principal.subject)
            uow.after_commit(wake_refunds)
        return _refund_view(refund)

    @post("/payments/{order_id:uuid}/price-difference", status_code=200)
    async def return_difference(
        self,
        order_id: FromPath[UUID],
        data: JSONBody[PriceDifference],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        wake_refunds: NamedDependency[SkipValidation[Wake]],
    ) -> RefundView:
        """Give back what a wrong price took too much; repeating it changes nothing."""
        async with database.begin() as uow:
            refund = await corrections.return_difference(
                uow, order_id, Money.from_wire(data.amount), requested_by=principal.subject
            )
            uow.after_commit(wake_refunds)
        return _refund_view(refund)


async def _visible(connection: Any, payment_id: UUID, principal: Principal) -> Payment:
    payment = await payments.of_id(connection, payment_id)
    owner = principal.sees_of(*STAFF)
    if payment is None or owner not in {None, payment.customer_id}:
        raise UnknownPayment("there is no such payment")
    return payment


def _payment_view(payment: Payment, shown: list[RefundView] | None = None) -> PaymentView:
    return PaymentView(
        id=payment.id,
        order_id=payment.order_id,
        status=_shown_status(payment),
        amount=Money(payment.amount_minor, payment.currency).to_wire(),
        captured=Money(payment.captured_minor, payment.currency).to_wire(),
        refunded=Money(payment.owed_refunded_minor, payment.currency).to_wire(),
        created_at=payment.created_at,
        refunds=shown or [],
    )


def _shown_status(payment: Payment) -> str:
    if payment.status == "unknown":
        return "processing"
    if payment.status != "captured" or not payment.owed_refunded_minor:
        return payment.status.value
    return "refunded" if payment.owed_refunded_minor >= payment.captured_minor else "partially_refunded"


def _refund_view(refund: Refund) -> RefundView:
    return RefundView(
        id=refund.id,
        payment_id=refund.payment_id,
        amount=Money(refund.amount_minor, refund.currency).to_wire(),
        reason=refund.reason,
        status="processing" if refund.status == "unknown" else refund.status.value,
        created_at=refund.created_at,
    )


def _answer(answer: idempotency.Answer, *, replayed: str) -> Response[bytes]:
    media_type = _JSON if answer.status < 400 else "application/problem+json"
    return Response(
        answer.body, status_code=answer.status, media_type=media_type, headers={"Idempotency-Replayed": replayed}
    )
