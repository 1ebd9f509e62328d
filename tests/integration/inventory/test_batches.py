"""One item that breaks the transaction of its batch breaks nothing for the others."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from shared.cancellation import cancel_all
from svc.inventory import handlers, store
from svc.inventory.batcher import ReservationBatcher
from svc.inventory.domain import Hold, HoldRequest, Line
from svc.inventory.handlers import SWEEP_ROWS_MAX
from svc.inventory.jobs import sweeper
from svc.inventory.parts import HEALTHY
from tests.support.services import opened_database, until

pytestmark = pytest.mark.service("inventory")

BREAKS_AT_CURSED = (
    "CREATE FUNCTION curse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF NEW.sku = 'CURSED' AND NEW.type = TG_ARGV[0] THEN RAISE check_violation; END IF; RETURN NEW; END $$",
    "CREATE TRIGGER curse BEFORE INSERT ON movements FOR EACH ROW EXECUTE FUNCTION curse('{}')",
)


def wish(*skus, ttl_s=600.0):
    lines = tuple(Line(sku, 1) for sku in sorted(skus))
    return HoldRequest(reservation_id=uuid4(), customer_id=uuid4(), lines=lines, ttl_s=ttl_s)


async def stock(database, units, cursed_at):
    """Units of both SKUs; movements of CURSED of one type break the statement that writes them."""
    async with database.begin() as uow:
        await store.learn_skus(uow.connection, ["A", "CURSED"])
        for sku in ("A", "CURSED"):
            await handlers.receive_stock(uow, sku=sku, quantity=units, warehouse="main", reference=sku)
    async with database.acquire() as connection:
        for statement in BREAKS_AT_CURSED:
            await connection.execute(statement.format(cursed_at))


async def levels(database):
    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT sku, reserved FROM stock ORDER BY sku")
    return {row["sku"]: row["reserved"] for row in rows}


async def test_a_buyer_whose_reservation_breaks_takes_no_other_buyer_along(engines):
    async with opened_database(engines, "inventory") as database:
        await stock(database, 100, cursed_at="reserve")
        batcher = ReservationBatcher(database, handlers.reserve)
        wishes = [wish("A") for _ in range(60)]
        wishes[17] = wish("A", "CURSED")
        outcomes = await asyncio.gather(*(batcher.hold(one) for one in wishes), return_exceptions=True)
        await batcher.close()
        assert [place for place, outcome in enumerate(outcomes) if not isinstance(outcome, Hold)] == [17]
        assert isinstance(outcomes[17], asyncpg.CheckViolationError)
        assert await levels(database) == {"A": 59, "CURSED": 0}


@pytest.mark.parametrize("cursed", [1, SWEEP_ROWS_MAX + 10])
async def test_holds_that_cannot_be_ended_keep_no_other_from_expiring(engines, cursed):
    async with opened_database(engines, "inventory") as database:
        await stock(database, 2 * SWEEP_ROWS_MAX, cursed_at="expire")
        skus = ["CURSED"] * cursed + ["A"] * 20
        async with database.begin() as uow:
            await handlers.reserve(uow, [wish(sku, ttl_s=0.001) for sku in skus])
        job = sweeper(database, HEALTHY, every_s=0.1)
        running = asyncio.create_task(job.run())

        async def others_are_free():
            return await levels(database) == {"A": 0, "CURSED": cursed} and job.failures_in_row > 0

        try:
            await until(others_are_free, deadline_s=60)
        finally:
            await cancel_all([running])
        async with database.acquire() as connection:
            events = await connection.fetchval("SELECT count(*) FROM outbox WHERE type = 'inventory.released'")
        assert events == 20


async def test_a_hold_that_was_pinned_after_the_sweep_saw_it_is_not_ended(engines):
    async with opened_database(engines, "inventory") as database:
        await stock(database, 2, cursed_at="none")
        kept, over = wish("A", ttl_s=0.001), wish("A", ttl_s=0.001)
        async with database.begin() as uow:
            await handlers.reserve(uow, [kept, over])
        async with database.begin() as uow:
            seen = await handlers.expired_holds(uow)
        async with database.begin() as uow:
            await handlers.pin(uow, kept.reservation_id)
        async with database.begin() as uow:
            await handlers.expire_holds(uow, seen)
            assert (await handlers.reservation(uow, kept.reservation_id)).status == "held"
            assert (await handlers.reservation(uow, over.reservation_id)).status == "expired"
