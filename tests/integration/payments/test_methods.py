import asyncio
from uuid import UUID

import msgspec
import pytest

from shared.contracts.auth import UserDeleted
from shared.identity import Principal
from tests.support.apps import OF_THE_LIBRARY, routes
from tests.support.paying import CUSTOMER, an_order, till
from tests.support.probes import filled, person
from tests.support.services import envelope, publish, until

pytestmark = pytest.mark.service("payments")

PATH = "/api/v1/payment-methods"
BUYER = Principal(str(CUSTOMER), frozenset({"customer"}))
CARD = "4111111111111111"


async def keep(shop, token, *, by=BUYER):
    return await shop.service.call("POST", PATH, json={"token": token}, principal=by)


async def kept(shop, *, by=BUYER, query=""):
    status, page = await shop.service.call("GET", PATH + query, principal=by)
    assert status == 200, page
    return page


async def test_a_card_is_kept_by_its_token_and_shown_by_what_is_no_secret(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        status, first = await keep(shop, "tok_visa")
        assert (status, first["brand"], first["last4"], first["is_default"]) == (201, "visa", "4242", True)
        assert (await keep(shop, "tok_visa"))[1] == first
        status, second = await keep(shop, "tok_mastercard")
        assert (status, second["is_default"]) == (201, False)
        page = await kept(shop, query="?limit=1")
        assert page["items"] == [first]
        assert (await kept(shop, query=f"?limit=1&cursor={page['next_cursor']}"))["items"] == [second]
        assert "tok_visa" not in str(first)


async def test_the_default_is_the_chosen_one_and_without_a_choice_the_oldest(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        _, first = await keep(shop, "tok_visa")
        _, second = await keep(shop, "tok_mastercard")
        for _ in range(2):
            assert (await shop.service.call("PUT", f"{PATH}/{second['id']}/default", principal=BUYER))[0] == 204
        assert [one["is_default"] for one in (await kept(shop))["items"]] == [False, True]
        assert (await shop.service.call("DELETE", f"{PATH}/{second['id']}", principal=BUYER))[0] == 204
        assert (await kept(shop))["items"] == [first]


@pytest.mark.parametrize("named", ["its name", "tok_default"])
async def test_an_order_is_charged_to_the_method_it_names(engines, prefix, tmp_path, named):
    async with till(engines, prefix, tmp_path) as shop:
        _, method = await keep(shop, "tok_mastercard")
        order = an_order(method=method["payment_method"] if named == "its name" else named)
        await shop.place(order)
        await shop.reaches(order, "captured")
        (line,) = shop.journal(order, "capture")
        assert line.payment_method == "tok_mastercard"


async def test_somebody_elses_method_pays_for_nobody_and_is_as_absent_as_one_that_never_was(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        _, method = await keep(shop, "tok_visa", by=person("customer"))
        order = an_order(method=method["payment_method"])
        await shop.place(order)
        await shop.reaches(order, "failed")
        assert not shop.journal(order, "capture", "authorise")
        for verb, path in (("PUT", f"{PATH}/{method['id']}/default"), ("DELETE", f"{PATH}/{method['id']}")):
            status, problem = await shop.service.call(verb, path, principal=BUYER)
            assert (status, problem["code"]) == (404, "unknown_payment_method")
        assert (await kept(shop))["items"] == []


async def test_a_token_that_the_psp_does_not_know_or_that_is_a_name_of_ours_is_not_kept(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        _, method = await keep(shop, "tok_visa")
        for token in ("tok_of_nobody", "tok_default", method["payment_method"]):
            status, problem = await keep(shop, token)
            assert (status, problem["code"]) == (422, "token_not_accepted")
        assert (await keep(shop, "visa"))[0] == 400


async def test_of_fifty_requests_for_the_last_two_places_two_get_one(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        await shop.connection.execute(
            "INSERT INTO payment_methods (id, customer_id, slot, token, brand, last4) "
            "SELECT gen_random_uuid(), $1, n, 'tok_' || n, 'visa', '4242' FROM generate_series(1, 8) n",
            CUSTOMER,
        )
        answers = await asyncio.gather(
            *(
                keep(shop, token)
                for token in ("tok_visa", "tok_mastercard", "tok_slow", "tok_declined", "tok_visa") * 10
            )
        )
        assert {status for status, _ in answers} == {201, 409}
        assert {problem["code"] for status, problem in answers if status == 409} == {"too_many_payment_methods"}
        assert len((await kept(shop))["items"]) == 10
        assert len({method["id"] for status, method in answers if status == 201}) == 2


async def test_who_is_forgotten_leaves_no_method(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        await keep(shop, "tok_visa")
        told = UserDeleted(user_id=UUID(BUYER.subject))
        await publish(engines, prefix, envelope(told, BUYER.subject, 2))

        async def forgotten():
            return not await shop.connection.fetchval("SELECT count(*) FROM payment_methods")

        await until(forgotten)


async def test_a_card_number_is_refused_by_every_route_that_takes_a_body_and_never_logged(
    engines, prefix, tmp_path, caplog, capfd
):
    """Also as the token itself, which is what a careless client sends."""
    async with till(engines, prefix, tmp_path) as shop:
        own = [
            route
            for route in routes("payments")
            if route.method in {"POST", "PUT", "PATCH"} and not route.path.startswith(OF_THE_LIBRARY)
        ]
        assert len(own) >= 8
        for route in own:
            status, problem = await shop.service.call(
                route.method, filled(route.path), json={"token": CARD, "note": f"{CARD[:4]} {CARD[4:]}"}
            )
            assert (status, problem["code"]) == (422, "card_data_refused"), route
            assert CARD not in msgspec.json.encode(problem).decode()
        status, problem = await keep(shop, f"tok_{CARD}")
        assert (status, problem["code"]) == (422, "card_data_refused")
        assert await shop.connection.fetchval("SELECT count(*) FROM payment_methods") == 0
    output = capfd.readouterr()
    assert CARD not in output.out + output.err + caplog.text
