"""Planted: what a customer already has is counted before the lock, and the count is remembered for a while."""

import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from scenarios.defects import broken_reserve
from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from shared.unit_of_work import UnitOfWork
from svc.inventory import store
from svc.inventory.domain import Hold, HoldRequest, PurchaseLimitExceeded

CARD = DefectCard(
    id="limit-counted-before",
    title="The purchase limit is counted, then forgotten",
    parts=("inventory.reserve",),
    root_cause="What a customer already has is counted before the lock and not again under it.",
    caught_by=("INV-04",),
    exposed_by="Customers who place two orders at the same moment.",
    symptoms="Scalpers hold several units each; every single request passed the check.",
    fix="Count inside the lock that serialises the SKU, or hold the limit as a constraint.",
    origin="Check-then-act on a count.",
)

REMEMBERED_S = 1.0


def twin(_healthy: Any, _settings: ServiceSettings) -> Any:
    """A reserve that checks the limit first, against counts up to a second old, and holds later."""
    remembered: dict[tuple[UUID, str], tuple[int, float]] = {}

    async def reserve(uow: UnitOfWork, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        skus = broken_reserve.wanted_skus(requests)
        limits = await store.limits(uow.connection, skus)
        fresh = await store.held_by_customer(uow.connection, [r.customer_id for r in requests], list(limits))
        now = time.monotonic()
        counted = {
            (request.customer_id, sku): _counted_once(remembered, (request.customer_id, sku), fresh, now)
            for request in requests
            for sku in limits
        }
        refused = {
            request.reservation_id
            for request in requests
            for line in request.lines
            if line.sku in limits and counted[request.customer_id, line.sku] + line.quantity > limits[line.sku]
        }
        levels = await store.lock_levels(uow.connection, skus)
        known = await store.holds(uow.connection, list(refused))
        admitted = [r for r in requests if r.reservation_id not in refused or r.reservation_id in known]
        answers = iter(
            await broken_reserve.serve(uow, admitted, levels=levels, limits={}, held={}, write=store.insert_holds)
        )
        admitted_ids = {request.reservation_id for request in admitted}
        return [
            next(answers)
            if request.reservation_id in admitted_ids
            else PurchaseLimitExceeded("the limit per customer is reached")
            for request in requests
        ]

    return reserve


def _counted_once(
    remembered: dict[tuple[UUID, str], tuple[int, float]],
    key: tuple[UUID, str],
    fresh: Mapping[tuple[UUID, str], int],
    now: float,
) -> int:
    count, until = remembered.get(key, (0, 0.0))
    if now >= until:
        count = fresh.get(key, 0)
        remembered[key] = (count, now + REMEMBERED_S)
    return count


TWINS: Twins = {"inventory.reserve": twin}
