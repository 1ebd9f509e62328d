"""The carrier over HTTP. A label is journalled before it is answered."""

import asyncio
from typing import Annotated, Any

import msgspec
from aiohttp import web

from scenarios.world.carrier.rates import WEIGHT_G_MAX, rates
from scenarios.world.carrier.shipments import Shipment, new_tracking_number
from scenarios.world.carrier.simulator import Behaviour, CarrierSimulator
from scenarios.world.draws import draw
from scenarios.world.fingerprints import fingerprint_of
from scenarios.world.http_api import ApiError, Routes, answer, decoded, integer, trace_id
from scenarios.world.journals import CarrierRecord

Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class LabelCreate(msgspec.Struct, frozen=True):
    """A label for one parcel; `merchant_reference` is the merchant's shipment."""

    merchant_reference: Reference
    order_id: Reference
    address: dict[str, Any]
    weight_g: Annotated[int, msgspec.Meta(gt=0, le=WEIGHT_G_MAX)]
    service: str = "standard"


class HandoverCreate(msgspec.Struct, frozen=True):
    """The parcel is given to the driver."""

    tracking_number: str


class CarrierApi:
    """The carrier's routes and, under /control, the operator's."""

    def __init__(self, carrier: CarrierSimulator) -> None:
        self.carrier = carrier

    def routes(self) -> Routes:
        """The table for the HTTP server."""
        return [
            web.get("/v1/rates", self.show_rates),
            web.post("/v1/labels", self.create_label),
            web.get("/v1/labels", self.list_labels),
            web.get("/v1/labels/{number}", self.show_label),
            web.get("/v1/tracking/{number}", self.track),
            web.post("/v1/handovers", self.hand_over),
            web.get("/control/behaviour", self.show_behaviour),
            web.put("/control/behaviour", self.change_behaviour),
            web.post("/control/reset", self.reset),
            web.get("/control/stats", self.stats),
        ]

    async def show_rates(self, request: web.Request) -> web.Response:
        """Offers for `country` and `weight_g`."""
        weight_g = integer(request, "weight_g", default=1_000, at_most=WEIGHT_G_MAX)
        return answer({"items": rates(request.query.get("country", "DE"), weight_g)})

    async def create_label(self, request: web.Request) -> web.Response:
        """201 with tracking number and label; a known key gets its first answer again."""
        if not self.carrier.webhooks.has_room:
            raise ApiError(503, "webhook_backlog_full", "too many webhooks wait for the merchant")
        body = await decoded(request, LabelCreate)
        key = request.headers.get("idempotency-key", "")
        line = CarrierRecord(
            kind="label",
            shipment_id=body.merchant_reference,
            order_id=body.order_id,
            service=body.service,
            country=str(body.address.get("country", "")),
            weight_g=body.weight_g,
            idempotency_key=key,
            fingerprint=fingerprint_of(request.path, body),
            trace_id=trace_id(request),
        )
        replay = self._replayed(line, request)
        if replay is not None:
            return replay
        slow = self._fault(line)
        line.tracking_number = new_tracking_number()
        self.carrier.note(line)
        if slow:
            self.carrier.note(msgspec.structs.replace(line, kind="slowed"))
            await asyncio.sleep(self.carrier.behaviour.slow_s)
        return answer(_label(self.carrier.shipments.shipment(line.tracking_number), request), status=201)

    async def list_labels(self, request: web.Request) -> web.Response:
        """By `merchant_reference` (the merchant's shipment)."""
        reference = request.query.get("merchant_reference")
        if reference is None:
            raise ApiError(400, "missing_parameter", "merchant_reference is required")
        return answer({"items": [_label(it, request) for it in self.carrier.shipments.of_shipment(reference)]})

    async def show_label(self, request: web.Request) -> web.Response:
        """The label as printable text."""
        parcel = self.carrier.shipments.shipment(request.match_info["number"])
        text = f"{parcel.service.upper()}\n{parcel.tracking_number}\nshipment {parcel.shipment_id}\n"
        return web.Response(body=text.encode(), content_type="text/plain", charset="utf-8")

    async def track(self, request: web.Request) -> web.Response:
        return answer(_label(self.carrier.shipments.shipment(request.match_info["number"]), request))

    async def hand_over(self, request: web.Request) -> web.Response:
        """Take the parcel; repeating it changes nothing."""
        parcel = self.carrier.shipments.shipment((await decoded(request, HandoverCreate)).tracking_number)
        if parcel.status == "label":
            self.carrier.reach(parcel, "handed_over")
        return answer(_label(parcel, request))

    async def show_behaviour(self, _: web.Request) -> web.Response:
        return answer(self.carrier.behaviour)

    async def change_behaviour(self, request: web.Request) -> web.Response:
        """Replace the whole programme; what is not named is healthy."""
        self.carrier.behave(await decoded(request, Behaviour))
        return answer(self.carrier.behaviour)

    async def reset(self, _: web.Request) -> web.Response:
        """Behave well again. Parcels and the journal stay."""
        self.carrier.behave(Behaviour())
        return answer(self.carrier.behaviour)

    async def stats(self, _: web.Request) -> web.Response:
        """Counts by journal kind, parcels under way and the state of the webhooks."""
        under_way = len(self.carrier.shipments.under_way())
        counts = {"counts": self.carrier.shipments.counts, "under_way": under_way}
        return answer(counts | self.carrier.webhooks.stats())

    def _replayed(self, line: CarrierRecord, request: web.Request) -> web.Response | None:
        if not line.idempotency_key or not self.carrier.behaviour.idempotency:
            return None
        parcel = self.carrier.shipments.answered(line.idempotency_key, line.fingerprint)
        if parcel is None:
            return None
        replayed = msgspec.structs.replace(line, kind="replayed", tracking_number=parcel.tracking_number)
        self.carrier.note(replayed)
        response = answer(_label(parcel, request), status=201)
        response.headers["Idempotent-Replayed"] = "true"
        return response

    def _fault(self, line: CarrierRecord) -> bool:
        """Whether the answer is slow; the 500 before any effect is raised here."""
        behaviour = self.carrier.behaviour
        if self.carrier.shipments.attempts[line.shipment_id] > 0:
            return False
        chance = draw(behaviour.seed, "fault", line.shipment_id)
        if chance < behaviour.error_rate:
            self.carrier.note(msgspec.structs.replace(line, kind="error"))
            raise ApiError(500, "internal_error", "try again")
        return chance - behaviour.error_rate < behaviour.slow_rate


def _label(parcel: Shipment, request: web.Request) -> dict[str, str]:
    return {
        "tracking_number": parcel.tracking_number,
        "label_url": f"http://{request.headers.get('host', '')}/v1/labels/{parcel.tracking_number}",
        "merchant_reference": parcel.shipment_id,
        "order_id": parcel.order_id,
        "service": parcel.service,
        "status": parcel.status,
    }
