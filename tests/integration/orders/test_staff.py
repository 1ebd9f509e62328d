"""What the shop's people see and do, and what of it customers see."""

from uuid import uuid4

import pytest

from shared.contracts.payments import PaymentProcessed
from shared.identity import Principal
from tests.support.builders.orders import customer, place
from tests.support.builders.placed_order import an_order, rows
from tests.support.fakes.shop import shop
from tests.support.services import served

pytestmark = pytest.mark.service("orders")

SUPPORT = Principal(subject=str(uuid4()), roles=frozenset({"support"}))


async def test_an_order_tells_its_owner_who_moved_it_when_and_why(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed)
        await told.becomes("paid")
        path = f"/api/v1/orders/{told.order['id']}"
        await told.orders.call("POST", f"{path}/cancel", principal=SUPPORT, json={"reason": "a wrong price"})
        await told.becomes("cancelled")
        status, page = await told.orders.call("GET", f"{path}/history", principal=told.buyer)
        assert status == 200
        assert [(one.get("from_status"), one["to_status"], one["by"], one["reason"]) for one in page["items"]] == [
            (None, "pending", "customer", "order placed"),
            ("pending", "reserved", "customer", "stock held"),
            ("reserved", "paid", "shop", "payment captured"),
            ("paid", "cancelling", "staff", "a wrong price"),
            ("cancelling", "cancelled", "shop", "a wrong price"),
        ]
        moments = [one["at"] for one in page["items"]]
        assert moments == sorted(moments)
        assert not {"actor", "machine"} & page["items"][0].keys()


async def test_staff_sees_every_machine_and_the_very_actor_in_pages_without_gaps(engines, prefix):
    async with an_order(engines, prefix) as told:
        await told.tell(PaymentProcessed)
        await told.becomes("paid")
        path, seen, cursor = f"/api/v1/orders/{told.order['id']}/history?limit=2", [], ""
        while cursor is not None:
            _, page = await told.orders.call("GET", f"{path}{cursor and '&cursor='}{cursor}", principal=SUPPORT)
            seen += page["items"]
            cursor = page["next_cursor"]
        _, whole = await told.orders.call("GET", f"/api/v1/orders/{told.order['id']}/history", principal=SUPPORT)
        assert seen == whole["items"]
        assert {one["machine"] for one in seen} == {"order", "payment", "status"}
        assert {one["actor"] for one in seen} == {f"customer:{told.buyer.subject}", "payments"}


async def test_staff_writes_notes_that_no_customer_sees(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        buyer = customer()
        _, order = await place(orders, buyer, ("A", 1))
        path = f"/api/v1/orders/{order['id']}/notes"
        for text in ("called, wants a gift wrap", "<b>called again</b>"):
            status, note = await orders.call("POST", path, principal=SUPPORT, json={"note": text})
            assert (status, note["note"], note["actor"]) == (201, text, f"staff:{SUPPORT.subject}")
        _, first = await orders.call("GET", f"{path}?limit=1", principal=SUPPORT)
        _, second = await orders.call("GET", f"{path}?limit=1&cursor={first['next_cursor']}", principal=SUPPORT)
        assert [page["items"][0]["note"][:6] for page in (first, second)] == ["called", "<b>cal"]
        assert second["next_cursor"] is None
        for method, sent in (("GET", {}), ("POST", {"json": {"note": "mine"}})):
            assert (await orders.call(method, path, principal=buyer, **sent))[0] == 403
        _, shown = await orders.call("GET", f"/api/v1/orders/{order['id']}", principal=buyer)
        _, history = await orders.call("GET", f"/api/v1/orders/{order['id']}/history", principal=buyer)
        assert "gift" not in str((shown, history))


@pytest.mark.parametrize("note", ["", "two\nlines", "x" * 501, 7])
async def test_a_note_is_one_visible_line_about_an_order_there_is(engines, prefix, note):
    async with served(engines, "orders", prefix=prefix, role="api") as orders:
        path = f"/api/v1/orders/{uuid4()}/notes"
        status, refused = await orders.call("POST", path, principal=SUPPORT, json={"note": note})
        assert (status, refused["code"]) == (400, "invalid_body")
        status, refused = await orders.call("POST", path, principal=SUPPORT, json={"note": "fine"})
        assert (status, refused["code"]) == (404, "order_not_found")


async def test_a_stuck_saga_is_shown_to_staff_resumed_once_and_noted(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix, role="api") as orders:
        stuck = [(await place(orders, customer(), ("A", 1)))[1]["id"] for _ in range(3)]
        url = orders.settings.database_url
        await place(orders, customer(), ("A", 1))
        await rows(
            url,
            "UPDATE sagas SET deadline_at = clock_timestamp() - interval '1 s' WHERE order_id = ANY($1::uuid[])",
            stuck,
        )
        _, page = await orders.call("GET", "/api/v1/orders/sagas?limit=2", principal=SUPPORT)
        _, last = await orders.call(
            "GET", f"/api/v1/orders/sagas?limit=2&cursor={page['next_cursor']}", principal=SUPPORT
        )
        assert [saga["order_id"] for saga in (*page["items"], *last["items"])] == stuck
        assert last["next_cursor"] is None
        status, saga = await orders.call("POST", f"/api/v1/orders/sagas/{stuck[0]}/resume", principal=SUPPORT)
        assert (status, saga["status"], saga["step"]) == (200, "running", "paying")
        _, page = await orders.call("GET", "/api/v1/orders/sagas", principal=SUPPORT)
        assert [saga["order_id"] for saga in page["items"]] == stuck[1:]
        _, notes = await orders.call("GET", f"/api/v1/orders/{stuck[0]}/notes", principal=SUPPORT)
        assert [(one["actor"], one["note"]) for one in notes["items"]] == [
            (f"staff:{SUPPORT.subject}", "saga resumed while paying")
        ]
        status, refused = await orders.call("POST", f"/api/v1/orders/sagas/{uuid4()}/resume", principal=SUPPORT)
        assert (status, refused["code"]) == (409, "saga_ended")
        assert (await orders.call("GET", "/api/v1/orders/sagas", principal=customer()))[0] == 403


async def test_history_invoice_and_notes_of_somebody_elses_order_are_as_good_as_absent(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        _, order = await place(orders, customer(), ("A", 1))
        for path in ("history", "invoice"):
            status, refused = await orders.call("GET", f"/api/v1/orders/{order['id']}/{path}", principal=customer())
            assert (status, refused["code"]) == (404, "order_not_found"), path
