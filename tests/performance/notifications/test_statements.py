"""What notifications cost: constant in how many lines, channels and endpoints there are."""

from uuid import UUID, uuid4

import pytest

from svc.notifications.handlers.letters import Letters
from svc.notifications.handlers.sellers import SellerNews
from svc.notifications.store import deliveries
from tests.support.notifying import FEED, PREFERENCES, order_paid, reader, sold_by
from tests.support.probes import person
from tests.support.rows import add_letters, database_for
from tests.support.services import envelope, opened_database, served
from tests.support.statements import API_ONLY, statements_of

pytestmark = pytest.mark.service("notifications")

ROWS = 101


def _nothing():
    """Nobody is woken."""


async def test_a_letter_costs_as_much_for_one_channel_as_for_all(engines, statements):
    letters = Letters(_nothing)
    async with opened_database(engines, "notifications") as database:
        costs = []
        for phone in (None, "+353861234567"):
            customer = uuid4()
            async with database.begin() as uow:
                await uow.connection.execute(
                    "INSERT INTO readers (customer_id, phone, push_token, version) VALUES ($1, $2, $2, 1)",
                    customer, phone,
                )  # fmt: skip
            event = order_paid(customer_id=customer)
            with statements.counted() as seen:
                async with database.begin() as uow:
                    await letters.confirm_payment(uow, envelope(event, event.order_id))
            costs.append(len(seen))
        assert costs == [4, 4]  # begin, the reader, the messages, commit


async def test_a_sale_is_told_to_all_endpoints_in_as_many_statements_as_to_one(engines, statements):
    news = SellerNews(_nothing)
    async with opened_database(engines, "notifications") as database:
        costs = {}
        for count in (0, 1, 5):
            seller = person("seller")
            async with database.begin() as uow:
                for n in range(count):
                    await uow.connection.execute(
                        "INSERT INTO webhook_endpoints (id, seller_id, url, events, secret) "
                        "VALUES (gen_random_uuid(), $1::text::uuid, $2, '{order.paid}', 'x')",
                        seller.subject, f"https://hooks.example.com/{n}",
                    )  # fmt: skip
            event = sold_by(seller)
            with statements.counted() as seen:
                async with database.begin() as uow:
                    await news.tell(uow, envelope(event, event.order_id))
            costs[count] = len(seen)
        assert costs == {0: 3, 1: 4, 5: 4}
        shop = order_paid()
        with statements.counted() as seen:
            async with database.begin() as uow:
                await news.tell(uow, envelope(shop, shop.order_id))
        assert len(seen) == 2  # the shop's own lines cost nothing


@pytest.mark.parametrize("path", [f"{FEED}?unread=true&limit=100", f"{FEED}/unread-count", PREFERENCES])
async def test_what_a_reader_asks_for_is_one_statement(engines, prefix, statements, path):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        ann = reader()
        await add_letters(service, UUID(ann.subject), ROWS)
        with statements.counted() as seen:
            assert (await service.call("GET", path, principal=ann))[0] == 200
        assert len(seen) == 1, seen


@pytest.mark.parametrize(("size", "kind"), [(1, "bounces"), (100, "bounces"), (1, "deliveries"), (100, "deliveries")])
async def test_a_page_costs_the_same_whatever_its_size(engines, prefix, statements, size, kind):
    async with served(engines, "notifications", prefix=prefix, **API_ONLY) as service:
        caller, endpoint = person("seller", "support"), uuid4()
        async with database_for(service) as database, database.begin() as uow:
            await uow.connection.execute(
                "INSERT INTO bounced_addresses (id, address, customer_id, delivery_id, reason) "
                "SELECT gen_random_uuid(), n || '@example.com', gen_random_uuid(), gen_random_uuid(), 'gone' "
                "FROM generate_series(1, 101) AS n"
            )
            await uow.connection.execute(
                "INSERT INTO webhook_endpoints (id, seller_id, url, events, secret) "
                "VALUES ($1, $2::text::uuid, 'https://hooks.example.com', '{order.paid}', 'x')",
                endpoint, caller.subject,
            )  # fmt: skip
            await uow.connection.execute(
                "INSERT INTO deliveries (id, event_id, template, channel, recipient, customer_id, context, message_id) "
                "SELECT gen_random_uuid(), gen_random_uuid(), 'order.paid', 'webhook', $1, gen_random_uuid(), '{}', "
                "n || '@shopstream' FROM generate_series(1, 101) AS n",
                str(endpoint),
            )
        path = {"bounces": f"{FEED}/bounces", "deliveries": f"{FEED}/webhooks/{endpoint}/deliveries"}[kind]
        with statements.counted() as seen:
            status, page = await service.call("GET", f"{path}?limit={size}", principal=caller)
        assert (status, len(page["items"])) == (200, size)
        assert len(seen) == {"bounces": 1, "deliveries": 2}[kind]


async def test_a_message_is_taken_in_one_statement_with_what_is_known_of_its_address(engines):
    async with opened_database(engines, "notifications") as database:
        assert await statements_of(database, lambda connection: deliveries.take(connection, uuid4())) == 1
