import asyncio

import asyncpg
import pytest

from shared.identity import Principal
from tests.support.sending import CUSTOMER, a_paid_order, depot, reopened, shipment_id_of
from tests.support.services import until

pytestmark = pytest.mark.service("shipping")

WAY = ["created", "labelled", "handed_over", "in_transit", "delivered"]
TOLD = ["shipment.created", "shipment.dispatched", "shipment.delivered"]
DEDUPLICATION = pytest.mark.parametrize("deduplicates", [True, False], ids=["carrier-deduplicates", "carrier-does-not"])


async def test_a_paid_order_is_labelled_handed_over_and_delivered(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave()
        order = a_paid_order()
        await house.pay(order)
        row = await house.reaches(order, "delivered")
        assert await house.way(order) == WAY
        assert await house.told(order) == TOLD
        (label,) = house.journal(order, "label")
        assert (label.tracking_number, label.weight_g, label.country) == (row["tracking_number"], 1_000, "DE")
        assert len(house.journal(order, "handed_over")) == 1


async def test_many_parcels_leave_at_once(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave(webhook_copies=3, webhook_shuffle=True)
        orders = [a_paid_order() for _ in range(100)]
        await house.pay(*orders)

        async def all_gone():
            return (
                await house.connection.fetchval(
                    "SELECT count(*) FROM audit.shipment_transitions WHERE to_status = 'handed_over'"
                )
                == 100
            )

        await until(all_gone)
        for order in orders:
            await house.reaches(order, "delivered")
        assert [len(house.journal(order, "label")) for order in orders] == [1] * 100
        assert [await house.told(order) for order in orders] == [TOLD] * 100


@DEDUPLICATION
@pytest.mark.parametrize("fault", ["error_rate", "slow_rate"])
async def test_an_ambiguous_label_is_bought_once(engines, prefix, tmp_path, fault, deduplicates):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave(idempotency=deduplicates, slow_s=2, **{fault: 1.0})
        order = a_paid_order()
        await house.pay(order)
        await house.reaches(order, "delivered")
        assert len(house.journal(order, "label")) == 1
        assert await house.told(order) == TOLD


@DEDUPLICATION
async def test_a_process_stopped_in_mid_label_leaves_it_to_the_next(engines, prefix, tmp_path, deduplicates):
    async with depot(engines, prefix, tmp_path, role="api") as house:
        house.behave(idempotency=deduplicates, slow_rate=1.0, slow_s=20)
        order = a_paid_order()
        async with reopened(engines, prefix, house.world, house.database_url, carrier_timeout_s=20.0) as first:
            await first.pay(order)
            await until(lambda: first.journal(order, "label"))
            assert (await first.shipment(order))["call"] == "under_way"
        async with reopened(engines, prefix, house.world, house.database_url) as second:
            await second.reaches(order, "delivered")
            assert len(second.journal(order, "label")) == 1


async def test_two_processes_on_one_database_send_each_parcel_once(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave(idempotency=False, error_rate=0.2, slow_rate=0.1, slow_s=1, webhook_copies=3, webhook_shuffle=True)
        async with reopened(engines, prefix, house.world, house.database_url, instance="shipping-2"):
            orders = [a_paid_order() for _ in range(30)]
            await house.pay(*orders)
            for order in orders:
                await house.reaches(order, "delivered")
            assert [len(house.journal(order, "label")) for order in orders] == [1] * 30
            assert [await house.told(order) for order in orders] == [TOLD] * 30


async def test_a_cancelled_parcel_that_is_still_here_never_leaves(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path, handover_delay_s=60.0) as house:
        order = a_paid_order()
        await house.pay(order)
        await house.reaches(order, "labelled")
        await house.cancel(order)
        await house.reaches(order, "cancelled")
        assert house.journal(order, "handed_over") == []
        assert await house.told(order) == ["shipment.created"]


async def test_a_parcel_cancelled_while_its_label_is_printed_never_leaves(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path, carrier_timeout_s=6.0, lease_s=8.0) as house:
        house.behave(slow_rate=1.0, slow_s=3.0)
        order, later = a_paid_order(), a_paid_order()
        await house.pay(order)
        await until(lambda: house.journal(order, "label"))
        await house.cancel(order)
        await house.reaches(order, "cancelled")
        await house.pay(later)
        await house.reaches(later, "handed_over")
        assert (await house.shipment(order))["status"] == "cancelled"
        assert house.journal(order, "handed_over") == []
        assert await house.told(order) == []


async def test_a_cancellation_after_the_hand_over_changes_nothing(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave(in_transit_after_s=0.4)
        order = a_paid_order()
        await house.pay(order)
        await house.reaches(order, "handed_over")
        await house.cancel(order)
        await house.reaches(order, "delivered")
        assert await house.way(order) == WAY


async def test_the_answer_whether_goods_stay_here_is_final(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path, handover_delay_s=60.0) as house:
        here, unheard_of = a_paid_order(), a_paid_order()
        await house.pay(here)
        await house.reaches(here, "labelled")
        for order in (here, unheard_of):
            for _ in range(2):
                assert await house.withhold(order) == "withheld"
        await house.pay(unheard_of)
        after = a_paid_order()
        await house.pay(after)
        await house.reaches(after, "labelled")
        assert await house.shipment(unheard_of) is None
        assert (await house.shipment(here))["status"] == "cancelled"


async def test_goods_that_left_cannot_be_withheld(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        order = a_paid_order()
        await house.pay(order)
        await house.reaches(order, "handed_over")
        assert await house.withhold(order) == "too_late"
        await house.reaches(order, "delivered")


async def test_orders_cancelled_while_they_are_sent_are_either_here_or_gone(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path) as house:
        house.behave(error_rate=0.2, slow_rate=0.1, slow_s=1)
        orders = [a_paid_order() for _ in range(30)]
        await asyncio.gather(house.pay(*orders), house.cancel(*orders[:20]))
        for order in orders[20:]:
            await house.reaches(order, "delivered")
        for order in orders[:20]:

            async def ended(order=order):
                row = await house.shipment(order)
                return row is None or row["status"] in {"cancelled", "delivered"}

            await until(ended)
            row = await house.shipment(order)
            gone = bool(house.journal(order, "handed_over"))
            assert gone == (row is not None and row["status"] == "delivered")


async def test_an_unpaid_order_cannot_have_a_shipment_and_none_can_skip_a_step(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path, handover_delay_s=60.0) as house:
        order = a_paid_order()
        await house.pay(order)
        await house.reaches(order, "labelled")
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await house.connection.execute(
                "INSERT INTO shipments (id, order_id, number, order_number, customer_id, email, address, method, "
                "weight_g, carrier) SELECT gen_random_uuid(), gen_random_uuid(), 1, order_number, customer_id, email, "
                "address, method, weight_g, carrier FROM shipments"
            )
        with pytest.raises(asyncpg.CheckViolationError, match="does not go from labelled to delivered"):
            await house.connection.execute("UPDATE shipments SET status = 'delivered'")
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await house.connection.execute("DELETE FROM shipment_transitions")


async def test_parcels_are_shown_to_their_owner_and_to_staff_only(engines, prefix, tmp_path):
    owner = Principal(subject=str(CUSTOMER), roles=frozenset({"customer"}))
    stranger = Principal(subject="5b9e2c7e-3f0c-4f0e-9d2b-0a6f6f0f7a11", roles=frozenset({"customer"}))
    async with depot(engines, prefix, tmp_path, handover_delay_s=60.0) as house:
        order = a_paid_order()
        await house.pay(order)
        await house.reaches(order, "labelled")
        path = f"/api/v1/shipments?order_id={order.order_id}"
        status, body = await house.service.call("GET", path, principal=owner)
        assert (status, [item["status"] for item in body["items"]]) == (200, ["labelled"])
        status, body = await house.service.call("GET", path, principal=stranger)
        assert (status, body["items"]) == (200, [])
        one = f"/api/v1/shipments/{shipment_id_of(order)}"
        status, body = await house.service.call("GET", one, principal=owner)
        assert (status, [step["to_status"] for step in body["history"]]) == (200, ["created", "labelled"])
        status, body = await house.service.call("GET", one, principal=stranger)
        assert (status, body["code"]) == (404, "unknown_shipment")
        status, _ = await house.service.call("GET", path, anonymous=True)
        assert status == 401


async def test_a_parcel_that_cannot_be_read_keeps_no_other_from_going(engines, prefix, tmp_path):
    async with depot(engines, prefix, tmp_path, handover_delay_s=60.0) as house:
        first, second = a_paid_order(), a_paid_order()
        await house.pay(first)
        await house.reaches(first, "labelled")
        await house.connection.execute(
            "UPDATE shipments SET address = '[]', due_at = clock_timestamp() WHERE order_id = $1", first.order_id
        )
        await house.pay(second)
        await house.reaches(second, "labelled")
        spoilt = await until(lambda: _reviewed(house, first))
        assert spoilt["review"].startswith("unreadable: ")


async def _reviewed(house, order):
    row = await house.shipment(order)
    return row if row["review"] else None
