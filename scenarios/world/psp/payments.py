"""What the PSP knows: payments, refunds and idempotency keys, all of it rebuilt from its own journal.

Every change is a journal record first; `apply` is the only way state changes, so that a restart and a live run
agree by construction. It knows nothing of HTTP and nothing of faults.
"""

import secrets
from collections import Counter
from collections.abc import Iterable

import msgspec

from scenarios.world.http_api import ApiError
from scenarios.world.journals import PspRecord

PAGE_MAX = 500


class Refund(msgspec.Struct, kw_only=True, gc=False):
    """Money given back."""

    id: str
    payment_id: str
    merchant_reference: str
    amount_minor: int
    currency: str
    status: str
    created: int


class Dispute(msgspec.Struct, kw_only=True, gc=False):
    """Money that the customer's bank took back, for as long as it is not won."""

    id: str
    payment_id: str
    amount_minor: int
    reason: str
    status: str
    created: int


class Payment(msgspec.Struct, kw_only=True):
    """One payment; its id is never reused. Amounts are minor units of `currency`."""

    id: str
    merchant_reference: str
    amount_minor: int
    currency: str
    payment_method: str
    status: str
    created: int
    decline_code: str | None = None
    authorised_until: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    refunds: list[Refund] = []
    disputes: list[Dispute] = []


class Answered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an idempotency key stands for: the request it came with and the answer it was given."""

    fingerprint: str
    payment_id: str
    refund_id: str
    status: str
    operation: str = ""


class Payments:
    """All payments and refunds of the PSP."""

    def __init__(self) -> None:
        self.by_id: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.disputes: dict[str, Dispute] = {}
        self.attempts: Counter[str] = Counter()
        self.moved: Counter[str] = Counter()
        self._order: list[str] = []
        self._by_reference: dict[str, list[str]] = {}
        self._refunds_by_reference: dict[str, list[str]] = {}
        self._answered: dict[str, Answered] = {}

    def load(self, history: Iterable[PspRecord]) -> None:
        """Rebuild from the journal."""
        for record in history:
            self.apply(record)

    def apply(self, record: PspRecord) -> None:
        """Let one journalled record take effect."""
        self.moved[record.kind] += 1
        match record.kind:
            case "authorise" | "decline":
                self._add(record)
            case "capture":
                payment = self.by_id[record.payment_id]
                payment.status = "captured"
                payment.captured_minor += record.amount_minor
                self._remember_operation(record)
            case "void":
                self.by_id[record.payment_id].status = record.status or "voided"
                self._remember_operation(record)
            case "refund":
                self._add_refund(record)
            case "dispute_opened":
                self._add_dispute(record)
            case "dispute_won" | "dispute_lost":
                self.disputes[record.dispute_id].status = record.kind.removeprefix("dispute_")
            case "error":
                self.attempts[attempted(record)] += 1
            case _:
                pass

    def payment(self, payment_id: str) -> Payment:
        """Raises ApiError 404 unknown_payment."""
        try:
            return self.by_id[payment_id]
        except KeyError:
            raise ApiError(404, "unknown_payment", f"no payment {payment_id}") from None

    def of_reference(self, reference: str) -> list[Payment]:
        """Every payment made for a merchant reference, oldest first; more than one is a double charge."""
        return [self.by_id[payment_id] for payment_id in self._by_reference.get(reference, ())]

    def refunds_of_reference(self, reference: str) -> list[Refund]:
        """Every refund made for a merchant reference, oldest first."""
        return [self.refunds[refund_id] for refund_id in self._refunds_by_reference.get(reference, ())]

    def page(self, after: str, limit: int) -> tuple[list[Payment], str | None]:
        """At most `limit` payments in order of creation after the payment `after`, and the next cursor."""
        start = self._order.index(after) + 1 if after in self.by_id else 0
        ids = self._order[start : start + limit]
        more = start + limit < len(self._order)
        return [self.by_id[payment_id] for payment_id in ids], ids[-1] if more else None

    def answered(self, key: str, fingerprint: str) -> Answered | None:
        """The answer already given under a key. Raises ApiError 422 idempotency_key_reused."""
        answered = self._answered.get(key)
        if answered is None:
            return None
        if answered.fingerprint != fingerprint:
            raise ApiError(422, "idempotency_key_reused", "this key came with another request")
        return answered

    def _add(self, record: PspRecord) -> None:
        payment = Payment(
            id=record.payment_id,
            merchant_reference=record.merchant_reference,
            amount_minor=record.amount_minor,
            currency=record.currency,
            payment_method=record.payment_method,
            status="declined" if record.kind == "decline" else "authorised",
            created=int(record.at),
            decline_code=record.decline_code or None,
            authorised_until=record.authorised_until,
        )
        self.by_id[payment.id] = payment
        self._order.append(payment.id)
        self._by_reference.setdefault(payment.merchant_reference, []).append(payment.id)
        self._remember(record)

    def _add_refund(self, record: PspRecord) -> None:
        refund = Refund(
            id=record.refund_id,
            payment_id=record.payment_id,
            merchant_reference=record.merchant_reference,
            amount_minor=record.amount_minor,
            currency=record.currency,
            status="succeeded",
            created=int(record.at),
        )
        payment = self.by_id[record.payment_id]
        payment.refunded_minor += refund.amount_minor
        payment.refunds.append(refund)
        self.refunds[refund.id] = refund
        self._refunds_by_reference.setdefault(refund.merchant_reference, []).append(refund.id)
        self._remember(record)

    def _add_dispute(self, record: PspRecord) -> None:
        dispute = Dispute(
            id=record.dispute_id,
            payment_id=record.payment_id,
            amount_minor=record.amount_minor,
            reason=record.reason,
            status="opened",
            created=int(record.at),
        )
        self.disputes[dispute.id] = dispute
        self.by_id[dispute.payment_id].disputes.append(dispute)

    def _remember_operation(self, record: PspRecord) -> None:
        """What a charge captured at once is remembered with it."""
        if record.operation:
            self._remember(record)

    def _remember(self, record: PspRecord) -> None:
        self.attempts[attempted(record)] += 1
        if record.idempotency_key:
            # The first answer stands, also where the switch was off when the key came again.
            self._answered.setdefault(
                record.idempotency_key,
                Answered(
                    fingerprint=record.fingerprint,
                    payment_id=record.payment_id,
                    refund_id=record.refund_id,
                    status=record.status,
                    operation=record.operation,
                ),
            )


def attempted(record: PspRecord) -> str:
    """What attempts are counted by: the merchant's reference, for a capture or void apart that operation on it."""
    return f"{record.operation} {record.merchant_reference}" if record.operation else record.merchant_reference


def new_payment_id() -> str:
    """An id the PSP has never given before."""
    return f"pay_{secrets.token_hex(10)}"


def new_refund_id() -> str:
    """An id the PSP has never given before."""
    return f"ref_{secrets.token_hex(10)}"


def new_dispute_id() -> str:
    """An id the PSP has never given before."""
    return f"dsp_{secrets.token_hex(10)}"
