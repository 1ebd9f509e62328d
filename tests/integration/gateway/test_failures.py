import asyncio
import contextlib
import time

import aiohttp
import pytest

from shared.declaration import RouteClass
from shared.probe_token import probe_token
from svc.gateway.proxy import PATIENCE_SHARE
from svc.gateway.routes import DEADLINE_S
from tests.support.fakes.echo_service import echo
from tests.support.gateway_steps import door
from tests.support.services import INTERNAL_SECRET, until

pytestmark = pytest.mark.service("gateway")


async def test_a_service_without_instances_is_unavailable(engines, prefix):
    async with door(engines, prefix) as shop:
        answer = await shop.call("GET", "/api/v1/products")
        assert (answer.status, answer.code) == (503, "upstream_unavailable")
        assert answer.headers["Retry-After"] == "1"
        assert answer.json["trace_id"] == answer.headers["X-Trace-Id"]


@pytest.mark.parametrize("target", ["/api/v1/nothing", "/api/v1/", "/api/v2/products", "/internal/users", "/x"])
async def test_a_path_nobody_answers_is_an_unknown_route(engines, prefix, target):
    async with door(engines, prefix) as shop:
        answer = await shop.call("GET", target, token=shop.issuer.token())
        assert (answer.status, answer.code) == (404, "unknown_route")
        assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_service_that_is_too_slow_is_given_up_within_the_clients_deadline(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        started = time.monotonic()
        answer = await shop.call("GET", "/api/v1/products/slow/3000", headers={"X-Deadline-Ms": "300"})
        assert (answer.status, answer.code) == (504, "upstream_timeout")
        assert time.monotonic() - started < 1.5


async def test_short_deadlines_of_clients_do_not_open_the_breaker(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        for _ in range(8):
            await shop.call("GET", "/api/v1/products/slow/500", headers={"X-Deadline-Ms": "60"})
        assert (await shop.call("GET", "/api/v1/products")).status == 200


async def test_a_read_is_repeated_on_another_instance_when_one_dies(engines, prefix):
    async with door(engines, prefix, "catalog") as shop, echo(engines, prefix, "catalog", "catalog-2") as second:
        await until(lambda: _both_answer(shop))
        await second.die()
        answers = [await shop.call("GET", "/api/v1/products") for _ in range(20)]
        assert {answer.status for answer in answers} == {200}
        assert {answer.json["instance"] for answer in answers} == {"catalog-1"}


async def _both_answer(shop, target="/api/v1/products"):
    names = {(await shop.call("GET", target, token=shop.issuer.token())).json["instance"] for _ in range(12)}
    return len(names) == 2


async def test_a_write_whose_fate_is_unknown_is_not_repeated_without_a_key(engines, prefix):
    async with door(engines, prefix, "orders") as shop, echo(engines, prefix, "orders", "orders-2") as second:
        await until(lambda: _both_answer(shop, "/api/v1/orders"))
        received = [*shop.fakes["orders"].requests, *second.requests]
        answer = await shop.call("POST", "/api/v1/orders/die", token=shop.issuer.token(), json={})
        assert (answer.status, answer.code) == (503, "upstream_unavailable")
        assert len(shop.fakes["orders"].requests) + len(second.requests) == len(received) + 1


@pytest.mark.parametrize(("path", "repeated"), [("orders", True), ("cart/items", False), ("orders/x/cancel", False)])
async def test_a_write_with_a_key_is_repeated_only_where_the_key_is_honoured(engines, prefix, path, repeated):
    async with door(engines, prefix, "orders") as shop, echo(engines, prefix, "orders", "orders-2") as second:
        both = (shop.fakes["orders"], second)
        for fake in both:
            fake.dies_at.add(f"/api/v1/{path}")
        await until(lambda: _both_answer(shop, "/api/v1/orders/seen"))
        before = sum(len(fake.requests) for fake in both)
        headers = {"Idempotency-Key": "k"}
        answer = await shop.call("POST", f"/api/v1/{path}", token=shop.issuer.token(), json={}, headers=headers)
        assert (answer.status, answer.code) == (503, "upstream_unavailable")
        assert (sum(len(fake.requests) for fake in both) - before > 1) == repeated


async def test_a_write_that_never_arrived_goes_to_another_instance(engines, prefix):
    async with door(engines, prefix, "orders") as shop, echo(engines, prefix, "orders", "orders-2") as second:
        await until(lambda: _both_answer(shop, "/api/v1/orders"))
        await second.die()
        token = shop.issuer.token()
        answers = [await shop.call("POST", "/api/v1/cart/items", token=token, json={}) for _ in range(10)]
        assert {answer.status for answer in answers} <= {200, 503}
        assert [answer.status for answer in answers].count(503) <= 1


async def test_a_dead_instance_is_forgotten_within_two_seconds(engines, prefix):
    async with door(engines, prefix, "catalog") as shop, echo(engines, prefix, "catalog", "catalog-2") as second:
        await until(lambda: _both_answer(shop))
        await second.stop_beating()
        stopped = time.monotonic()
        last_seen = stopped
        while time.monotonic() - stopped < 3.0:
            if (await shop.call("GET", "/api/v1/products")).json["instance"] == "catalog-2":
                last_seen = time.monotonic()
            await asyncio.sleep(0.02)
        assert last_seen - stopped <= 2.0


async def test_a_failing_service_is_left_alone_until_it_recovers(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        fake = shop.fakes["catalog"]

        async def opened():
            answer = await shop.call("GET", "/api/v1/products/status/500", token=shop.issuer.token())
            return answer.status == 503

        await until(opened)
        asked = len(fake.requests)
        answer = await shop.call("GET", "/api/v1/products")
        assert (answer.status, answer.code) == (503, "upstream_unavailable")
        assert len(fake.requests) == asked

        async def recovered():
            return (await shop.call("GET", "/api/v1/products")).status == 200

        await until(recovered, deadline_s=6)


@pytest.mark.parametrize("poison", ["status/500", "status/502", "die"])
async def test_one_customers_poison_does_not_take_the_shop_from_the_others(engines, prefix, poison):
    async with door(engines, prefix, "orders") as shop:
        mallory, ann = shop.issuer.token(), shop.issuer.token()
        for _ in range(12):
            await shop.call("GET", f"/api/v1/orders/{poison}", token=mallory)
            assert (await shop.call("GET", "/api/v1/orders", token=ann)).status == 200


async def test_slow_answers_close_the_breaker_as_quick_ones_do(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:

        async def answers(path, status):
            return (await shop.call("GET", f"/api/v1/products/{path}", token=shop.issuer.token())).status == status

        await until(lambda: answers("status/500", 503))
        await until(lambda: answers("slow/400", 200))  # longer than the door waits before it looks who has left
        assert [await answers("slow/400", 200) for _ in range(3)] == [True] * 3


async def test_a_service_that_hangs_is_left_alone_when_clients_have_waited_long_and_gone(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:

        async def goes_after(seconds):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await shop.call("GET", "/api/v1/products/slow/20000", token=shop.issuer.token())

        async def status():
            return (await shop.call("GET", "/api/v1/products")).status

        await asyncio.gather(*(goes_after(0.5) for _ in range(12)))
        assert await status() == 200
        await asyncio.gather(*(goes_after(PATIENCE_SHARE * DEADLINE_S[RouteClass.BROWSE] + 0.3) for _ in range(12)))

        async def is_refused():
            return await status() == 503

        await until(is_refused)


async def test_a_busy_answer_to_a_read_is_asked_for_elsewhere(engines, prefix):
    async with door(engines, prefix, "catalog") as shop, echo(engines, prefix, "catalog", "catalog-2") as second:
        await until(lambda: _both_answer(shop))
        before = len(second.requests) + len(shop.fakes["catalog"].requests)
        answer = await shop.call("GET", "/api/v1/products/status/503")
        assert answer.status == 503
        assert len(second.requests) + len(shop.fakes["catalog"].requests) >= before + 2


async def test_recommendations_are_refused_before_browsing_and_that_before_checkout_when_it_gets_full(engines, prefix):
    async with door(engines, prefix, "catalog", "orders", in_flight_max=10) as shop:
        token = shop.issuer.token()

        def wait_for(many):
            slow = (shop.call("GET", "/api/v1/products/slow/1500", token=token) for _ in range(many))
            return [asyncio.create_task(one) for one in slow]

        waiting = wait_for(4)
        await until(lambda: shop.fakes["catalog"].running == 4)
        suggested = await shop.call("GET", "/api/v1/products/mug/related")
        assert (suggested.status, suggested.code) == (503, "overloaded")
        waiting += wait_for(2)
        await until(lambda: shop.fakes["catalog"].running == 6)
        browse = await shop.call("GET", "/api/v1/products")
        assert (browse.status, browse.code, browse.headers["Retry-After"]) == (503, "overloaded", "1")
        assert (await shop.call("GET", "/api/v1/orders", token=token)).status == 200
        assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}


async def test_who_only_looks_fills_a_part_of_a_service_and_is_soon_turned_away_from_it(engines, prefix):
    async with door(engines, prefix, "catalog", upstream_places=8, browse_wait_s=0.05) as shop:
        lookers = [asyncio.create_task(shop.call("GET", "/api/v1/products/slow/700")) for _ in range(12)]
        most = 0
        while not all(task.done() for task in lookers):
            most = max(most, shop.fakes["catalog"].running)
            await asyncio.sleep(0)
        answers = [task.result() for task in lookers]
        turned_away = [answer for answer in answers if answer.status == 503]
        assert most == 2
        assert len(turned_away) == 10
        assert {answer.code for answer in turned_away} == {"overloaded"}
        assert all(answer.headers["Retry-After"] for answer in turned_away)


async def test_work_for_a_client_that_left_is_dropped(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        fake = shop.fakes["catalog"]
        with pytest.raises(TimeoutError):
            await shop.call("GET", "/api/v1/products/slow/4000", timeout=aiohttp.ClientTimeout(total=0.5))
        started = time.monotonic()
        await until(lambda: shop.gateway.app.asgi_handler.in_flight == 0)
        assert time.monotonic() - started < 1.5
        assert len(fake.requests) == 1


async def test_status_tells_which_parts_are_degraded(engines, prefix):
    async with door(engines, prefix, "catalog") as shop:
        fake = shop.fakes["catalog"]
        fake.documents["/health/ready"] = {"status": "not_ready", "checks": {"database": {"ok": False, "detail": "x"}}}
        answer = await shop.call("GET", "/api/v1/status")
        assert answer.status == 200
        parts = {part["name"]: part["status"] for part in answer.json["parts"]}
        assert (parts["sign_in"], parts["browsing"], parts["checkout"]) == ("ok", "degraded", "down")
        catalog = next(one for one in answer.json["services"] if one["name"] == "catalog")
        assert catalog["failing"] == ["database"]
        assert answer.json["status"] == "degraded"


async def test_one_contract_and_one_page_for_the_whole_fleet(engines, prefix):
    async with door(engines, prefix, "catalog", "orders") as shop:
        for name, path in (("catalog", "/api/v1/products"), ("orders", "/api/v1/orders")):
            shop.fakes[name].documents["/openapi/openapi.json"] = {
                "paths": {
                    path: {"get": {"operationId": "List", "r": {"$ref": "#/components/schemas/Page"}}},
                    "/internal/x": {"get": {}},
                },
                "components": {"schemas": {"Page": {"type": "object", "title": name}}},
            }
        contract = (await shop.call("GET", "/openapi/openapi.json")).json
        assert {"/api/v1/products", "/api/v1/orders", "/api/v1/status"} <= contract["paths"].keys()
        assert "/internal/x" not in contract["paths"]
        assert contract["paths"]["/api/v1/orders"]["get"]["r"]["$ref"] == "#/components/schemas/orders.Page"
        assert contract["components"]["schemas"]["catalog.Page"]["title"] == "catalog"
        page = await shop.call("GET", "/")
        assert page.headers["Content-Type"].startswith("text/html")
        assert b"catalog" in page.content


PROBE = {"Authorization": f"Bearer {probe_token(INTERNAL_SECRET)}"}


async def test_the_gateway_is_ready_when_it_can_count(engines, prefix):
    async with door(engines, prefix) as shop:
        assert (await shop.call("GET", "/health/ready", headers=PROBE)).json["status"] == "ready"
        assert b"shopstream_http_requests" in (await shop.call("GET", "/metrics", headers=PROBE)).content


async def test_what_the_gateway_knows_of_itself_is_not_for_strangers(engines, prefix):
    async with door(engines, prefix) as shop:
        strangers = ({}, {"Authorization": "Bearer guess"}, shop.gateway.headers(), {"X-Forwarded-For": "127.0.0.1"})
        for path in ("/health/ready", "/metrics"):
            for headers in strangers:
                answer = await shop.call("GET", path, headers=headers)
                assert (answer.status, answer.code) == (404, "unknown_route")
        assert (await shop.call("GET", "/health/live")).json == {"status": "live"}
        assert (await shop.call("GET", "/api/v1/orders", headers=PROBE)).status == 401
