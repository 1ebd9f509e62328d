"""What staff's lists of payments cost in statements: one, whatever their size."""

import asyncpg
import pytest

from tests.support.services import served
from tests.support.statements import API_ONLY

pytestmark = pytest.mark.service("payments")

ROWS = 101
PAYMENTS = f"""
    INSERT INTO payments (id, order_id, order_number, customer_id, email, amount_minor, currency, payment_method,
        status, capture_apart, captured_minor)
    SELECT gen_random_uuid(), gen_random_uuid(), 'SO', gen_random_uuid(), 'a@example.com', 100, 'EUR', 'tok_visa',
        $1::text, $1::text = 'authorised', CASE WHEN $1::text = 'captured' THEN 100 ELSE 0 END
    FROM generate_series(1, {ROWS})
"""  # noqa: S608 constants
HELD = """
    INSERT INTO authorisations (payment_id, order_id, psp_payment_id, authorised_minor, currency, expires_at, due_at)
    SELECT id, order_id, 'pay_' || id, 100, 'EUR', now() + interval '1 day', now() + interval '1 day' FROM payments
"""
DISPUTED = """
    INSERT INTO disputes (id, psp_dispute_id, payment_id, psp_payment_id, amount_minor, currency, reason)
    SELECT gen_random_uuid(), 'dsp_' || id, id, 'pay_' || id, 100, 'EUR', 'fraudulent' FROM payments
"""
REPORTED = f"""
    INSERT INTO reconciliations (at, report)
    SELECT now() - n * interval '1 day', '{{"compared": 1, "in_flight": 0, "complete": true, "differences": []}}'
    FROM generate_series(1, {ROWS}) n
"""  # noqa: S608 constants


@pytest.mark.parametrize(
    ("path", "statement", "status"),
    [
        ("/api/v1/payments/authorisations", HELD, "authorised"),
        ("/api/v1/disputes", DISPUTED, "captured"),
        ("/api/v1/reconciliations", REPORTED, ""),
    ],
)
async def test_a_page_costs_one_statement_whatever_its_size(engines, prefix, statements, path, statement, status):
    async with served(engines, "payments", prefix=prefix, **API_ONLY) as payments:
        connection = await asyncpg.connect(payments.settings.database_url)
        try:
            if status:
                await connection.execute(PAYMENTS, status)
            await connection.execute(statement)
        finally:
            await connection.close()
        for size in (1, 10, 100):
            with statements.counted() as seen:
                answer, page = await payments.call("GET", f"{path}?limit={size}")
            assert (answer, len(page["items"]), page["next_cursor"] is not None) == (200, size, True)
            assert len(seen) == 1, seen
