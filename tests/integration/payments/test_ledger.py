import hashlib
import json
from uuid import uuid4

import asyncpg
import pytest

from svc.payments.domain import double_entry
from svc.payments.store import ledger
from tests.support.services import database_of

pytestmark = pytest.mark.service("payments")


async def test_the_chain_can_be_recomputed_from_the_audit_view_alone(engines):
    async with database_of(engines, "payments") as url:
        connection = await asyncpg.connect(url)
        try:
            for currency in ("EUR", "JPY", "EUR"):
                async with connection.transaction():
                    await ledger.post(connection, _transaction(currency=currency))
            rows = await connection.fetch("SELECT * FROM audit.ledger")
        finally:
            await connection.close()
    by_previous = {(row["currency"], row["previous_hash"]): row for row in rows}
    assert len(by_previous) == 6
    for currency, length in (("EUR", 4), ("JPY", 2)):
        head = "0" * 64
        for _ in range(length):
            row = by_previous[currency, head]
            said = [
                head, str(row["id"]), str(row["transaction_id"]), row["account"], row["amount_minor"], row["currency"],
                str(row["order_id"]), row["kind"],
            ]  # fmt: skip
            head = hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
            assert head == row["entry_hash"]


async def test_a_transaction_that_does_not_sum_to_zero_cannot_be_committed(engines):
    async with database_of(engines, "payments") as url:
        connection = await asyncpg.connect(url)
        try:
            one_side = _transaction()[:1]
            with pytest.raises(asyncpg.CheckViolationError, match="does not sum to zero"):
                async with connection.transaction():
                    await ledger.post(connection, one_side)
            assert await connection.fetchval("SELECT count(*) FROM ledger_entries") == 0
        finally:
            await connection.close()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger_entries SET amount_minor = 1", "DELETE FROM ledger_entries", "TRUNCATE ledger_entries"],
)
async def test_a_posted_entry_is_final(engines, statement):
    async with database_of(engines, "payments") as url:
        connection = await asyncpg.connect(url)
        try:
            async with connection.transaction():
                await ledger.post(connection, _transaction())
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await connection.execute(statement)
        finally:
            await connection.close()


async def test_a_transaction_is_posted_once(engines):
    async with database_of(engines, "payments") as url:
        connection = await asyncpg.connect(url)
        try:
            order_id, transaction_id = uuid4(), uuid4()
            async with connection.transaction():
                await ledger.post(connection, _transaction(transaction_id=transaction_id, order_id=order_id))
            with pytest.raises(asyncpg.UniqueViolationError):
                async with connection.transaction():
                    await ledger.post(connection, _transaction(transaction_id=transaction_id))
            with pytest.raises(asyncpg.UniqueViolationError):  # and an order is captured once
                async with connection.transaction():
                    await ledger.post(connection, _transaction(order_id=order_id))
        finally:
            await connection.close()


def _transaction(*, currency="EUR", transaction_id=None, order_id=None):
    return double_entry.entries_of(
        double_entry.Kind.CAPTURE,
        transaction_id=transaction_id or uuid4(),
        order_id=order_id or uuid4(),
        amount_minor=100,
        currency=currency,
    )
