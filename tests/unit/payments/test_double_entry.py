import hashlib
import json
from uuid import UUID, uuid4

import pytest

from svc.payments.domain.double_entry import GENESIS_HASH, Account, Entry, Kind, chained, entries_of, entry_hash

pytestmark = pytest.mark.service("payments")


RECEIVED = {
    Kind.CAPTURE: 123,
    Kind.CAPTURE_DUPLICATE: 123,
    Kind.CAPTURE_REVERSED: -123,
    Kind.REFUND: -123,
    Kind.REFUND_DUPLICATE: -123,
    Kind.REFUND_REVERSED: 123,
    Kind.REFUND_EXCESS: -123,
    Kind.DISPUTE_OPENED: -123,
    Kind.DISPUTE_WON: 123,
    Kind.DISPUTE_LOST: None,
}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_transaction_sums_to_zero(kind):
    entries = entries_of(kind, transaction_id=uuid4(), order_id=uuid4(), amount_minor=123, currency="EUR")
    assert sum(entry.amount_minor for entry in entries) == 0
    sides = {entry.account: entry.amount_minor for entry in entries}
    assert sides.get(Account.PSP_RECEIVABLE) == RECEIVED[kind]


def test_the_hash_is_what_the_documentation_says():
    entry = Entry(UUID(int=1), UUID(int=2), Account.SALES, -5, "JPY", UUID(int=3), Kind.CAPTURE)
    said = [
        GENESIS_HASH, "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002", "sales", -5,
        "JPY", "00000000-0000-0000-0000-000000000003", "capture",
    ]  # fmt: skip
    assert (
        entry_hash(GENESIS_HASH, entry) == hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
    )


def test_both_entries_say_what_they_belong_to_and_each_is_its_own():
    transaction_id, order_id = uuid4(), uuid4()
    first, second = entries_of(
        Kind.REFUND, transaction_id=transaction_id, order_id=order_id, amount_minor=1, currency="JPY"
    )
    assert (first.account, first.amount_minor) == (Account.SALES, 1)
    assert (second.account, second.amount_minor) == (Account.PSP_RECEIVABLE, -1)
    for entry in (first, second):
        assert (entry.transaction_id, entry.order_id) == (transaction_id, order_id)
        assert (entry.currency, entry.kind) == ("JPY", Kind.REFUND)
        assert isinstance(entry.id, UUID)
    assert first.id != second.id


@pytest.mark.parametrize("amount_minor", [0, -1])
def test_a_transaction_moves_money(amount_minor):
    with pytest.raises(AssertionError):
        entries_of(Kind.CAPTURE, transaction_id=uuid4(), order_id=uuid4(), amount_minor=amount_minor, currency="EUR")


def test_every_entry_follows_the_one_before_it():
    entries = entries_of(Kind.CAPTURE, transaction_id=uuid4(), order_id=uuid4(), amount_minor=5, currency="EUR")
    first = entry_hash(GENESIS_HASH, entries[0])
    second = entry_hash(first, entries[1])
    assert chained(GENESIS_HASH, entries) == [(GENESIS_HASH, first), (first, second)]
    assert chained(first, entries[1:]) == [(first, second)]
