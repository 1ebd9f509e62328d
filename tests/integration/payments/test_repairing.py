"""`repair charges` on what broken twins really did: all of the harm, nothing but the harm, and once."""

import asyncio
from collections import Counter
from importlib import import_module
from typing import Any

import asyncpg
import pytest

from scenarios.defects import catalogue
from scenarios.history import RETURNED
from scenarios.repair import charges
from scenarios.snapshots import take_snapshots
from scenarios.world.journals import PSP_JOURNAL, PspRecord, iterate
from svc.payments.domain import payment_id_of
from svc.payments.parts import HEALTHY
from tests.support.paying import HASTE, Till, an_order, processes
from tests.support.services import INTERNAL_SECRET, until

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
    views = ("payments.payments", "payments.refunds", "payments.ledger", "payments.webhooks")
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
    async with processes(engines, prefix, tmp_path) as process:
        async with process(parts=twins(defect, engines, prefix)) as shop:
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
        async with process() as shop:
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


async def test_a_capture_that_was_booked_twice_is_taken_out_of_the_books_once(engines, prefix, tmp_path):
    harmed, other = an_order(), an_order()
    async with processes(engines, prefix, tmp_path) as process:
        async with process(parts=twins("webhook-and-answer-capture", engines, prefix)) as shop:
            await shop.place(harmed)
            await until(lambda: _booked(shop, harmed, 2 * harmed.total_minor))
        async with process() as shop:
            await shop.place(other)
            await shop.reaches(other, "captured")
            await shop.webhooks_applied()
            plan = await planned(shop)
            assert [(one.order_id, one.unbook_minor) for one in plan.orders] == [
                (str(harmed.order_id), harmed.total_minor)
            ]
            path = f"/internal/payments/{harmed.order_id}/reversals"
            answers = await asyncio.gather(*(shop.service.call("POST", path) for _ in range(5)))
            assert sorted(body["reversed_minor"] for _, body in answers) == [0, 0, 0, 0, harmed.total_minor]
            assert await _booked(shop, harmed, harmed.total_minor)
            assert await _booked(shop, other, other.total_minor)
            assert (await planned(shop)).empty
            status, body = await shop.service.call("GET", "/internal/reconciliation")
            assert (status, body["differences"], body["difference_minor"]) == (200, [], {})


async def test_a_capture_that_was_really_made_stays_in_the_books(engines, prefix, tmp_path):
    order = an_order(method="tok_timeout_after_success")
    async with processes(engines, prefix, tmp_path) as process:
        async with process(parts=twins("new-key-per-retry", engines, prefix)) as shop:
            shop.behave(idempotency=False, refund_guard=False)
            await shop.place(order)
            await shop.reaches(order, "captured")
            await shop.webhooks_applied()
        async with process() as shop:
            plan = await planned(shop)
            assert await charges.carry_out(OnlyPayments(shop), plan) == {}
            booked = sum(line.amount_minor for line in shop.journal(order, "capture"))
            assert booked > order.total_minor
            assert (await shop.service.call("POST", f"/internal/payments/{order.order_id}/reversals"))[1] == {
                "reversed_minor": 0
            }
            assert await _booked(shop, order, booked)


async def _booked(shop: Till, order: Any, captured_minor: int) -> bool:
    """Whether payments and both sides of the ledger say that so much was captured."""
    row = await shop.payment(order)
    connection = await asyncpg.connect(shop.database_url)
    try:
        ledger = await connection.fetch(
            "SELECT account, sum(amount_minor)::bigint AS minor FROM ledger_entries "
            "WHERE order_id = $1 AND kind LIKE 'capture%' GROUP BY account ORDER BY account",
            order.order_id,
        )
    finally:
        await connection.close()
    return (
        row is not None
        and row["captured_minor"] == captured_minor
        and [(line["account"], line["minor"]) for line in ledger]
        == [
            ("psp_receivable", captured_minor),
            ("sales", -captured_minor),
        ]
    )


async def test_a_refund_that_was_booked_twice_is_taken_out_of_the_books_once_and_told(engines, prefix, tmp_path):
    harmed, other = an_order(), an_order()
    async with processes(engines, prefix, tmp_path) as process:
        broken = twins("webhook-not-deduplicated", engines, prefix)
        async with process(parts=broken) as shop:
            shop.behave(webhook_copies=2)
            await shop.place(harmed)
            await shop.reaches(harmed, "captured")
            assert (await shop.refund(harmed, "10.00"))[0] == 201
            await shop.refunds_done(harmed, 2_000)
            await shop.webhooks_applied()
        async with process() as shop:
            await shop.place(other)
            await shop.reaches(other, "captured")
            assert (await shop.refund(other, "10.00"))[0] == 201
            await shop.refunds_done(other, 1_000)
            await shop.webhooks_applied()
            plan = await planned(shop)
            assert [(one.order_id, one.unrefund_minor) for one in plan.orders] == [(str(harmed.order_id), 1_000)]
            assert plan.webhooks
            path = f"/internal/payments/{harmed.order_id}/refund-reversals"
            answers = await asyncio.gather(*(shop.service.call("POST", path) for _ in range(5)))
            assert sorted(body["reversed_minor"] for _, body in answers) == [0, 0, 0, 0, 1_000]
            assert await shop.service.call("POST", f"/internal/payments/{other.order_id}/refund-reversals") == (
                200, {"reversed_minor": 0}
            )  # fmt: skip
            disowned = {"event_ids": list(plan.webhooks)}
            for news in (len(plan.webhooks), 0):
                answer = await shop.service.call("POST", "/internal/webhooks/disown", json=disowned)
                assert answer == (200, {"applied": news})
            assert (await planned(shop)).empty
            assert Counter(await shop.told(harmed)) == {
                "payment.processed": 1, "payment.refunded": 2, "payment.refund_reversed": 1
            }  # fmt: skip
            assert (await shop.refund(harmed, "79.99"))[0] == 201
            await shop.refunds_done(harmed, harmed.total_minor)
            status, body = await shop.service.call("GET", "/internal/reconciliation")
            assert (status, body["differences"], body["difference_minor"]) == (200, [], {})


async def test_what_a_cancelled_order_was_not_really_paid_back_goes_back(engines, prefix, tmp_path):
    order = an_order()
    async with processes(engines, prefix, tmp_path) as process:
        broken = twins("webhook-not-deduplicated", engines, prefix)
        async with process(parts=broken) as shop:
            shop.behave(webhook_copies=2)
            await shop.place(order)
            await shop.reaches(order, "captured")
            assert (await shop.refund(order, "10.00"))[0] == 201
            await shop.refunds_done(order, 2_000)
            await shop.webhooks_applied()
            shop.behave(webhook_copies=1)
            await shop.cancel(order)
            await shop.refunds_done(order, order.total_minor)
            await shop.webhooks_applied()
        async with process() as shop:
            assert kept_minor(tmp_path)[str(order.order_id)] == 1_000
            for _ in range(2):
                await shop.service.call("POST", f"/internal/payments/{order.order_id}/refund-reversals")
            await until(lambda: _settled(tmp_path, {str(order.order_id): 0}))
            await shop.refunds_done(order, order.total_minor)
            assert (await planned(shop)).orders == ()


async def test_what_went_out_beyond_the_capture_is_written_down_once_as_owed(engines, prefix, tmp_path):
    harmed, other = an_order(), an_order()
    async with processes(engines, prefix, tmp_path) as process:
        broken = twins("refund-check-then-act", engines, prefix)
        async with process(parts=broken) as shop:
            shop.behave(refund_guard=False)
            await shop.place(harmed)
            await shop.reaches(harmed, "captured")
            asked = await asyncio.gather(*(shop.refund(harmed, "60.00") for _ in range(3)))
            assert [status for status, _ in asked] == [201] * 3
            await until(lambda: len(shop.journal(harmed, "refund")) == 3)
            await shop.webhooks_applied()
        async with process() as shop:
            await shop.place(other)
            await shop.reaches(other, "captured")
            assert (await shop.refund(other, "10.00"))[0] == 201
            await shop.refunds_done(other, 1_000)
            await shop.webhooks_applied()
            (order,) = (await planned(shop)).orders
            assert (order.order_id, order.owe_minor) == (str(harmed.order_id), 12_000)
            path = f"/internal/payments/{harmed.order_id}/receivable"
            answers = await asyncio.gather(*(shop.service.call("POST", path) for _ in range(5)))
            assert sorted(body["owed_minor"] for _, body in answers) == [0, 0, 0, 0, 12_000]
            assert await shop.service.call("POST", f"/internal/payments/{other.order_id}/receivable") == (
                200, {"owed_minor": 0}
            )  # fmt: skip
            plan = await planned(shop)
            assert (plan.orders, [one.order_id for one in plan.settle]) == ((), [str(harmed.order_id)])
            row = await shop.payment(harmed)
            assert (row["refunded_minor"], row["overpaid_minor"]) == (6_000, 12_000)
            assert len(shop.journal(harmed, "refund")) == 3
            status, body = await shop.service.call("GET", "/internal/reconciliation")
            assert (status, body["differences"], body["difference_minor"]) == (200, [], {})


async def test_what_was_paid_back_of_a_capture_that_was_booked_twice_is_owed_once(engines, prefix, tmp_path):
    order = an_order()
    async with processes(engines, prefix, tmp_path) as process:
        broken = twins("webhook-and-answer-capture", engines, prefix)
        async with process(parts=broken) as shop:
            shop.behave(refund_guard=False)
            await shop.place(order)
            await until(lambda: _booked(shop, order, 2 * order.total_minor))
            assert (await shop.refund(order))[0] == 201
            await shop.refunds_done(order, 2 * order.total_minor)
            await shop.webhooks_applied()
        async with process() as shop:
            for _ in range(3):
                assert await charges.carry_out(OnlyPayments(shop), await planned(shop)) == {}
            plan = await planned(shop)
            assert (plan.orders, [one.order_id for one in plan.settle]) == ((), [str(order.order_id)])
            row = await shop.payment(order)
            total = order.total_minor
            assert (row["captured_minor"], row["refunded_minor"], row["overpaid_minor"]) == (total, total, total)
            assert Counter(await shop.told(order))["payment.refund_reversed"] == 1
            status, body = await shop.service.call("GET", "/internal/reconciliation")
            assert (status, body["differences"], body["difference_minor"]) == (200, [], {})
