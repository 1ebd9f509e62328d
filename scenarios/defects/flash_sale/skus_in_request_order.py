"""Planted: the stock rows of an order are locked one after another, in the order in which its basket lists them."""

import asyncio
from collections.abc import Sequence
from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.inventory import store
from svc.inventory.domain import Hold, HoldRequest

CARD = DefectCard(
    id="skus-in-request-order",
    title="SKUs are locked in the order of the basket: a storm of deadlocks",
    parts=("inventory.reserve",),
    root_cause=(
        "Each line's stock row is locked when its turn comes. Two baskets with the same goods in different order wait "
        "for each other until PostgreSQL ends one of them, with everybody in its batch."
    ),
    caught_by=("INV-25",),
    exposed_by="Orders of several lines with the same goods, and two inventory processes.",
    symptoms="'deadlock detected' in PostgreSQL's log, checkouts that hang for a second, 503s; the data stay right.",
    fix="Lock all rows in one order, for example by SKU, in one statement.",
    origin="PostgreSQL documentation, 13.3.4 Deadlocks: acquire locks in a consistent order.",
)

BETWEEN_LOCKS_S = 0.03


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A reserve that locks row by row."""

    async def reserve(uow: UnitOfWork, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        for sku in _as_listed(requests):
            await store.lock_levels(uow.connection, [sku])
            await asyncio.sleep(BETWEEN_LOCKS_S)
        return await healthy(uow, requests)

    return reserve


def _as_listed(requests: Sequence[HoldRequest]) -> list[str]:
    """The SKUs as the baskets listed them: half of the people put the second thing in first.

    By now the lines are sorted, so the reservation's id stands for the habit of its owner.
    """
    listed = [
        line.sku
        for request in requests
        for line in (request.lines if request.reservation_id.int % 2 else reversed(request.lines))
    ]
    return list(dict.fromkeys(listed))


TWINS: Twins = {"inventory.reserve": twin}
