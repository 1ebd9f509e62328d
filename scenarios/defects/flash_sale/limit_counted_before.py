"""Planted: what a customer already has is counted before the lock, and each request on its own."""

import asyncio
from collections.abc import Sequence
from typing import Any

from scenarios.defects.flash_sale import broken_reserve
from shared.unit_of_work import UnitOfWork
from svc.inventory import store
from svc.inventory.domain import Hold, HoldRequest, PurchaseLimitExceeded

THINKING_TIME_S = 0.01


def twin(_healthy: Any) -> Any:
    """A reserve that checks the limit first and holds later."""

    async def reserve(uow: UnitOfWork, requests: Sequence[HoldRequest]) -> list[Hold | Exception]:
        skus = broken_reserve.wanted_skus(requests)
        limits = await store.limits(uow.connection, skus)
        counted = await store.held_by_customer(uow.connection, [r.customer_id for r in requests], list(limits))
        refused = {
            request.reservation_id
            for request in requests
            for line in request.lines
            if line.sku in limits and counted.get((request.customer_id, line.sku), 0) + line.quantity > limits[line.sku]
        }
        await asyncio.sleep(THINKING_TIME_S)
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
