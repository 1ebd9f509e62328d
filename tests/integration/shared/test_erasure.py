"""Who was erased is in no service's rows; the amounts are."""

from datetime import UTC, datetime
from uuid import uuid4

import asyncpg

from shared.contracts import Address
from shared.contracts.auth import UserDeleted, UserRegistered
from shared.contracts.orders import OrderCreated
from shared.contracts.values import ERASED, ERASED_EMAIL
from shared.erasure import Erasure
from svc.notifications.store.erasing import STATEMENTS as ERASING
from svc.payments.store import erasing as payments
from svc.shipping.store import erasing as shipping
from tests.support.builders.orders import customer, place
from tests.support.builders.placed_order import rows
from tests.support.fakes.shop import shop
from tests.support.services import envelope, opened_database, publish, served, topics, until

ADDRESS = '{"name": "Ann", "line1": "1 Road", "city": "Town", "postal_code": "1", "country": "IE"}'


def deleted(user_id):
    return envelope(UserDeleted(user_id=user_id), user_id, 2)


async def _forget(database, statements, user_id):
    async with database.begin() as uow:
        await Erasure(database, statements).forget(uow, deleted(user_id))


async def _all(database, table):
    async with database.acquire() as connection:
        return await connection.fetch(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 test constants


async def test_shipping_keeps_the_address_of_a_parcel_until_the_carrier_has_it(engines):
    ann, bob = uuid4(), uuid4()
    async with opened_database(engines, "shipping") as database:
        async with database.begin() as uow:
            for who, status in ((ann, "delivered"), (ann, "labelled"), (bob, "delivered")):
                order_id = uuid4()
                await uow.connection.execute("INSERT INTO paid_orders (order_id, payment_id) VALUES ($1, $1)", order_id)
                await uow.connection.execute(
                    "INSERT INTO shipments (id, order_id, number, order_number, customer_id, email, address, method, "
                    "weight_g, carrier, status, tracking_number) "
                    "VALUES ($1::uuid, $1::uuid, 1, 'SO-1', $2, 'ann@example.com', "
                    "$3::text::jsonb, 'standard', 500, 'parcelpost', $4, $1::uuid::text)",
                    order_id, who, ADDRESS, status,
                )  # fmt: skip
        await _forget(database, shipping.STATEMENTS, ann)
        kept = {(row["customer_id"] == ann, row["status"]): row for row in await _all(database, "shipments")}
        gone = kept[True, "delivered"]
        assert (gone["email"], gone["address"]["name"], gone["address"]["country"]) == (ERASED_EMAIL, ERASED, "IE")
        assert gone["weight_g"] == 500
        assert kept[True, "labelled"]["address"]["name"] == "Ann"
        assert kept[False, "delivered"]["email"] == "ann@example.com"
        async with database.begin() as uow:
            await uow.connection.execute("UPDATE shipments SET status = 'handed_over' WHERE status = 'labelled'")
        await _forget(database, shipping.STATEMENTS, ann)
        mine = [row["address"] for row in await _all(database, "shipments") if row["customer_id"] == ann]
        assert "Ann" not in str(mine)


async def test_payments_keep_the_amounts(engines):
    ann = uuid4()
    async with opened_database(engines, "payments") as database:
        async with database.begin() as uow:
            await uow.connection.execute(
                "INSERT INTO payments (id, order_id, order_number, customer_id, email, amount_minor, currency, "
                "payment_method, status, captured_minor) VALUES ($1, $1, 'SO-1', $2, 'ann@example.com', 100, 'EUR', "
                "'tok', 'captured', 100)",
                uuid4(), ann,
            )  # fmt: skip
        await _forget(database, payments.STATEMENTS, ann)
        (row,) = await _all(database, "payments")
        assert (row["email"], row["captured_minor"], row["customer_id"]) == (ERASED_EMAIL, 100, ann)


async def test_notifications_forget_what_they_sent_and_send_no_more(engines, prefix):
    ann = uuid4()
    async with opened_database(engines, "notifications") as database:
        async with database.begin() as uow:
            for status in ("sent", "pending"):
                await uow.connection.execute(
                    "INSERT INTO deliveries (id, event_id, template, channel, recipient, customer_id, context, "
                    "message_id, status, sent_at) "
                    "VALUES ($1::uuid, $1::uuid, 'welcome', 'email', 'ann@example.com', $2, "
                    "'{\"name\": \"Ann\"}', $1::uuid::text, $3::text, "
                    "CASE WHEN $3::text = 'sent' THEN clock_timestamp() END)",
                    uuid4(), ann, status,
                )  # fmt: skip
        await _forget(database, ERASING, ann)
        kept = {row["status"]: row for row in await _all(database, "deliveries")}
        assert (kept["sent"]["recipient"], kept["sent"]["context"]) == (ERASED_EMAIL, {})
        assert kept["pending"]["recipient"] == "ann@example.com"


async def test_orders_forget_the_person_of_what_has_ended_and_their_cart(engines, prefix):
    async with (
        topics(engines, prefix),
        shop(engines.redis, prefix),
        served(engines, "orders", prefix=prefix) as service,
    ):
        buyer = customer()
        status, order = await place(service, buyer, ("A", 1))
        assert status == 201, order
        database = service.settings.database_url
        await service.call("POST", f"/api/v1/orders/{order['id']}/cancel", json={}, principal=buyer)
        await publish(engines, prefix, deleted(buyer.subject))

        async def forgotten():
            (row,) = await rows(database, "SELECT * FROM orders")
            return row if row["email"] == ERASED_EMAIL else None

        row = await until(forgotten)
        assert row["shipping_address"].count(ERASED) == 4
        assert row["total_minor"] > 0


async def test_analytics_never_keeps_a_person(engines, prefix):
    async with topics(engines, prefix), served(engines, "analytics", prefix=prefix) as service:
        ann, order_id = uuid4(), uuid4()
        placed = OrderCreated(
            order_id=order_id, order_number="SO-1", customer_id=ann, email="ann@example.com", currency="EUR",
            total_minor=1234, subtotal_minor=1234, discount_minor=0, tax_minor=0, shipping_minor=0, lines=[],
            payment_method="tok_visa", shipping_method="standard", placed_at=datetime.now(UTC),
            shipping_address=Address(name="Ann", line1="1 Road", city="Town", postal_code="1", country="IE"),
        )  # fmt: skip
        user = UserRegistered(user_id=ann, email="ann@example.com", name="Ann")
        await publish(engines, prefix, envelope(placed, order_id), envelope(user, ann))
        connection = await asyncpg.connect(service.settings.database_url)
        try:
            stored = await until(lambda: _two(connection))
        finally:
            await connection.close()
        text = " ".join(stored)
        assert "ann@example.com" not in text
        assert "Ann" not in text
        assert '"country": "IE"' in text


async def _two(connection):
    found = [row["data"] for row in await connection.fetch("SELECT data::text FROM events")]
    return found if len(found) == 2 else None
