"""The PSP over HTTP. A command is journalled before it is answered; a fault decides how it is answered."""

import asyncio
import time
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from scenarios.world.fingerprints import fingerprint_of
from scenarios.world.http_api import ApiError, Routes, answer, changed, decoded, integer, silence, trace_id
from scenarios.world.journals import PspRecord, iterate
from scenarios.world.psp.behaviour import PAYMENT_METHODS, Behaviour, Fault, Method
from scenarios.world.psp.payments import PAGE_MAX, Payment, new_dispute_id, new_refund_id
from scenarios.world.psp.provider import Provider
from shared.currencies import Currency
from shared.money import AMOUNT_MINOR_MAX

AmountMinor = Annotated[int, msgspec.Meta(gt=0, le=AMOUNT_MINOR_MAX)]
Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class PaymentCreate(msgspec.Struct, frozen=True):
    """Charge `amount_minor` of `currency`; `capture` false only authorises."""

    merchant_reference: Reference
    amount_minor: AmountMinor
    currency: Currency
    payment_method: str
    capture: bool = True


class CaptureCreate(msgspec.Struct, frozen=True):
    """Capture an authorised payment, all of it when no amount is given."""

    amount_minor: AmountMinor | None = None


class VoidCreate(msgspec.Struct, frozen=True):
    """Let go of an authorised payment."""


class RefundCreate(msgspec.Struct, frozen=True):
    """Give back part or all of a captured payment."""

    amount_minor: AmountMinor
    merchant_reference: Reference
    currency: str | None = None


class DisputeCreate(msgspec.Struct, frozen=True):
    """The customer's bank takes a captured payment back, all of it when no amount is given."""

    payment_id: str
    amount_minor: AmountMinor | None = None
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = "fraudulent"


class DisputeEnd(msgspec.Struct, frozen=True):
    """Who is right."""

    status: Literal["won", "lost"]


class PspApi:
    """The PSP's routes and, under /control, the operator's."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    """Ties payments, faults, journal and webhooks together."""

    def routes(self) -> Routes:
        """The table for the HTTP server."""
        return [
            web.post("/v1/payments", self.create_payment),
            web.get("/v1/payments", self.list_payments),
            web.get("/v1/payments/{id}", self.show_payment),
            web.post("/v1/payments/{id}/capture", self.capture),
            web.post("/v1/payments/{id}/void", self.void),
            web.post("/v1/payments/{id}/refunds", self.create_refund),
            web.get("/v1/refunds", self.list_refunds),
            web.get("/v1/payment-methods/{token}", self.show_method),
            web.get("/control/behaviour", self.show_behaviour),
            web.put("/control/behaviour", self.replace_behaviour),
            web.patch("/control/behaviour", self.change_behaviour),
            web.post("/control/disputes", self.open_dispute),
            web.post("/control/disputes/{id}", self.close_dispute),
            web.post("/control/reset", self.reset),
            web.post("/control/resend", self.resend),
            web.get("/control/stats", self.stats),
        ]

    # commands

    async def create_payment(self, request: web.Request) -> web.Response:
        """201 with the payment, also when it is declined; a known key gets its first answer again."""
        self._require_room()
        body = await decoded(request, PaymentCreate)
        method = PAYMENT_METHODS.get(body.payment_method)
        if method is None:
            raise ApiError(422, "unknown_payment_method", f"{body.payment_method} is no token of ours")
        key = request.headers.get("idempotency-key", "")
        fingerprint = fingerprint_of(request.path, body)
        replay = self._replayed(request, key, fingerprint)
        if replay is not None:
            return replay
        line = PspRecord(
            merchant_reference=body.merchant_reference,
            amount_minor=body.amount_minor,
            currency=body.currency,
            payment_method=body.payment_method,
            idempotency_key=key,
            fingerprint=fingerprint,
            trace_id=trace_id(request),
        )
        fault = self.provider.fault(line, "payment", method)
        lines = self.provider.charge(line, method, capture=body.capture)
        await self.provider.commit(lines)
        payment = self.provider.payments.by_id[lines[0].payment_id]
        return await self._answer(request, fault, lines[0], answer(payment, status=201))

    async def capture(self, request: web.Request) -> web.Response:
        """Capture what was authorised, within its time; a known key gets its first answer again."""
        self._require_room()
        body = await decoded(request, CaptureCreate) if await request.read() else CaptureCreate()
        payment = self.provider.payments.payment(request.match_info["id"])
        line = self._line_of(payment, request, operation="capture", fingerprint=fingerprint_of(request.path, body))
        replay = self._replayed(request, line.idempotency_key, line.fingerprint)
        if replay is not None:
            return replay
        if payment.status == "captured" and self.provider.behaviour.idempotency:
            self.provider.note("replayed", line)
            return answer(payment)
        await self._let_expire(payment, line)
        if payment.status not in {"authorised", "captured"}:
            raise ApiError(409, "not_capturable", f"the payment is {payment.status}")
        amount = payment.amount_minor if body.amount_minor is None else body.amount_minor
        if amount > payment.amount_minor:
            raise ApiError(422, "capture_exceeds_authorisation", f"at most {payment.amount_minor}")
        fault = self.provider.fault(line, "capture", Method())
        captured = msgspec.structs.replace(line, kind="capture", amount_minor=amount, status="captured")
        await self.provider.commit([captured, self.provider.webhook("payment.captured", captured)])
        return await self._answer(request, fault, captured, answer(payment))

    async def void(self, request: web.Request) -> web.Response:
        """Let an authorisation go; repeating it changes nothing."""
        self._require_room()
        payment = self.provider.payments.payment(request.match_info["id"])
        line = self._line_of(payment, request, operation="void", fingerprint=fingerprint_of(request.path, VoidCreate()))
        replay = self._replayed(request, line.idempotency_key, line.fingerprint)
        if replay is not None:
            return replay
        if payment.status in {"voided", "expired"}:
            return answer(payment)
        if payment.status != "authorised":
            raise ApiError(409, "not_voidable", f"the payment is {payment.status}")
        fault = self.provider.fault(line, "void", Method())
        voided = msgspec.structs.replace(line, kind="void", status="voided")
        await self.provider.commit([voided, self.provider.webhook("payment.voided", voided)])
        return await self._answer(request, fault, voided, answer(payment))

    async def _let_expire(self, payment: Payment, line: PspRecord) -> None:
        """What is asked for after its time is told to have ended."""
        if payment.status == "authorised" and payment.authorised_until <= time.time():
            ended = msgspec.structs.replace(line, kind="void", operation="", status="expired", idempotency_key="")
            await self.provider.commit([ended, self.provider.webhook("payment.expired", ended)])

    async def create_refund(self, request: web.Request) -> web.Response:
        """201 with the refund; refuses more than was captured while the guard is on."""
        self._require_room()
        body = await decoded(request, RefundCreate)
        payment = self.provider.payments.payment(request.match_info["id"])
        key = request.headers.get("idempotency-key", "")
        fingerprint = fingerprint_of(request.path, body)
        replay = self._replayed(request, key, fingerprint)
        if replay is not None:
            return replay
        line = PspRecord(
            payment_id=payment.id,
            payment_reference=payment.merchant_reference,
            merchant_reference=body.merchant_reference,
            amount_minor=body.amount_minor,
            currency=payment.currency,
            idempotency_key=key,
            fingerprint=fingerprint,
            trace_id=trace_id(request),
        )
        self._require_refundable(payment, body, line)
        fault = self.provider.fault(line, "refund", Method())
        refunded = msgspec.structs.replace(line, kind="refund", refund_id=new_refund_id(), status="succeeded")
        await self.provider.commit([refunded, self.provider.webhook("refund.succeeded", refunded)])
        refund = self.provider.payments.refunds[refunded.refund_id]
        return await self._answer(request, fault, refunded, answer(refund, status=201))

    # queries

    async def list_payments(self, request: web.Request) -> web.Response:
        """By `merchant_reference`, or all in pages (`after`, `limit`)."""
        reference = request.query.get("merchant_reference")
        if reference is not None:
            return answer({"items": self.provider.payments.of_reference(reference)})
        limit = integer(request, "limit", default=100, at_most=PAGE_MAX) or 1
        items, following = self.provider.payments.page(request.query.get("after", ""), limit)
        return answer({"items": items, "next": following})

    async def show_payment(self, request: web.Request) -> web.Response:
        return answer(self.provider.payments.payment(request.match_info["id"]))

    async def show_method(self, request: web.Request) -> web.Response:
        """The card behind a token, as far as it is shown to anybody."""
        token = request.match_info["token"]
        method = PAYMENT_METHODS.get(token)
        if method is None:
            raise ApiError(404, "unknown_payment_method", "no token of ours")
        return answer({"token": token, "brand": method.brand, "last4": method.last4})

    async def list_refunds(self, request: web.Request) -> web.Response:
        """By `merchant_reference` (the refund's)."""
        reference = request.query.get("merchant_reference")
        if reference is None:
            raise ApiError(400, "missing_parameter", "merchant_reference is required")
        return answer({"items": self.provider.payments.refunds_of_reference(reference)})

    # control

    async def show_behaviour(self, _: web.Request) -> web.Response:
        return answer(self.provider.behaviour)

    async def replace_behaviour(self, request: web.Request) -> web.Response:
        """Replace the whole programme; what is not named is healthy."""
        return self._behave(await decoded(request, Behaviour))

    async def change_behaviour(self, request: web.Request) -> web.Response:
        """Change a part of the programme; what is not named stays."""
        part = await decoded(request, dict[str, object])
        return self._behave(changed(self.provider.behaviour, part))

    def _behave(self, behaviour: Behaviour) -> web.Response:
        rates = (
            behaviour.timeout_after_success_rate,
            behaviour.error_then_success_rate,
            behaviour.slow_rate,
        )
        if sum(rates) > 1:
            raise ApiError(400, "invalid_body", "the three fault rates exceed 1 together")
        self.provider.behave(behaviour)
        return answer(behaviour)

    async def reset(self, _: web.Request) -> web.Response:
        """Behave well again. Payments and the journal stay: they happened."""
        self.provider.behave(Behaviour())
        return answer(Behaviour())

    async def open_dispute(self, request: web.Request) -> web.Response:
        """201 with the dispute, as if a customer had gone to the bank."""
        body = await decoded(request, DisputeCreate)
        payment = self.provider.payments.payment(body.payment_id)
        amount_minor = body.amount_minor or payment.captured_minor
        if not 0 < amount_minor <= payment.captured_minor:
            raise ApiError(409, "not_disputable", f"{payment.captured_minor} was captured")
        line = PspRecord(
            kind="dispute_opened",
            dispute_id=new_dispute_id(),
            payment_id=payment.id,
            merchant_reference=payment.merchant_reference,
            amount_minor=amount_minor,
            currency=payment.currency,
            reason=body.reason,
            status="opened",
            trace_id=trace_id(request),
        )
        await self.provider.commit([line, self.provider.webhook("dispute.opened", line)])
        return answer(self.provider.payments.disputes[line.dispute_id], status=201)

    async def close_dispute(self, request: web.Request) -> web.Response:
        """The bank's decision, once."""
        end = await decoded(request, DisputeEnd)
        dispute = self.provider.payments.disputes.get(request.match_info["id"])
        if dispute is None or dispute.status != "opened":
            raise ApiError(409, "not_open", "there is no such open dispute")
        payment = self.provider.payments.payment(dispute.payment_id)
        line = PspRecord(
            kind=f"dispute_{end.status}",
            dispute_id=dispute.id,
            payment_id=payment.id,
            merchant_reference=payment.merchant_reference,
            amount_minor=dispute.amount_minor,
            currency=payment.currency,
            reason=dispute.reason,
            status=end.status,
            trace_id=trace_id(request),
        )
        await self.provider.commit([line, self.provider.webhook(f"dispute.{end.status}", line)])
        return answer(dispute)

    async def resend(self, request: web.Request) -> web.Response:
        """Send the webhooks of a merchant reference once more."""
        reference = request.query.get("merchant_reference", "")
        again = [
            record
            for record in iterate(self.provider.journal.path, PspRecord)
            if record.kind == "webhook_queued" and record.merchant_reference == reference
        ]
        self.provider.webhooks.resend(again)
        return answer({"webhooks": len(again)}, status=202)

    async def stats(self, _: web.Request) -> web.Response:
        """Counts by journal kind and the state of the webhooks: what probes and quiescence ask."""
        counts = {"counts": self.provider.payments.moved}
        return answer(counts | self.provider.webhooks.stats())

    # pieces

    def _require_room(self) -> None:
        if not self.provider.webhooks.has_room:
            raise ApiError(503, "webhook_backlog_full", "too many webhooks wait for the merchant")

    def _require_refundable(self, payment: Payment, body: RefundCreate, line: PspRecord) -> None:
        if body.currency is not None and body.currency != payment.currency:
            raise ApiError(422, "currency_mismatch", f"the payment is in {payment.currency}")
        if payment.captured_minor == 0:
            raise ApiError(409, "not_refundable", f"the payment is {payment.status}")
        left = payment.captured_minor - payment.refunded_minor
        if self.provider.behaviour.refund_guard and body.amount_minor > left:
            self.provider.note("refused", line, detail="refund_exceeds_capture")
            raise ApiError(422, "refund_exceeds_capture", f"{left} is left to refund")

    def _replayed(self, request: web.Request, key: str, fingerprint: str) -> web.Response | None:
        if not key or not self.provider.behaviour.idempotency:
            return None
        answered = self.provider.payments.answered(key, fingerprint)
        if answered is None:
            return None
        if answered.refund_id:
            refund = self.provider.payments.refunds[answered.refund_id]
            response = answer(refund, status=201)
            reference = refund.merchant_reference
            operation = ""
        else:
            payment = self.provider.payments.by_id[answered.payment_id]
            operation = answered.operation
            told = msgspec.structs.replace(payment, status=answered.status)
            response = answer(told, status=200 if operation else 201)
            reference = payment.merchant_reference
        self.provider.note(
            "replayed",
            PspRecord(
                payment_id=answered.payment_id,
                refund_id=answered.refund_id,
                merchant_reference=reference,
                idempotency_key=key,
                operation=operation,
                trace_id=trace_id(request),
            ),
        )
        response.headers["Idempotent-Replayed"] = "true"
        return response

    async def _answer(
        self, request: web.Request, fault: Fault, line: PspRecord, response: web.Response
    ) -> web.Response:
        if fault is Fault.TIMEOUT_AFTER_SUCCESS:
            self.provider.note("withheld", line)
            return await silence(request, self.provider.behaviour.hold_s)
        if fault is Fault.SLOW:
            self.provider.note("slowed", line)
            await asyncio.sleep(self.provider.behaviour.slow_s)
        return response

    def _line_of(self, payment: Payment, request: web.Request, *, operation: str, fingerprint: str) -> PspRecord:
        return PspRecord(
            operation=operation,
            fingerprint=fingerprint,
            payment_id=payment.id,
            merchant_reference=payment.merchant_reference,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            idempotency_key=request.headers.get("idempotency-key", ""),
            trace_id=trace_id(request),
        )
