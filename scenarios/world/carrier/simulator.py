"""The carrier behind its API: moves parcels on in time, journals each stage, owes a webhook for it."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import msgspec

from scenarios.world.carrier.shipments import Shipment, Shipments, following
from scenarios.world.journal_writer import JournalWriter
from scenarios.world.journals import CARRIER_JOURNAL, CarrierRecord, iterate
from scenarios.world.webhooks import COPIES_MAX, WebhookPlan, WebhookSender, new_event_id

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The programme of the carrier: how fast parcels travel and how webhooks are treated.

    `in_transit_after_s` counts from the hand-over, `delivered_after_s` from in transit. `error_rate` and
    `slow_rate` hit the first label attempt of a shipment.
    """

    in_transit_after_s: Seconds = 0.5
    delivered_after_s: Seconds = 1.0
    error_rate: Rate = 0.0
    slow_rate: Rate = 0.0
    slow_s: Seconds = 8.0
    webhook_copies: Annotated[int, msgspec.Meta(ge=1, le=COPIES_MAX)] = 1
    webhook_shuffle: bool = False
    webhook_delay_s: Seconds = 0.0
    idempotency: bool = True
    seed: int = 0

    @property
    def webhooks(self) -> WebhookPlan:
        """The part that concerns webhooks."""
        return WebhookPlan(
            copies=self.webhook_copies,
            delay_s=self.webhook_delay_s,
            shuffle=self.webhook_shuffle,
            seed=self.seed,
        )


class CarrierSimulator:
    """Ties parcels, time, journal and webhooks together."""

    def __init__(self, folder: Path, *, webhook_url: str, signing_secret: str) -> None:
        """Rebuilds its state from the journal in `folder`. Raises JournalInUseError."""
        self.journal: JournalWriter[CarrierRecord] = JournalWriter(folder / CARRIER_JOURNAL)
        self.webhooks = WebhookSender(self.journal, CarrierRecord, url=webhook_url, signing_secret=signing_secret)
        self.shipments = Shipments()
        self.behaviour = Behaviour()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        history = list(iterate(folder / CARRIER_JOURNAL, CarrierRecord))
        self.shipments.load(history)
        self.webhooks.resume(history)
        for record in history:
            if record.kind == "behaviour":
                self.behaviour = msgspec.json.decode(record.behaviour, type=Behaviour)

    def start(self) -> None:
        """Deliver webhooks and move on what was under way when the last process ended."""
        self.webhooks.start()
        for parcel in self.shipments.under_way():
            self._plan(parcel)

    async def stop(self) -> None:
        """Stop moving; the parcels go on after a restart, the programme ends. Safe to repeat."""
        if self.behaviour != Behaviour():
            self.behave(Behaviour())
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await self.webhooks.stop()
        self.journal.close()

    def reach(self, parcel: Shipment, stage: str) -> None:
        """Journal that a parcel reached a stage, owe the webhook, plan the next stage."""
        line = CarrierRecord(
            kind=stage,
            tracking_number=parcel.tracking_number,
            shipment_id=parcel.shipment_id,
            order_id=parcel.order_id,
            trace_id=parcel.trace_id,
        )
        queued = self._webhook(line)
        self.journal.append_many([line, queued] if self.webhooks.url else [line])
        self.shipments.apply(line)
        if self.webhooks.url:
            self.webhooks.schedule(queued, self.behaviour.webhooks)
        self._plan(parcel)

    def note(self, line: CarrierRecord) -> None:
        """Journal a line and let it take effect."""
        self.shipments.apply(self.journal.append(line))

    def behave(self, behaviour: Behaviour) -> None:
        """Change the programme; it outlives a kill. Parcels under way follow the new times."""
        self.note(CarrierRecord(kind="behaviour", behaviour=msgspec.Raw(msgspec.json.encode(behaviour))))
        self.behaviour = behaviour
        for parcel in self.shipments.under_way():
            self._plan(parcel)

    def _plan(self, parcel: Shipment) -> None:
        timer = self._timers.pop(parcel.tracking_number, None)
        if timer is not None:
            timer.cancel()
        stage = following(parcel.status)
        if stage is None:
            return
        delays = {
            "in_transit": self.behaviour.in_transit_after_s,
            "delivered": self.behaviour.delivered_after_s,
        }
        wait_s = max(0.0, parcel.stage_at + delays[stage] - time.time())
        loop = asyncio.get_running_loop()
        self._timers[parcel.tracking_number] = loop.call_later(wait_s, self.reach, parcel, stage)

    def _webhook(self, line: CarrierRecord) -> CarrierRecord:
        event_id = new_event_id()
        now = time.time()
        event_type = f"shipment.{line.kind}"
        data = {
            "tracking_number": line.tracking_number,
            "shipment_id": line.shipment_id,
            "order_id": line.order_id,
        }
        payload = {"id": event_id, "type": event_type, "created": int(now), "data": data}
        return CarrierRecord(
            kind="webhook_queued",
            event_id=event_id,
            event_type=event_type,
            copies=self.behaviour.webhook_copies,
            due_at=now + self.behaviour.webhook_delay_s,
            payload=msgspec.Raw(msgspec.json.encode(payload)),
            tracking_number=line.tracking_number,
            shipment_id=line.shipment_id,
            order_id=line.order_id,
            trace_id=line.trace_id,
        )
