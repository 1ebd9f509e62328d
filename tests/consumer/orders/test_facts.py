import itertools
import random
from uuid import uuid4

import pytest

from shared.contracts.inventory import InventoryRejected, InventoryReleased
from shared.contracts.payments import (
    PaymentDisputed,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
    PaymentRefundFailed,
    RefundReversed,
)
from shared.contracts.shipping import ShipmentCreated, ShipmentDelivered, ShipmentDispatched, ShipmentLost
from shared.kafka_producer import Message, Producer
from tests.support.builders.orders import minor
from tests.support.builders.placed_order import an_order
from tests.support.services import envelope, publish, until

pytestmark = pytest.mark.service("orders")


async def test_from_payment_to_delivery_each_change_is_told_once(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed)
        story = await told.becomes("paid", saga="completed")
        assert story["captured_minor"] == minor(told.order["total"])
        await told.tell(ShipmentCreated)
        await told.becomes("fulfilling")
        await told.tell(ShipmentDispatched)
        await told.becomes("shipped")
        await told.tell(ShipmentDelivered)
        story = await told.becomes("completed")
        assert told.path(story) == [
            "pending", "reserved", "paid", "fulfilling", "shipped", "delivered", "completed",
        ]  # fmt: skip
        assert told.events(story) == ["order.created", "order.paid", "order.shipped", "order.completed"]
        assert [event["aggregate_version"] for event in story["events"]] == [1, 2, 3, 4]


FORWARD = (PaymentProcessed, ShipmentCreated, ShipmentDispatched, ShipmentDelivered)
SHUFFLED = [random.Random(seed).sample(FORWARD, len(FORWARD)) for seed in range(3)]


@pytest.mark.parametrize("kinds", [FORWARD[::-1], *SHUFFLED])
async def test_facts_in_any_order_lead_to_the_same_end(engines, prefix, kinds):
    async with an_order(engines, prefix) as told:
        for kind in kinds:  # one after the other, so that the shuffle is what arrives
            await told.tell(kind)
            await told.applied(told.version)
        story = await told.becomes("completed", saga="completed")
        versions = [event["aggregate_version"] for event in story["events"]]
        assert versions == list(range(1, len(versions) + 1))
        assert set(told.events(story)) == {"order.created", "order.paid", "order.shipped", "order.completed"}


async def test_the_same_event_three_times_has_one_effect(engines, prefix):
    async with an_order(engines, prefix) as told:
        captured = told.envelope(PaymentProcessed)
        await publish(told.engines, told.prefix, captured, captured, captured)
        await told.becomes("paid")
        await told.tell(ShipmentCreated)
        story = await told.becomes("fulfilling")
        assert told.events(story).count("order.paid") == 1
        assert (await told.rows("SELECT count(*) AS n FROM audit.inbox"))[0]["n"] == 2


async def test_the_same_fact_in_a_new_event_changes_nothing(engines, prefix):
    async with an_order(engines, prefix) as told:
        payment_id = uuid4()
        for _ in range(3):
            await told.tell(PaymentProcessed, payment_id=payment_id)
        await told.tell(ShipmentCreated)
        story = await told.becomes("fulfilling")
        assert told.events(story).count("order.paid") == 1


async def test_a_declined_card_cancels_and_the_saga_ends_when_the_hold_is_back(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentFailed)
        story = await told.becomes("cancelled")
        assert told.path(story) == ["pending", "reserved", "payment_failed", "cancelled"]
        assert told.events(story) == ["order.created", "order.cancelled"]
        assert story["order"]["cancel_reason"] == "payment_declined"
        await told.tell(InventoryReleased)
        story = await told.becomes("cancelled", saga="compensated")
        assert story["saga"]["stock_settled"] is True
        assert story["saga"]["money_settled"] is True


async def test_a_capture_after_cancellation_is_noted_and_settled_by_its_refund(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.orders.call("POST", f"/api/v1/orders/{told.order['id']}/cancel", principal=told.buyer)
        await told.tell(InventoryReleased)
        await told.tell(PaymentProcessed)

        async def noted():
            return [note for note in (await told.story())["notes"] if "captured after" in note["note"]]

        await until(noted)
        assert (await told.story())["saga"]["status"] == "running"
        await told.tell(PaymentRefunded)
        story = await told.becomes("cancelled", saga="compensated")
        assert told.events(story) == ["order.created", "order.cancelled", "order.refunded"]
        assert story["refunded_minor"] == minor(told.order["total"])


async def test_a_refund_that_overtakes_its_capture_settles_all_the_same(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.orders.call("POST", f"/api/v1/orders/{told.order['id']}/cancel", principal=told.buyer)
        await told.tell(PaymentRefunded)
        await told.tell(InventoryReleased)
        await told.becomes("cancelled", saga="compensated")
        await told.tell(PaymentProcessed)
        await told.applied(3)
        await told.becomes("cancelled", saga="compensated")


async def test_lost_stock_cancels_an_unpaid_order(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(InventoryRejected, reason="expired")
        await told.becomes("cancelled")
        await told.tell(PaymentFailed, reason="cancelled")
        story = await told.becomes("cancelled", saga="compensated")
        assert story["order"]["cancel_reason"] == "stock_lost"


async def test_lost_stock_cancels_a_paid_order_and_waits_for_its_refund(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed)
        await told.becomes("paid", saga="completed")
        await told.tell(InventoryRejected, reason="expired")
        await told.becomes("cancelled", saga="running")
        await told.tell(PaymentRefunded)
        story = await told.becomes("cancelled", saga="compensated")
        assert told.path(story)[-3:] == ["paid", "cancelling", "cancelled"]
        assert told.fakes.shipping.asked[-1] == told.order["id"]


@pytest.mark.parametrize("already", [300, 0], ids=["refunded in part", "not refunded"])
async def test_lost_stock_cancels_a_paid_order_only_when_its_goods_are_here(engines, prefix, already):
    async with an_order(engines, prefix, resolver_interval_s=0.05) as told:
        told.fakes.shipping.goods = "undecided"
        await told.tell(PaymentProcessed)
        await told.becomes("paid")
        if already:
            await told.tell(PaymentRefunded, amount_minor=already, refunded_minor=already)
        await told.tell(InventoryRejected, reason="expired")
        await told.becomes("cancelling", saga="running")
        await until(lambda: len(told.fakes.shipping.asked) > 1)
        assert "order.cancelled" not in told.events(await told.story())
        told.fakes.shipping.goods = "withheld"
        await told.becomes("cancelled")


async def test_a_full_refund_before_hand_over_keeps_the_goods_and_ends_as_a_cancelled_order(engines, prefix):
    async with an_order(engines, prefix, resolver_interval_s=0.05) as told:
        await told.tell(PaymentProcessed)
        await told.tell(ShipmentCreated)
        await told.becomes("fulfilling")
        await told.tell(PaymentRefunded)
        story = await told.becomes("cancelled")
        assert told.events(story) == ["order.created", "order.paid", "order.refunded", "order.cancelled"]
        assert told.fakes.shipping.asked == [told.order["id"]]
        await told.tell(InventoryReleased, reason="restocked")
        await told.becomes("cancelled", saga="compensated")


async def test_a_full_refund_of_goods_that_left_ends_as_refunded(engines, prefix):
    async with an_order(engines, prefix, resolver_interval_s=0.05) as told:
        told.fakes.shipping.goods = "too_late"
        await told.tell(PaymentProcessed)
        await told.becomes("paid")
        await told.tell(PaymentRefunded)
        story = await told.becomes("refunded", saga="completed")
        assert "the carrier has the goods" in story["notes"][-1]["note"]


@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "out of order"])
async def test_an_order_goes_back_from_refunded_once_when_a_refund_never_was(engines, prefix, backwards):
    async with an_order(engines, prefix, resolver_interval_s=0.05) as told:
        told.fakes.shipping.goods = "too_late"
        await told.tell(PaymentProcessed)
        await told.becomes("paid")
        total = minor(told.order["total"])
        facts = [
            (PaymentRefunded, {"refunded_minor": total // 2}),
            (PaymentRefunded, {"refunded_minor": total // 2 * 2 + total % 2}),
            (RefundReversed, {"reversed_minor": total // 2}),
            (RefundReversed, {"reversed_minor": total // 2}),
        ]
        for kind, members in reversed(facts) if backwards else facts:
            await told.tell(kind, **members)
        await told.applied(5)
        story = await told.becomes("partially_refunded")
        assert story["refunded_minor"] == total - total // 2
        never_made = [note for note in story["notes"] if "never made" in note["note"]]
        assert len(never_made) == 1


async def test_a_failed_refund_is_shown_to_people_at_once(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed)
        await told.becomes("paid", saga="completed")
        await told.orders.call("POST", f"/api/v1/orders/{told.order['id']}/cancel", principal=told.buyer)
        await told.tell(PaymentRefundFailed)
        story = await told.becomes("cancelled", saga="failed")
        assert "failed: declined" in story["saga"]["detail"]
        assert "failed: declined" in story["notes"][-1]["note"]


async def test_a_dispute_is_written_down_and_moves_nothing(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed)
        await told.becomes("paid", saga="completed")
        await told.tell(PaymentDisputed)
        await told.tell(PaymentDisputed, status="lost")
        await told.applied(3)
        story = await told.becomes("paid")
        notes = [note["note"] for note in story["notes"][-2:]]
        assert [note.rsplit(" ", 1)[1] for note in notes] == ["opened", "lost"]
        assert "(fraudulent)" in notes[0]


async def test_an_expired_hold_alone_does_not_cancel_a_living_order(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(InventoryReleased, reason="expired")
        await told.tell(PaymentProcessed)
        story = await told.becomes("paid")
        assert [note["note"] for note in story["notes"]] == ["hold ended: expired"]


async def test_partial_refunds_add_up_and_a_late_smaller_sum_changes_nothing(engines, prefix):
    async with an_order(engines, prefix) as told:
        total = minor(told.order["total"])
        await told.tell(PaymentProcessed)
        await told.tell(PaymentRefunded, amount_minor=300, refunded_minor=800)
        await told.becomes("partially_refunded")
        await told.tell(PaymentRefunded, amount_minor=500, refunded_minor=500)
        await told.applied(3)
        assert (await told.story())["refunded_minor"] == 800
        await told.tell(PaymentRefunded, amount_minor=total - 800, refunded_minor=total)
        story = await told.becomes("cancelled")
        assert told.path(story) == ["pending", "reserved", "paid", "partially_refunded", "cancelling", "cancelled"]
        assert told.events(story).count("order.refunded") == 2
        assert story["order"]["refunded"] == told.order["total"]


async def test_a_capture_of_another_sum_pays_nothing_and_is_noted(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed, amount_minor=minor(told.order["total"]) - 1)

        async def noted():
            return (await told.story())["notes"]

        assert "captured" in (await until(noted))[0]["note"]
        assert (await told.story())["order"]["status"] == "reserved"


async def test_a_payment_of_an_order_nobody_knows_is_a_dead_letter_and_the_next_one_is_served(engines, prefix):
    async with an_order(engines, prefix) as told:
        stranger = envelope(told.fact(PaymentProcessed, order_id=uuid4()), uuid4())
        await publish(engines, prefix, stranger)
        await told.tell(PaymentProcessed)
        await told.becomes("paid")
        letters = await told.rows("SELECT event_id, reason, attempts FROM audit.dead_letters")
        assert [(row["event_id"], row["reason"]) for row in letters] == [(stranger.id, "handler_failed")]


async def test_the_end_of_a_hold_without_an_order_is_nothing_to_worry_about(engines, prefix):
    async with an_order(engines, prefix) as told:
        order_id = uuid4()
        await publish(
            engines,
            prefix,
            envelope(told.fact(InventoryReleased, order_id=order_id, reservation_id=order_id), order_id),
        )
        await told.applied(1)
        assert await told.rows("SELECT 1 FROM audit.dead_letters") == []


@pytest.mark.parametrize("poison", [b"", b"not json", b'{"id": 1}', b"\xff\xfe"])
async def test_bytes_that_are_no_event_are_buried_and_the_order_behind_them_is_paid(engines, prefix, poison):
    async with an_order(engines, prefix) as told:
        producer = Producer(engines.kafka, client_id="test", prefix=prefix)
        try:
            await producer.send([Message("payments.events", "x", poison)])
        finally:
            await producer.close()
        await told.tell(PaymentProcessed)
        await told.becomes("paid")
        assert len(await told.rows("SELECT 1 FROM audit.dead_letters")) == 1


async def test_the_last_of_two_parcels_completes_an_order(engines, prefix):
    async with an_order(engines, prefix) as told:
        one, other = uuid4(), uuid4()
        await told.tell(PaymentProcessed)
        for shipment_id, kind in itertools.product((one, other), (ShipmentCreated,)):
            await told.tell(kind, shipment_id=shipment_id)
        await told.tell(ShipmentDispatched, shipment_id=one)
        await told.tell(ShipmentDelivered, shipment_id=one)
        story = await told.becomes("shipped")
        assert len(story["parcels"]) == 2
        await told.tell(ShipmentDelivered, shipment_id=other)
        story = await told.becomes("completed")
        assert told.events(story).count("order.shipped") == 1


async def test_a_lost_parcel_is_noted_once_and_may_still_complete_its_order(engines, prefix):
    async with an_order(engines, prefix) as told:
        parcel = uuid4()
        await told.tell(PaymentProcessed)
        for kind in (ShipmentCreated, ShipmentDispatched):
            await told.tell(kind, shipment_id=parcel)
        await told.becomes("shipped")
        await told.tell(ShipmentLost, shipment_id=parcel)
        await told.tell(ShipmentDelivered, shipment_id=parcel)
        await told.becomes("completed")
        notes = await told.rows("SELECT note FROM order_notes WHERE note LIKE '%lost%'")
        assert [row["note"].startswith("the carrier lost the parcel") for row in notes] == [True]


async def test_a_refund_that_corrects_a_price_is_told_as_one_and_another_is_not(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed)
        await told.tell(PaymentRefunded, amount_minor=7, refunded_minor=7, reason="price_correction")
        await told.tell(PaymentRefunded, amount_minor=100, refunded_minor=107, reason="goodwill")
        await told.applied(3)
        found = await told.rows(
            "SELECT payload::jsonb #>> '{data,refunded_minor}' AS minor, "
            "coalesce(payload::jsonb #>> '{data,corrects_price}', 'false') AS corrects FROM outbox "
            "WHERE type = 'order.refunded' ORDER BY aggregate_version"
        )
        assert [tuple(row) for row in found] == [("7", "true"), ("107", "false")]
