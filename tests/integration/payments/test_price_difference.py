"""What a wrong price took too much goes back once, within what is left of the payment."""

import pytest

from svc.payments.domain import payment_id_of
from tests.support.paying import an_order, till

pytestmark = pytest.mark.service("payments")


async def give_back(shop, order, amount, currency="EUR"):
    path = f"/internal/payments/{order.order_id}/price-difference"
    return await shop.service.call("POST", path, json={"amount": {"amount": amount, "currency": currency}})


async def test_the_difference_goes_back_once_also_beside_another_refund(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order(total_minor=8_999)
        await shop.place(order)
        await shop.reaches(order, "captured")
        await shop.refund(order, "10.00")
        await shop.refunds_done(order, 1_000)
        status, first = await give_back(shop, order, "0.07")
        assert (status, first["reason"], first["payment_id"]) == (
            200,
            "price_correction",
            str(payment_id_of(order.order_id)),
        )
        await shop.refunds_done(order, 1_007)
        status, again = await give_back(shop, order, "5.00")
        assert (status, again["id"], again["amount"]["amount"]) == (200, first["id"], "0.07")
        assert [line.amount_minor for line in shop.journal(order, "refund")] == [1_000, 7]
        assert (await shop.told(order)).count("payment.refunded") == 2


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("89.99", "EUR", "refund_exceeds_capture"),
        ("0.00", "EUR", "invalid_refund_amount"),
        ("0.07", "USD", "currency_mismatch"),
    ],
)
async def test_what_is_not_ours_to_give_is_refused(engines, prefix, tmp_path, amount, currency, code):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order(total_minor=8_999)
        await shop.place(order)
        await shop.reaches(order, "captured")
        await shop.refund(order, "10.00")
        assert (await give_back(shop, order, amount, currency))[1]["code"] == code
        await shop.refunds_done(order, 1_000)
        assert [line.amount_minor for line in shop.journal(order, "refund")] == [1_000]


async def test_only_a_captured_payment_gives_back(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        declined = an_order(method="tok_declined")
        await shop.place(declined)
        await shop.reaches(declined, "failed")
        for order, code in ((declined, "payment_not_captured"), (an_order(), "unknown_payment")):
            assert (await give_back(shop, order, "0.07"))[1]["code"] == code
