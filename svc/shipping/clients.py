"""The carrier, behind a Protocol: labels, hand-overs, and asking what it knows.

Raises `RemoteUnavailableError` (`effect_possible` False: never arrived), `RemoteTimeoutError` (in doubt) and
`PartnerRefusal` (4xx: certainly no effect). Never repeats a call by itself.
"""

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import quote
from uuid import UUID

import msgspec

from shared.circuit_breaker import CircuitBreaker
from shared.contracts import Address
from shared.partner_client import PartnerClient

ANSWER_BYTES_MAX = 256 * 1024


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A label as the carrier tells it; `merchant_reference` is our shipment's id."""

    tracking_number: str
    label_url: str
    merchant_reference: str = ""
    status: str = "label"


class Carrier(Protocol):
    """What shipping needs of a carrier."""

    async def label(
        self, shipment_id: UUID, *, order_id: UUID, address: Address, weight_g: int, service: str, idempotency_key: str
    ) -> Label: ...
    async def labels_of(self, shipment_id: UUID) -> Sequence[Label]: ...
    async def hand_over(self, tracking_number: str) -> Label: ...
    async def track(self, tracking_number: str) -> Label: ...


class _Labels(msgspec.Struct, frozen=True):
    items: list[Label]


class HttpCarrier:
    """The carrier over HTTP. Open it inside the loop, close it at the end; every call is bounded by `timeout_s`."""

    def __init__(self, url: str, *, breaker: CircuitBreaker, timeout_s: float) -> None:
        self._partner = PartnerClient(
            "carrier", url, breaker=breaker, timeout_s=timeout_s, answer_bytes_max=ANSWER_BYTES_MAX
        )

    async def open(self) -> None:
        """Make the connection pool; connects to nothing yet."""
        await self._partner.open()

    async def close(self) -> None:
        """Drop the connections."""
        await self._partner.close()

    async def label(
        self, shipment_id: UUID, *, order_id: UUID, address: Address, weight_g: int, service: str, idempotency_key: str
    ) -> Label:
        """Order a label; a repeat with the same key gets the first one."""
        body = {
            "merchant_reference": str(shipment_id),
            "order_id": str(order_id),
            "address": msgspec.to_builtins(address),
            "weight_g": weight_g,
            "service": service,
        }
        return await self._partner.call("POST", "/v1/labels", Label, json=body, idempotency_key=idempotency_key)

    async def labels_of(self, shipment_id: UUID) -> Sequence[Label]:
        """Every label the carrier made for the shipment; more than one is a label too many."""
        return (await self._partner.call("GET", f"/v1/labels?merchant_reference={shipment_id}", _Labels)).items

    async def hand_over(self, tracking_number: str) -> Label:
        """Give the parcel to the driver; repeating it changes nothing."""
        return await self._partner.call("POST", "/v1/handovers", Label, json={"tracking_number": tracking_number})

    async def track(self, tracking_number: str) -> Label:
        """Where the parcel is."""
        return await self._partner.call("GET", f"/v1/tracking/{quote(tracking_number, safe='')}", Label)
