import pytest

from tests.support.builders.orders import customer, place
from tests.support.fakes.shop import shop
from tests.support.services import served, until

pytestmark = pytest.mark.service("orders")


async def make(orders, code="SAVE10", **terms):
    return await orders.call("POST", "/api/v1/coupons", json={"code": code, **(terms or {"rate_bp": 1000})})


async def test_a_coupon_takes_its_share_off_and_says_so(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        await make(orders)
        status, order = await place(orders, customer(), ("A", 2), coupon="save10")
        assert (status, order["discount"]["amount"], order["coupon"]) == (201, "2.00", "SAVE10")
        assert order["total"]["amount"] == "27.13"  # 20.00 - 2.00 + 23 % + 4.99
        step = next(step for step in order["explanation"] if step["rule"] == "coupon_percentage")
        assert (step["amount"]["amount"], step["rate_bp"], step["source"]) == ("-2.00", 1000, "SAVE10")


async def test_an_unknown_coupon_is_refused_before_anything_is_held(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        status, refused = await place(orders, customer(), ("A", 1), coupon="NOPE")
        assert (status, refused["code"]) == (422, "unknown_coupon")
        assert fakes.inventory.calls == []


async def test_a_used_up_coupon_gives_the_hold_back(engines, prefix):
    async with shop(engines.redis, prefix) as fakes, served(engines, "orders", prefix=prefix) as orders:
        await make(orders, rate_bp=1000, uses_max=1)
        await place(orders, customer(), ("A", 1), coupon="SAVE10")
        status, refused = await place(orders, customer(), ("A", 1), coupon="SAVE10")
        assert (status, refused["code"]) == (409, "coupon_exhausted")
        await until(lambda: fakes.inventory.held_units("A") == 1)


async def test_a_customer_uses_a_coupon_as_often_as_allowed(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        await make(orders, rate_bp=1000, uses_per_customer_max=1)
        buyer = customer()
        assert (await place(orders, buyer, ("A", 1), coupon="SAVE10"))[0] == 201
        assert (await place(orders, buyer, ("A", 1), coupon="SAVE10"))[0] == 409
        assert (await place(orders, customer(), ("A", 1), coupon="SAVE10"))[0] == 201


async def test_a_cancelled_order_gives_the_use_back_once(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        await make(orders, rate_bp=1000, uses_max=1)
        buyer = customer()
        _, order = await place(orders, buyer, ("A", 1), coupon="SAVE10")
        for _ in range(2):
            await orders.call("POST", f"/api/v1/orders/{order['id']}/cancel", principal=buyer)
        assert (await place(orders, buyer, ("A", 1), coupon="SAVE10"))[0] == 201
        assert (await place(orders, buyer, ("A", 1), coupon="SAVE10"))[0] == 409


async def test_making_the_same_coupon_again_changes_nothing_and_another_one_is_refused(engines, prefix):
    async with served(engines, "orders", prefix=prefix) as orders:
        first = await make(orders)
        assert first[0] == 201
        assert await make(orders) == first
        status, refused = await make(orders, rate_bp=2000)
        assert (status, refused["code"]) == (409, "coupon_exists")


@pytest.mark.parametrize(
    "terms",
    [
        {"rate_bp": 1000, "amount": {"amount": "1.00", "currency": "EUR"}},
        {"uses_max": 3},
        {"amount": {"amount": "-1.00", "currency": "EUR"}},
        {
            "amount": {"amount": "1.00", "currency": "EUR"},
            "minimum": {"amount": "1.00", "currency": "USD"},
        },
    ],
)
async def test_a_coupon_without_sense_is_refused(engines, prefix, terms):
    async with served(engines, "orders", prefix=prefix) as orders:
        status, refused = await make(orders, **terms)
        assert (status, refused["code"]) == (422, "invalid_coupon")


async def test_customers_make_no_coupons(engines, prefix):
    async with served(engines, "orders", prefix=prefix) as orders:
        status, _ = await orders.call(
            "POST", "/api/v1/coupons", principal=customer(), json={"code": "FREE", "rate_bp": 10_000}
        )
        assert status == 403


async def test_a_fixed_coupon_has_a_minimum_and_a_currency(engines, prefix):
    async with shop(engines.redis, prefix), served(engines, "orders", prefix=prefix) as orders:
        eur = {"currency": "EUR"}
        await make(orders, "FIVE", amount={"amount": "5.00", **eur}, minimum={"amount": "15.00", **eur})
        status, refused = await place(orders, customer(), ("A", 1), coupon="FIVE")
        assert (status, refused["code"]) == (422, "coupon_not_applicable")
        status, order = await place(orders, customer(), ("A", 2), coupon="FIVE")
        assert (status, order["discount"]["amount"]) == (201, "5.00")
        status, shown = await orders.call("GET", "/api/v1/coupons/five", principal=customer())
        assert (status, shown["amount"]["amount"]) == (200, "5.00")
