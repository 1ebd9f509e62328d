"""Periodic work of the orders service."""

from shared.database import Database
from shared.periodic import Periodic
from shared.pruning import Rule
from svc.orders.placing import SagaResolver
from svc.orders.store import sagas

HOUSEKEEPING_S = 300.0
REFUSED_KEPT_H = 24
PRUNE_ROWS_MAX = 2_000
SAGA_ATTEMPTS = Rule(
    "saga_attempts",
    "at < clock_timestamp() - interval '8 days' AND NOT EXISTS "
    "(SELECT FROM sagas WHERE sagas.order_id = saga_attempts.order_id AND status IN ('running', 'failed'))",
)

GUEST_CART_KEPT = "interval '30 days'"
GUEST_CART_LINES = Rule(
    "cart_lines",
    "customer_id IN (SELECT customer_id FROM carts "  # noqa: S608 constants
    f"WHERE guest AND updated_at < clock_timestamp() - {GUEST_CART_KEPT})",
)
GUEST_CARTS = Rule(
    "carts",
    f"guest AND updated_at < clock_timestamp() - {GUEST_CART_KEPT} "
    "AND NOT EXISTS (SELECT FROM cart_lines WHERE cart_lines.customer_id = carts.customer_id)",
)
PRUNING = (SAGA_ATTEMPTS, GUEST_CART_LINES, GUEST_CARTS)


def resolver(sagas_resolver: SagaResolver, *, every_s: float) -> Periodic:
    """Finishes sagas whose time has come."""
    return Periodic("resolve_sagas", every_s, sagas_resolver.run)


def housekeeping(database: Database) -> Periodic:
    """Forgets refused sagas that nobody asks for any more."""

    async def tidy() -> int:
        async with database.begin() as uow:
            return await sagas.prune_refused(uow.connection, older_than_h=REFUSED_KEPT_H, rows_max=PRUNE_ROWS_MAX)

    return Periodic("tidy_orders", HOUSEKEEPING_S, tidy)
