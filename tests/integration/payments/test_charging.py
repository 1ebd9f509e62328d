import pytest

from tests.paying import an_order, till

pytestmark = pytest.mark.service("payments")


async def test_an_order_is_charged_once_and_told(engines, prefix, tmp_path):
    async with till(engines, prefix, tmp_path) as shop:
        order = an_order()
        await shop.place(order)
        row = await shop.reaches(order, "captured")
        assert (row["captured_minor"], row["currency"]) == (8_999, "EUR")
        assert len(shop.journal(order, "capture")) == 1
        assert await shop.told(order) == ["payment.processed"]
        assert [outcome for _, outcome in await shop.attempts(order)] == ["captured"]
        assert await shop.webhooks_applied() == ["known"]
