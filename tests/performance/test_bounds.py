"""What a service refuses rather than queue: more connections than its pool, more requests than it can hold, work
whose caller has left. Seen at inventory, because the bounds are the library's."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import aiohttp
import asyncpg
import pytest

from shared.database import POOL_SIZE_MAX
from shared.request_scope import IN_FLIGHT_MAX
from tests.support.builders.orders import body, customer
from tests.support.fakes.shop import shop
from tests.support.services import served, until
from tests.support.statements import API_ONLY
from tests.support.stocking import receive


def _receipt(reference):
    return {"sku": "HOT", "quantity": 1, "reference": str(reference)}


@asynccontextmanager
async def _locked_stock(service):
    """Holds the row of HOT, so that whoever books goods in waits; gives the connection that holds it."""
    await receive(service, "HOT", 1, "first")
    connection = await asyncpg.connect(service.settings.database_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM stock WHERE sku = 'HOT' FOR UPDATE")
            yield connection
    finally:
        await connection.close()


async def _post_receipt(http, service, reference):
    url = service.url + "/api/v1/stock/receipts"
    async with http.post(url, json=_receipt(reference), headers=service.headers()) as answer:
        return answer.status, dict(answer.headers), await answer.json(content_type=None)


@asynccontextmanager
async def _crowd(service, count):
    """So many receipts at once, each on a connection of its own."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        tasks = [asyncio.create_task(_post_receipt(http, service, n)) for n in range(count)]
        try:
            yield tasks
        finally:
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.service("inventory")
async def test_more_requests_than_connections_never_open_more_connections(engines, prefix):
    async with served(engines, "inventory", prefix=prefix, **API_ONLY) as inventory:
        async with _locked_stock(inventory) as connection, _crowd(inventory, 5 * POOL_SIZE_MAX) as receipts:

            async def waiting():
                # pg_stat_activity answers once per transaction from a snapshot, unless it is cleared
                await connection.execute("SELECT pg_stat_clear_snapshot()")
                rows = await connection.fetch(
                    "SELECT wait_event_type FROM pg_stat_activity "
                    "WHERE datname = current_database() AND application_name = 'inventory-1'"
                )
                assert len(rows) <= POOL_SIZE_MAX
                return sum(row["wait_event_type"] == "Lock" for row in rows) == POOL_SIZE_MAX

            await until(waiting, deadline_s=4)
            await connection.execute("COMMIT")
            answers = await asyncio.gather(*receipts)
            assert {status for status, _, _ in answers} == {201}
            await connection.execute("BEGIN")
        _, stock = await inventory.call("GET", "/api/v1/stock?skus=HOT")
        assert stock["items"] == [{"sku": "HOT", "available": 5 * POOL_SIZE_MAX + 1}]


@pytest.mark.service("inventory")
async def test_what_exceeds_the_bound_on_requests_at_once_is_refused_at_once(engines, prefix):
    beyond = 24
    async with served(engines, "inventory", prefix=prefix, **API_ONLY) as inventory:
        async with _locked_stock(inventory) as connection, _crowd(inventory, IN_FLIGHT_MAX + beyond) as receipts:
            await until(lambda: sum(task.done() for task in receipts) == beyond, deadline_s=4)
            refused = [task.result() for task in receipts if task.done()]
            assert {(status, told["code"]) for status, _, told in refused} == {(503, "overloaded")}
            assert all(int(headers["Retry-After"]) >= 1 for _, headers, _ in refused)
            await connection.execute("COMMIT")
            answers = await asyncio.gather(*receipts)
            assert sum(status == 201 for status, _, _ in answers) == IN_FLIGHT_MAX
            await connection.execute("BEGIN")
        assert (await inventory.call("POST", "/api/v1/stock/receipts", json=_receipt("after")))[0] == 201


@pytest.mark.service("inventory")
async def test_probes_are_answered_while_requests_are_refused(engines, prefix):
    async with (
        served(engines, "inventory", prefix=prefix, **API_ONLY) as inventory,
        _locked_stock(inventory) as connection,
        _crowd(inventory, IN_FLIGHT_MAX + 1) as receipts,
    ):
        await until(lambda: any(task.done() for task in receipts), deadline_s=4)
        assert (await inventory.call("GET", "/health/live", anonymous=True))[0] == 200
        await connection.execute("COMMIT")
        await asyncio.gather(*receipts)
        await connection.execute("BEGIN")


@pytest.mark.service("orders")
async def test_an_order_whose_time_is_up_is_refused_before_any_work(engines, prefix, statements):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        headers = {"X-Deadline-Ms": "0", "Idempotency-Key": uuid4().hex}
        with statements.counted() as seen:
            status, refused = await orders.call(
                "POST", "/api/v1/orders", principal=customer(), headers=headers, json=body(("A", 1))
            )
        assert (status, refused["code"]) == (504, "deadline_exceeded")
        assert set(seen) <= {"SELECT 1"}  # readiness asks on its own account
        assert fakes.inventory.calls == []


@pytest.mark.service("inventory")
@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("POST", "/api/v1/stock/receipts", _receipt("late")),
        ("GET", "/api/v1/stock?skus=HOT", None),
        (
            "POST",
            "/internal/reservations",
            {
                "reservation_id": str(uuid4()),
                "customer_id": str(uuid4()),
                "lines": [{"sku": "HOT", "quantity": 1}],
            },
        ),
    ],
)
async def test_a_request_whose_time_is_up_reaches_no_database(engines, prefix, statements, method, path, document):
    async with served(engines, "inventory", prefix=prefix, **API_ONLY) as inventory:
        await receive(inventory, "HOT", 1, "first")
        with statements.counted() as seen:
            status, refused = await inventory.call(method, path, headers={"X-Deadline-Ms": "0"}, json=document)
        assert (status, refused["code"]) == (504, "deadline_exceeded")
        assert seen == []


@pytest.mark.service("orders")
async def test_a_slow_neighbour_is_waited_for_no_longer_than_the_caller_waits(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix, **API_ONLY) as orders:
        fakes.inventory.plan.append("hang_before")
        headers = {"X-Deadline-Ms": "400", "Idempotency-Key": uuid4().hex}
        began = asyncio.get_running_loop().time()
        status, refused = await orders.call(
            "POST", "/api/v1/orders", principal=customer(), headers=headers, json=body(("A", 1))
        )
        waited_s = asyncio.get_running_loop().time() - began
        fakes.inventory.resume.set()
        assert status in {503, 504}, refused
        assert waited_s < orders.settings.reserve_timeout_s
