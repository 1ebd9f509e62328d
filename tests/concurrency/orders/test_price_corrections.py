"""Many repairs that correct one order's price at one moment."""

import pytest

from shared.contracts.payments import PaymentProcessed
from tests.integration.orders.test_price_corrections import correct, priced_wrongly
from tests.support.builders.placed_order import rows
from tests.support.racing import race
from tests.support.services import served

pytestmark = pytest.mark.service("orders")


async def test_of_many_who_correct_a_price_at_once_one_correction_and_one_note_come(engines, prefix):
    async with priced_wrongly(engines, prefix, 7, PaymentProcessed, status="paid") as (one, told):
        url = one.settings.database_url
        async with served(engines, "orders", prefix=prefix, database_url=url, role="api", instance="orders-2") as other:
            answers = await race((one, other), lambda instance, _: correct(instance, told.order))
        assert {status for status, _ in answers} == {200}
        assert len({correction["corrected_at"] for _, correction in answers}) == 1
        assert len(await rows(url, "SELECT FROM price_corrections")) == 1
        assert len(await rows(url, "SELECT FROM order_notes WHERE actor LIKE 'operator:%'")) == 1
