"""What the carrier knows: labels and where the parcels are, rebuilt from its own journal."""

import secrets
from collections import Counter
from collections.abc import Iterable

import msgspec

from scenarios.world.http_api import ApiError
from scenarios.world.journals import CarrierRecord

STAGES = ("label", "handed_over", "in_transit", "delivered")


class Shipment(msgspec.Struct, kw_only=True, gc=False):
    """One parcel; `stage_at` is the epoch second it reached `status`."""

    tracking_number: str
    shipment_id: str
    order_id: str
    service: str
    status: str
    stage_at: float
    trace_id: str = ""


class Shipments:
    """All parcels of the carrier."""

    def __init__(self) -> None:
        self.by_tracking: dict[str, Shipment] = {}
        self.counts: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()
        self._by_shipment: dict[str, list[str]] = {}
        self._answered: dict[str, tuple[str, str]] = {}

    def load(self, history: Iterable[CarrierRecord]) -> None:
        """Rebuild from the journal."""
        for record in history:
            self.apply(record)

    def apply(self, record: CarrierRecord) -> None:
        """Let one journalled record take effect."""
        self.counts[record.kind] += 1
        if record.kind == "label":
            self._add(record)
        elif record.kind in STAGES:
            shipment = self.by_tracking[record.tracking_number]
            shipment.status = record.kind
            shipment.stage_at = record.at
        elif record.kind == "error":
            self.attempts[record.shipment_id] += 1

    def shipment(self, tracking_number: str) -> Shipment:
        """Raises ApiError 404 unknown_tracking_number."""
        try:
            return self.by_tracking[tracking_number]
        except KeyError:
            raise ApiError(404, "unknown_tracking_number", f"no parcel {tracking_number}") from None

    def of_shipment(self, shipment_id: str) -> list[Shipment]:
        """Every label made for a shipment of the merchant; more than one is a label paid twice."""
        return [self.by_tracking[number] for number in self._by_shipment.get(shipment_id, ())]

    def under_way(self) -> list[Shipment]:
        """Parcels that were handed over and are not delivered."""
        return [parcel for parcel in self.by_tracking.values() if parcel.status in {"handed_over", "in_transit"}]

    def answered(self, key: str, fingerprint: str) -> Shipment | None:
        """The label already made under a key. Raises ApiError 422 idempotency_key_reused."""
        known = self._answered.get(key)
        if known is None:
            return None
        if known[0] != fingerprint:
            raise ApiError(422, "idempotency_key_reused", "this key came with another request")
        return self.by_tracking[known[1]]

    def _add(self, record: CarrierRecord) -> None:
        shipment = Shipment(
            tracking_number=record.tracking_number,
            shipment_id=record.shipment_id,
            order_id=record.order_id,
            service=record.service,
            status="label",
            stage_at=record.at,
            trace_id=record.trace_id,
        )
        self.by_tracking[shipment.tracking_number] = shipment
        self._by_shipment.setdefault(shipment.shipment_id, []).append(shipment.tracking_number)
        self.attempts[shipment.shipment_id] += 1
        if record.idempotency_key:
            self._answered.setdefault(record.idempotency_key, (record.fingerprint, shipment.tracking_number))


def following(stage: str) -> str | None:
    """The stage after `stage`, None at the end of the way."""
    index = STAGES.index(stage) + 1
    return STAGES[index] if index < len(STAGES) else None


def new_tracking_number() -> str:
    """A number the carrier has never given before."""
    return f"TRK{secrets.token_hex(8).upper()}"
