"""Rows in a service's database as its own use cases make them, for tests of reading."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

from shared.contracts import Address, Event, OrderLine
from shared.contracts.orders import OrderCreated, OrderPaid
from shared.database import Database
from shared.ids import new_id
from svc.notifications.handlers import Letters
from svc.payments.handlers import orders as payments
from svc.shipping.handlers import orders as shipping
from tests.support.services import envelope

ADDRESS = Address(name="A", line1="B", city="C", postal_code="1", country="DE")


def order_fact(kind: type[Event], customer_id, order_id=None, **more) -> Event:
    """An order of three lines as its service tells it."""
    facts = {
        "order_id": order_id or new_id(), "order_number": "SO-1", "customer_id": customer_id,
        "email": "buyer@example.com", "currency": "EUR", "total_minor": 3_000, "shipping_address": ADDRESS,
        "shipping_method": "standard",
        "lines": [
            OrderLine(sku=f"S{n}", product_id=uuid4(), title="T", quantity=1, unit_price_minor=1, line_total_minor=1)
            for n in range(3)
        ],
    }  # fmt: skip
    if kind is OrderCreated:
        facts |= {
            "subtotal_minor": 3_000, "discount_minor": 0, "tax_minor": 0, "shipping_minor": 0,
            "payment_method": "tok_visa", "placed_at": datetime.now(UTC),
        }  # fmt: skip
    if kind is OrderPaid:
        facts["payment_id"] = uuid4()
    return kind(**{**facts, **more})


@asynccontextmanager
async def database_for(service):
    """The served service's own database, through a second pool."""
    database = Database(service.settings.database_url, "rows-of-a-test")
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def add_payments(service, customer_id, count):
    """Payments owed by the customer; gives the ids of their orders."""
    return await _apply(service, OrderCreated, customer_id, count, payments.owe_payment)


async def add_shipments(service, customer_id, count):
    """Parcels to be sent to the customer; gives the ids of their orders."""

    async def send(uow, told):
        await shipping.send_parcel(uow, told, carrier="dhl")

    return await _apply(service, OrderPaid, customer_id, count, send)


async def add_letters(service, customer_id, count):
    """Messages queued for the customer; gives the ids of their orders."""
    return await _apply(service, OrderCreated, customer_id, count, Letters(lambda: None).confirm_order)


async def _apply(service, kind, customer_id, count, handler):
    events = [order_fact(kind, customer_id) for _ in range(count)]
    async with database_for(service) as database, database.begin() as uow:
        for event in events:
            await handler(uow, envelope(event, event.order_id))
    return [event.order_id for event in events]
