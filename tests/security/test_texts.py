"""Texts that look right and are not: a newline at the end, a name of blanks, an address no mail server takes."""

from urllib.parse import quote

import pytest

from tests.support.builders.orders import body, customer
from tests.support.probes import person, whole

BLANKS = (" ", "\u00a0", "\u200b", "\t")
ADDRESSES = ("a@x..com", "=?utf-8?q?ann?=@example.com", "ann@example.com\n", "a..b@example.com")


@pytest.mark.service("auth")
async def test_nobody_registers_under_a_blank_name_or_an_address_without_a_mailbox(engines, prefix):
    async with whole(engines, "auth", prefix) as auth:
        good = {"email": "ann@example.com", "password": "long enough 1", "name": "Ann"}
        bad = [*({**good, "name": name} for name in BLANKS), *({**good, "email": email} for email in ADDRESSES)]
        answers = [await auth.call("POST", "/api/v1/auth/register", json=document, anonymous=True) for document in bad]
        assert [(status, problem["code"]) for status, problem in answers] == [(400, "invalid_body")] * len(bad)
        assert (await auth.call("POST", "/api/v1/auth/register", json=good, anonymous=True))[0] == 202


@pytest.mark.service("orders")
async def test_an_order_takes_no_field_with_a_newline_at_its_end_and_no_blank_one(engines, prefix):
    async with whole(engines, "orders", prefix) as orders:
        good, buyer = body(("A", 1)), customer()
        address = good["shipping_address"]
        bad = [
            {**good, "payment_method": "tok_visa\n"},
            {**good, "coupon": "SAVE\n"},
            {**good, "items": [{"sku": "A\n", "quantity": 1}]},
            *({**good, "shipping_address": {**address, field: value + "\n"}} for field, value in address.items()),
            *({**good, "shipping_address": {**address, "name": blank}} for blank in BLANKS),
        ]
        headers = {"Idempotency-Key": "k"}
        answers = [
            await orders.call("POST", "/api/v1/orders", json=document, principal=buyer, headers=headers)
            for document in bad
        ]
        assert [(status, problem["code"]) for status, problem in answers] == [(400, "invalid_body")] * len(bad)


@pytest.mark.parametrize(
    ("name", "target", "value"),
    [
        ("shipping", "/api/v1/shipping/rates?country=", "DE\n"),
        ("shipping", "/api/v1/shipping/rates?country=DE&currency=", "ZZZ"),
        ("shipping", "/api/v1/shipping/rates?country=DE&currency=", "EUR\n"),
        ("catalog", "/api/v1/products?currency=", "ZZZ"),
        ("catalog", "/api/v1/products?category=", "home\n"),
        ("search", "/api/v1/search?currency=", "ZZZ"),
        ("search", "/api/v1/search?category=", "home\n"),
    ],
)
async def test_a_query_takes_no_newline_and_no_currency_that_is_none(engines, prefix, name, target, value):
    async with whole(engines, name, prefix) as service:
        status, problem = await service.call("GET", target + quote(value), principal=person("customer"))
        assert (status, problem["code"]) == (400, "invalid_body")


@pytest.mark.service("catalog")
async def test_a_slug_with_a_newline_is_an_unknown_product(engines, prefix):
    async with whole(engines, "catalog", prefix) as catalog:
        status, problem = await catalog.call("GET", "/api/v1/products/chair%0A", anonymous=True)
        assert (status, problem["code"]) == (404, "unknown_product")
