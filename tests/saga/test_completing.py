import pytest

from shared.contracts.inventory import InventoryReleased
from shared.contracts.payments import PaymentFailed, PaymentProcessed, PaymentRefunded
from shared.contracts.shipping import ShipmentDispatched
from tests.support.builders.orders import customer, place
from tests.support.builders.placed_order import an_order, rows
from tests.support.fakes.shop import shop
from tests.support.services import served, until

pytestmark = pytest.mark.service("orders")


async def saga_of(orders, order_id):
    (row,) = await rows(orders.settings.database_url, "SELECT * FROM audit.sagas WHERE order_id = $1", order_id)
    return row


async def test_a_saga_goes_from_reserving_over_paying_to_completed(engines, prefix):
    async with an_order(engines, prefix) as told:
        saga = await saga_of(told.orders, told.order["id"])
        assert (saga["step"], saga["status"], saga["ended_at"]) == ("paying", "running", None)
        await told.tell(PaymentProcessed)
        story = await told.becomes("paid", saga="completed")
        assert [(step["step"], step["outcome"]) for step in story["saga_steps"]] == [
            ("reserving", "paying"),
            ("paying", "paid"),
        ]
        saga = await saga_of(told.orders, told.order["id"])
        assert saga["ended_at"] > saga["started_at"]


async def test_a_refused_saga_ends_at_once_and_holds_nothing(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        fakes.inventory.stock["A"] = 0
        assert (await place(orders, customer(), ("A", 1)))[0] == 409
        (saga,) = await rows(orders.settings.database_url, "SELECT * FROM audit.sagas")
        assert (saga["step"], saga["status"]) == ("reserving", "refused")
        assert saga["ended_at"] is not None
        assert await rows(orders.settings.database_url, "SELECT 1 FROM audit.orders") == []
        assert await rows(orders.settings.database_url, "SELECT 1 FROM audit.outbox") == []


@pytest.mark.parametrize("facts", [(PaymentFailed, InventoryReleased), (InventoryReleased, PaymentFailed)])
async def test_a_cancelled_unpaid_order_is_compensated_by_its_two_facts_in_either_order(engines, prefix, facts):
    async with an_order(engines, prefix) as told:
        await told.orders.call("POST", f"/api/v1/orders/{told.order['id']}/cancel", principal=told.buyer)
        await told.tell(facts[0])
        await told.applied(1)
        assert (await told.story())["saga"]["status"] == "running"
        await told.tell(facts[1])
        await told.becomes("cancelled", saga="compensated")


async def test_a_cancelled_paid_order_runs_again_and_is_compensated_by_refund_and_release(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed)
        await told.becomes("paid", saga="completed")
        status, order = await told.orders.call(
            "POST",
            f"/api/v1/orders/{told.order['id']}/cancel",
            principal=told.buyer,
            json={"reason": "changed my mind"},
        )
        assert (status, order["status"], order["cancel_reason"]) == (200, "cancelled", "changed my mind")
        assert (await told.story())["saga"]["status"] == "running"
        await told.tell(InventoryReleased, reason="restocked")
        await told.applied(2)
        assert (await told.story())["saga"]["status"] == "running"
        await told.tell(PaymentRefunded)
        story = await told.becomes("cancelled", saga="compensated")
        assert told.events(story) == ["order.created", "order.paid", "order.cancelled", "order.refunded"]


async def test_a_release_nobody_told_of_is_found_by_asking(engines, prefix):
    async with an_order(engines, prefix, resolver_interval_s=0.05) as told:
        told.fakes.inventory.holds[told.order["id"]]["status"] = "released"
        await told.tell(PaymentFailed)
        await told.becomes("cancelled", saga="compensated")

        async def noted():
            return [attempt["outcome"] for attempt in (await told.story())["saga_attempts"]]

        assert (await until(noted))[-1] == "compensated"


async def test_payment_that_never_comes_cancels_the_order_in_bounded_time(engines, prefix):
    async with an_order(engines, prefix, paying_s=0.3, resolver_interval_s=0.05) as told:
        story = await told.becomes("cancelled")
        assert story["order"]["cancel_reason"] == "payment_timeout"
        assert told.events(story) == ["order.created", "order.cancelled"]
        await told.tell(InventoryReleased)
        await told.tell(PaymentFailed, reason="cancelled")
        await told.becomes("cancelled", saga="compensated")


async def test_a_compensation_without_end_fails_is_shown_as_stuck_and_still_ends_by_late_facts(engines, prefix):
    async with an_order(engines, prefix, compensating_s=0.3, resolver_interval_s=0.05) as told:
        await told.tell(PaymentFailed)
        story = await told.becomes("cancelled", saga="failed")
        assert story["saga"]["detail"] == "stock not undone in time"
        _, stuck = await told.orders.call("GET", "/internal/sagas/stuck")
        assert [item["order_id"] for item in stuck["items"]] == [told.order["id"]]
        await told.tell(InventoryReleased)
        await told.becomes("cancelled", saga="compensated")
        _, stuck = await told.orders.call("GET", "/internal/sagas/stuck")
        assert stuck["items"] == []


async def test_a_failed_saga_can_be_resumed_by_hand(engines, prefix):
    async with an_order(engines, prefix, compensating_s=0.3, resolver_interval_s=0.05) as told:
        await told.tell(PaymentFailed)
        await told.becomes("cancelled", saga="failed")
        told.fakes.inventory.holds[told.order["id"]]["status"] = "released"
        status, saga = await told.orders.call("POST", f"/internal/sagas/{told.order['id']}/resume")
        assert (status, saga["status"]) == (200, "running")
        await told.becomes("cancelled", saga="compensated")
        status, refused = await told.orders.call("POST", f"/internal/sagas/{told.order['id']}/resume")
        assert (status, refused["code"]) == (409, "saga_ended")


async def test_after_hand_over_nothing_can_be_cancelled(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed)
        await told.tell(ShipmentDispatched)
        await told.becomes("shipped")
        status, refused = await told.orders.call(
            "POST", f"/api/v1/orders/{told.order['id']}/cancel", principal=told.buyer
        )
        assert (status, refused["code"]) == (409, "order_already_shipped")


async def test_a_hand_over_that_only_shipping_knows_of_refuses_the_cancellation(engines, prefix):
    async with an_order(engines, prefix) as told:
        told.fakes.shipping.goods = "too_late"
        await told.tell(PaymentProcessed)
        await told.becomes("paid", saga="completed")
        path = f"/api/v1/orders/{told.order['id']}/cancel"
        for _ in range(2):
            status, refused = await told.orders.call("POST", path, principal=told.buyer)
            assert (status, refused["code"]) == (409, "order_already_shipped")
        story = await told.becomes("paid", saga="completed")
        assert told.events(story) == ["order.created", "order.paid"]
        assert "cancel_reason" not in story["order"]


@pytest.mark.parametrize("shipping", ["down", "undecided"])
async def test_a_cancellation_waits_for_shipping_and_undoes_nothing_before(engines, prefix, shipping):
    async with an_order(engines, prefix, resolver_interval_s=0.05, resolver_retry_s=0.05) as told:
        told.fakes.shipping.down = shipping == "down"
        told.fakes.shipping.goods = "undecided"
        await told.tell(PaymentProcessed)
        await told.becomes("paid", saga="completed")
        path = f"/api/v1/orders/{told.order['id']}/cancel"
        status, order = await told.orders.call("POST", path, principal=told.buyer)
        assert (status, order["status"]) == (202, "cancelling")
        story = await told.story()
        assert (story["saga"]["step"], told.events(story)) == ("withholding", ["order.created", "order.paid"])
        told.fakes.shipping.down = False
        told.fakes.shipping.goods = "withheld"
        story = await told.becomes("cancelled")
        assert told.events(story)[-1] == "order.cancelled"


async def test_an_operator_recalls_an_order_also_after_hand_over_and_it_is_compensated(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed)
        await told.tell(ShipmentDispatched)
        await told.becomes("shipped", saga="completed")
        path = f"/internal/orders/{told.order['id']}/recall"
        status, _ = await told.orders.call("POST", path, principal=told.buyer, json={"reason": "x"})
        assert status == 403
        for _ in range(2):
            status, order = await told.orders.call("POST", path, json={"reason": "oversold"})
            assert (status, order["status"], order["cancel_reason"]) == (200, "cancelled", "oversold")
        await told.tell(PaymentRefunded)
        await told.tell(InventoryReleased, reason="restocked")
        story = await told.becomes("cancelled", saga="compensated")
        assert told.events(story).count("order.cancelled") == 1


async def test_goods_that_came_back_before_the_recall_are_found_by_asking(engines, prefix):
    async with an_order(engines, prefix, resolver_interval_s=0.05) as told:
        await told.tell(PaymentProcessed)
        await told.tell(ShipmentDispatched)
        await told.becomes("shipped", saga="completed")
        told.fakes.inventory.holds[told.order["id"]].update(status="committed", restocked=True)
        await told.tell(InventoryReleased, reason="restocked")
        await told.applied(3)
        await told.orders.call("POST", f"/internal/orders/{told.order['id']}/recall", json={"reason": "oversold"})
        await told.tell(PaymentRefunded)
        await told.becomes("cancelled", saga="compensated")


async def test_cancelling_again_changes_nothing(engines, prefix):
    async with an_order(engines, prefix) as told:
        path = f"/api/v1/orders/{told.order['id']}/cancel"
        first = await told.orders.call("POST", path, principal=told.buyer)
        assert await told.orders.call("POST", path, principal=told.buyer) == first
        assert told.events(await told.story()) == ["order.created", "order.cancelled"]


async def test_a_late_rule_that_refuses_gives_the_hold_back(engines, prefix):
    async with (
        shop(engines.redis, prefix) as fakes,
        served(engines, "orders", prefix=prefix, resolver_interval_s=0.05) as orders,
    ):
        await orders.call("POST", "/api/v1/coupons", json={"code": "ONE", "rate_bp": 1000, "uses_max": 1})
        await place(orders, customer(), ("A", 1), coupon="ONE")
        fakes.inventory.down = False
        assert (await place(orders, customer(), ("B", 1), coupon="ONE"))[0] == 409

        async def given_back():
            return fakes.inventory.held_units("B") == 0 and await rows(
                orders.settings.database_url,
                "SELECT 1 FROM audit.sagas WHERE step = 'releasing' AND status = 'refused'",
            )

        await until(given_back)
