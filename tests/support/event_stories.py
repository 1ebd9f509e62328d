"""What happens to one thing, in the order in which its events are told; and what a service must hold before it hears.

An event that stands in no story is one of its own; a service without a preparation needs none.
"""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from uuid import UUID

from shared.contracts import REGISTRY
from svc.inventory import handlers
from svc.inventory.domain import HoldOutcome
from tests.support.builders.orders import customer, minor, place
from tests.support.builders.samples import Case
from tests.support.cataloguing import imported, item
from tests.support.engines import EngineUrls
from tests.support.fakes.shop import shop
from tests.support.rows import add_payments, database_for
from tests.support.services import Served, until
from tests.support.stocking import receive

STORIES: tuple[tuple[str, ...], ...] = (
    ("order.created", "order.paid", "order.shipped", "order.completed"),
    ("order.created", "order.paid", "order.cancelled", "order.refunded"),
    ("payment.processed", "payment.refunded"),
    ("payment.processed", "payment.refund_failed"),
    ("payment.processed", "payment.refund_reversed"),
    ("shipment.created", "shipment.dispatched", "shipment.delivered"),
    ("inventory.reserved", "inventory.committed"),
    ("inventory.reserved", "inventory.released"),
    ("product.upserted", "price.changed", "product.deleted"),
    ("user.registration_requested", "user.registered", "user.credentials_changed", "user.deleted"),
)

Prepare = Callable[[Served, Case], Awaitable[None]]


ALONE = frozenset({"catalog"})
"""Services to whom every event means the same whatever came before: pages that went by one cannot go by the next."""


def story_of(service: str, event_type: str, known: Collection[str]) -> tuple[str, ...]:
    """The first story that the event is in, as far as the service, which only knows `known`, is told it."""
    if service in ALONE:
        return (event_type,)
    story = next((it for it in STORIES if event_type in it), (event_type,))
    return tuple(it for it in story if it in known)


async def _an_order_is_placed(orders: Served, case: Case) -> None:
    buyer = customer(case.id("customer_id"))

    async def placed():
        """None while the service has not heard of its neighbours yet."""
        status, order = await place(orders, buyer, ("A", 1))
        assert status in {201, 503}, order
        return order if status == 201 else None

    order = await until(placed)
    case.ids["order_id"] = UUID(order["id"])
    case.words |= {order["number"]: "<number>", buyer.email or "": "<email>"}
    case.facts |= dict.fromkeys(("amount_minor", "refunded_minor", "total_minor"), minor(order["total"]))
    case.facts |= {"order_number": order["number"], "email": buyer.email}


async def _units_are_held(inventory: Served, case: Case) -> None:
    sku = f"SKU-{case.token}"
    await receive(inventory, sku, 10, reference=case.token)
    status, hold = await inventory.call(
        "POST",
        "/internal/reservations",
        json={
            "reservation_id": str(case.id("order_id")),
            "customer_id": str(case.id("customer_id")),
            "lines": [{"sku": sku, "quantity": 1}],
        },
    )
    assert status == 201, hold


async def _units_are_sold(inventory: Served, case: Case) -> None:
    await _units_are_held(inventory, case)
    async with database_for(inventory) as database, database.begin() as uow:
        await handlers.end_hold(uow, case.id("order_id"), HoldOutcome.COMMITTED, reason="sold")


async def _a_product_is_in_the_cache(catalog: Served, case: Case) -> None:
    await imported(catalog, item(case.token))
    _, shown = await catalog.call("GET", f"/api/v1/products/{case.token}")
    case.ids["product_id"] = UUID(shown["id"])
    await catalog.call("GET", f"/api/v1/products/{shown['id']}")


async def _a_payment_is_captured(payments: Served, case: Case) -> None:
    (case.ids["order_id"],) = await add_payments(payments, case.id("customer_id"), 1)
    async with database_for(payments) as database, database.acquire() as connection:
        await connection.execute(
            "UPDATE payments SET status = 'captured', captured_minor = amount_minor, psp_payment_id = $2 "
            "WHERE order_id = $1",
            case.id("order_id"),
            f"psp {case.token}",
        )


PREPARED: dict[tuple[str, str], Prepare] = {
    ("orders", "payments.events"): _an_order_is_placed,
    ("orders", "inventory.events"): _an_order_is_placed,
    ("orders", "shipping.events"): _an_order_is_placed,
    ("inventory", "orders.events"): _units_are_held,
    ("inventory", "shipping.events"): _units_are_sold,
    ("catalog", "catalog.events"): _a_product_is_in_the_cache,
    ("payments", "return.completed"): _a_payment_is_captured,
}
"""By service, and event or topic."""

OUTCOMES: dict[str, str] = {
    "orders": """
        SELECT 'orders', jsonb_build_array(id, replace(state, 'cancelling', 'cancelled'), payment_state, refund_state,
            captured_minor, refunded_minor)::text
        FROM orders
        UNION ALL SELECT 'order_shipments', jsonb_build_array(order_id, id, state)::text FROM order_shipments
    """,
    "inventory": """
        SELECT 'stock', jsonb_build_array(sku, warehouse, on_hand, reserved)::text FROM stock
        UNION ALL SELECT 'sold', id::text FROM reservations WHERE status = 'committed' AND restocked_at IS NULL
    """,
    "payments": "SELECT 'payments', jsonb_build_array(order_id, status, captured_minor)::text FROM payments",
    "shipping": """
        SELECT 'shipments', jsonb_build_array(order_id, status)::text FROM shipments WHERE status <> 'cancelled'
    """,
}
"""What must be the same in whichever order a story is heard, of a service whose way there may differ: an order that is
off before it is paid has no parcel, another has one that is kept, for which shipping is asked. Of all others it is
every row.
"""

NEIGHBOURS: dict[str, Callable[[EngineUrls, str], AbstractAsyncContextManager[object]]] = {
    "orders": lambda engines, prefix: shop(engines.redis, prefix),
}
"""Whom a service's preparation asks."""


def preparation_for(service: str, event_type: str) -> Prepare | None:
    """What the service must hold before it hears of the event; that of the event itself before that of its topic."""
    return PREPARED.get((service, event_type)) or PREPARED.get((service, REGISTRY[event_type].topic.name))


@asynccontextmanager
async def neighbours(engines: EngineUrls, service: str, prefix: str):
    async with AsyncExitStack() as stack:
        if service in NEIGHBOURS:
            await stack.enter_async_context(NEIGHBOURS[service](engines, prefix))
        yield
