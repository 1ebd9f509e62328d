"""`repair charges` on what broken twins really did: all of the harm, nothing but the harm, and once."""

from collections import Counter
from importlib import import_module
from typing import Any

import pytest

from scenarios.defects import catalogue
from scenarios.history import RETURNED
from scenarios.repair import charges
from scenarios.snapshots import take_snapshots
from scenarios.world.journals import PSP_JOURNAL, PspRecord, iterate
from svc.payments.domain import payment_id_of
from svc.payments.parts import HEALTHY
from tests.support.paying import HASTE, Till, an_order, psp_world, reopened
from tests.support.services import INTERNAL_SECRET, database_of, topics, until

pytestmark = pytest.mark.service("payments")

TAX_MINOR = 1_532
BACK = ("payment.duplicate_returned", "payment.refunded")


def twins(defect: str, engines: Any, prefix: str) -> dict[str, Any]:
    """The broken parts, made as the overlay makes them."""
    settings = import_module("svc.payments.settings").Settings(
        internal_secret=INTERNAL_SECRET, redis_url=engines.redis, prefix=prefix, **HASTE
    )
    return {
        part.partition(".")[2]: twin(getattr(HEALTHY, part.partition(".")[2]), settings)
        for part, twin in catalogue.twins_of(defect).items()
    }


class OnlyPayments:
    """What a repair calls of a fleet."""

    def __init__(self, shop: Till) -> None:
        self._shop = shop

    async def call(self, service: str, method: str, path: str, **options: Any) -> Any:
        assert service == "payments"
        status, body = await self._shop.service.call(method, path, **options)
        assert status < 300, body
        return body


def kept_minor(folder: Any) -> Counter[str]:
    """What the provider kept of each order, by its own journal."""
    kept: Counter[str] = Counter()
    for line in iterate(folder / PSP_JOURNAL, PspRecord):
        if line.kind == "capture":
            kept[line.merchant_reference] += line.amount_minor
        elif line.kind == "refund":
            kept[line.payment_reference] -= line.amount_minor
    return kept


async def planned(shop: Till) -> charges.Plan:
    views = ("payments.payments", "payments.refunds")
    snapshots = await take_snapshots({"payments": shop.database_url}, only=views)
    return charges.plan(snapshots.tables, list(iterate(shop.world.psp.journal.path, PspRecord)))


@pytest.mark.parametrize(
    ("defect", "method", "status", "returned"),
    [
        ("new-key-per-retry", "tok_timeout_after_success", "captured", False),
        ("timeout-as-failure", "tok_timeout_after_success", "failed", False),
        ("refund-without-tax", "tok_visa", "captured", True),
    ],
)
async def test_all_of_the_harm_is_undone_once_and_nothing_else(
    engines, prefix, tmp_path, defect, method, status, returned
):
    harmed = [an_order(method=method, tax_minor=TAX_MINOR) for _ in range(2)]
    others = [an_order(tax_minor=TAX_MINOR) for _ in range(2)]
    owed = {str(order.order_id): order.total_minor for order in others}
    owed |= {str(order.order_id): 0 if returned or status == "failed" else order.total_minor for order in harmed}
    async with (
        topics(engines, prefix),
        psp_world(tmp_path) as world,
        database_of(engines, "payments") as database_url,
    ):
        async with reopened(engines, prefix, world, database_url, parts=twins(defect, engines, prefix)) as shop:
            shop.behave(idempotency=False, refund_guard=False, webhook_delay_s=2.0 if status == "failed" else 0.0)
            await shop.place(*harmed, *others)
            for order in others:
                await shop.reaches(order, "captured")
            for order in harmed:
                await shop.reaches(order, status)
                if returned:
                    path = f"/api/v1/payments/{payment_id_of(order.order_id)}/refunds"
                    key = {"Idempotency-Key": str(order.order_id)}
                    assert (await shop.service.call("POST", path, json={"reason": RETURNED}, headers=key))[0] == 201
                    await shop.refunds_done(order, order.total_minor - TAX_MINOR)

            async def damaged() -> bool:
                kept = kept_minor(tmp_path)
                return {order for order, minor in owed.items() if kept[order] != minor} == {
                    str(order.order_id) for order in harmed
                }

            await until(damaged)
            await shop.webhooks_applied()
        async with reopened(engines, prefix, world, database_url) as shop:
            told = {order.order_id: Counter(await shop.told(order)) for order in harmed}
            plan = await planned(shop)
            assert {order.order_id for order in plan.orders} == {str(order.order_id) for order in harmed}
            assert plan.settle == ()
            for _ in range(2):
                assert await charges.carry_out(OnlyPayments(shop), plan) == {}
                await until(lambda: _settled(tmp_path, owed))
                await shop.webhooks_applied()
            assert (await planned(shop)).empty
            for order in harmed:
                news = Counter(await shop.told(order)) - told[order.order_id]
                assert sum(news[kind] for kind in BACK) == 1
            for order in others:
                assert await shop.told(order) == ["payment.processed"]


async def _settled(folder: Any, owed: dict[str, int]) -> bool:
    kept = kept_minor(folder)
    return {order: kept[order] for order in owed} == owed
