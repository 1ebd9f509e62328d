"""The gateway to phones: SMS and push messages, behind a Protocol."""

from typing import Protocol
from uuid import UUID

import msgspec

from shared.circuit_breaker import CircuitBreaker
from shared.partner_client import PartnerClient, PartnerRefusal
from svc.notifications.clients.refusing import NotTakenError
from svc.notifications.domain import Channel

TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 64 * 1024


class Phones(Protocol):
    """Takes one short message at a time; the same `reference` again is the same message.

    Raises `NotTakenError`, and `RemoteUnavailableError` or `RemoteTimeoutError` where nobody knows.
    """

    async def send(self, channel: Channel, to: str, *, title: str, text: str, reference: UUID) -> None: ...


class _Taken(msgspec.Struct, frozen=True):
    id: str


class PhoneGateway:
    """The gateway over HTTP. Open it inside the loop, close it at the end."""

    def __init__(self, url: str, *, breaker: CircuitBreaker) -> None:
        self._partner = PartnerClient(
            "phones", url, breaker=breaker, timeout_s=TIMEOUT_S, answer_bytes_max=ANSWER_BYTES_MAX
        )

    async def open(self) -> None:
        """Make the connection pool; connects to nothing yet."""
        await self._partner.open()

    async def close(self) -> None:
        """Drop the connections."""
        await self._partner.close()

    async def send(self, channel: Channel, to: str, *, title: str, text: str, reference: UUID) -> None:
        """Hand the message over; when this returns the gateway has it, once."""
        message = {"to": to, "title": title, "text": text, "reference": str(reference)}
        try:
            await self._partner.call("POST", f"/{channel.value}", _Taken, json=message, idempotency_key=str(reference))
        except PartnerRefusal as refusal:
            raise NotTakenError(str(refusal), permanent=refusal.final) from refusal
