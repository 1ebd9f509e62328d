"""Periodic work of the orders service."""

from shared import idempotency
from shared.database import Database
from shared.jobs_queue import Periodic
from svc.orders.placing import SagaResolver
from svc.orders.store import sagas

HOUSEKEEPING_S = 300.0
REFUSED_KEPT_H = 24
PRUNE_ROWS_MAX = 2_000


def resolver(sagas_resolver: SagaResolver, *, every_s: float) -> Periodic:
    """Finishes sagas whose time has come."""
    return Periodic("resolve_sagas", every_s, sagas_resolver.run)


def housekeeping(database: Database) -> Periodic:
    """Forgets answers and refused sagas that nobody asks for any more."""

    async def tidy() -> int:
        async with database.begin() as uow:
            await idempotency.prune(uow.connection)
            return await sagas.prune_refused(uow.connection, older_than_h=REFUSED_KEPT_H, rows_max=PRUNE_ROWS_MAX)

    return Periodic("tidy_orders", HOUSEKEEPING_S, tidy)
