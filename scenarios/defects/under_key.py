"""What the charging twins share: the payment provider, asked under another key than the payment's own."""

from uuid import UUID

from svc.payments.clients import Psp, PspPayment


class UnderKey:
    """For one charge; whoever asks this provider anything else has mistaken it."""

    def __init__(self, psp: Psp, key: str) -> None:
        self._psp = psp
        self._key = key

    async def charge(
        self, order_id: UUID, *, amount_minor: int, currency: str, payment_method: str, idempotency_key: str
    ) -> PspPayment:
        """Charge, whatever key was meant."""
        del idempotency_key
        return await self._psp.charge(
            order_id,
            amount_minor=amount_minor,
            currency=currency,
            payment_method=payment_method,
            idempotency_key=self._key,
        )
