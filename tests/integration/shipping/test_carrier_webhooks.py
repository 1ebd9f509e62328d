import time
from uuid import uuid4

import msgspec
import pytest

from shared.webhook_signatures import sign
from svc.shipping.domain.parcels import Reported, ShipmentStatus
from svc.shipping.handlers.outcomes import Effect, apply_outcome
from tests.support.sending import a_paid_order, depot
from tests.support.services import WEBHOOK_SECRET, until

pytestmark = pytest.mark.service("shipping")

PATH = "/api/v1/webhooks/carrier"


def a_webhook(kind, tracking_number):
    return msgspec.json.encode(
        {"id": f"evt_{uuid4().hex}", "type": f"shipment.{kind}", "data": {"tracking_number": tracking_number}}
    )


async def send(house, body, *, secret=WEBHOOK_SECRET, at=None):
    headers = {"X-Signature": sign(secret, body, at=int(time.time()) if at is None else at)}
    return await house.service.call("POST", PATH, data=body, headers=headers, anonymous=True)


async def test_a_delivery_told_first_implies_what_came_before(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave(in_transit_after_s=60)
        order = a_paid_order()
        await house.pay(order)
        number = (await house.reaches(order, "handed_over"))["tracking_number"]
        # Whether the carrier's own webhook or its answer to the hand-over came first is the network's to say.
        assert await house.webhooks_applied() in (["applied"], ["known"])
        for kind in ("delivered", "in_transit", "handed_over", "delivered"):
            assert (await send(house, a_webhook(kind, number)))[0] == 200
        await house.reaches(order, "delivered")
        assert sorted((await house.webhooks_applied())[1:]) == ["applied", "known", "known", "known"]
        assert await house.way(order) == ["created", "labelled", "handed_over", "in_transit", "delivered"]
        assert await house.told(order) == ["shipment.created", "shipment.dispatched", "shipment.delivered"]


async def test_a_parcel_that_was_cancelled_here_but_moves_there_is_reviewed(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path, handover_delay_s=60.0) as house:
        order = a_paid_order()
        await house.pay(order)
        number = (await house.reaches(order, "labelled"))["tracking_number"]
        await house.cancel(order)
        await house.reaches(order, "cancelled")
        await send(house, a_webhook("in_transit", number))
        assert await house.webhooks_applied() == ["review"]
        row = await house.shipment(order)
        assert (row["status"], row["review"]) == ("cancelled", "in_transit while cancelled")


async def test_forged_stale_strange_and_repeated_webhooks_do_nothing(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        body = a_webhook("delivered", "TRK-nobody")
        for wrong in ({"secret": "x" * 32}, {"at": int(time.time()) - 301}):
            status, answer = await send(house, body, **wrong)
            assert (status, answer["code"]) == (401, "invalid_signature")
        status, answer = await send(house, b'{"id": "x"}')
        assert (status, answer["code"]) == (400, "invalid_webhook")
        assert [(await send(house, body))[1]["fresh"] for _ in range(2)] == [True, False]
        await send(house, a_webhook("lost_in_space", "TRK-nobody"))
        assert sorted(await house.webhooks_applied()) == ["ignored", "unknown_reference"]


async def test_a_webhook_moves_the_parcel_through_the_same_part_as_an_answer(engines, prefix, tmp_path):
    reported = []

    async def lose_reports(uow, shipment_id, outcome, /, *, config):
        if isinstance(outcome, Reported):
            reported.append(outcome.status)
            return Effect.KNOWN
        return await apply_outcome(uow, shipment_id, outcome, config=config)

    async with depot(engines, prefix, tmp_path, parts={"apply_outcome": lose_reports}) as house:
        house.behave(in_transit_after_s=60)
        order = a_paid_order()
        await house.pay(order)
        number = (await house.reaches(order, "handed_over"))["tracking_number"]
        await send(house, a_webhook("delivered", number))
        await until(lambda: ShipmentStatus.DELIVERED in reported)
        assert (await house.shipment(order))["status"] == "handed_over"
