"""The rules of the ledger: double entry, append-only, one hash chain per currency. Pure.

Every transaction has two entries that sum to zero. An entry's hash is the SHA-256 (hex) of the UTF-8 bytes of the
compact JSON array (no spaces)

    [previous_hash, id, transaction_id, account, amount_minor, currency, order_id, kind]

with ids as lower-case strings with hyphens and amount_minor as a number; previous_hash is the hash of the entry before
it in the same currency, 64 zeros for the first. Whoever changes, removes or inserts an entry breaks the chain.
"""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

import msgspec

from shared.ids import new_id

GENESIS_HASH = "0" * 64


class Kind(StrEnum):
    """What a transaction records; a duplicate is a capture beyond the one owed, booked and given back, what is reversed
    was booked and never made.

    An excess refund went out beyond what was captured. A dispute withholds what was captured until it is won, or for
    good.
    """

    CAPTURE = "capture"
    CAPTURE_DUPLICATE = "capture_duplicate"
    CAPTURE_REVERSED = "capture_reversed"
    REFUND = "refund"
    REFUND_DUPLICATE = "refund_duplicate"
    REFUND_REVERSED = "refund_reversed"
    REFUND_EXCESS = "refund_excess"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"


class Account(StrEnum):
    """`psp_receivable`: what the PSP owes us; `sales`: what customers paid; `disputed`: what the PSP withholds while a
    dispute is open; `chargebacks`: what it kept of lost ones; `customer_receivable`: what customers owe who were
    paid back more than they had paid.
    """

    PSP_RECEIVABLE = "psp_receivable"
    SALES = "sales"
    DISPUTED = "disputed"
    CHARGEBACKS = "chargebacks"
    CUSTOMER_RECEIVABLE = "customer_receivable"


SIDES = {
    Kind.CAPTURE: (Account.PSP_RECEIVABLE, Account.SALES),
    Kind.CAPTURE_DUPLICATE: (Account.PSP_RECEIVABLE, Account.SALES),
    Kind.CAPTURE_REVERSED: (Account.SALES, Account.PSP_RECEIVABLE),
    Kind.REFUND: (Account.SALES, Account.PSP_RECEIVABLE),
    Kind.REFUND_DUPLICATE: (Account.SALES, Account.PSP_RECEIVABLE),
    Kind.REFUND_REVERSED: (Account.PSP_RECEIVABLE, Account.SALES),
    Kind.REFUND_EXCESS: (Account.CUSTOMER_RECEIVABLE, Account.PSP_RECEIVABLE),
    Kind.DISPUTE_OPENED: (Account.DISPUTED, Account.PSP_RECEIVABLE),
    Kind.DISPUTE_WON: (Account.PSP_RECEIVABLE, Account.DISPUTED),
    Kind.DISPUTE_LOST: (Account.CHARGEBACKS, Account.DISPUTED),
}
"""The account each kind debits, and the one it credits."""


class Entry(msgspec.Struct, frozen=True):
    """One signed line: debits are positive, credits negative."""

    id: UUID
    transaction_id: UUID
    account: Account
    amount_minor: int
    currency: str
    order_id: UUID
    kind: Kind


def entry_hash(previous_hash: str, entry: Entry) -> str:
    """The entry's link in the chain, as the module's docstring defines it."""
    said = [
        previous_hash,
        str(entry.id),
        str(entry.transaction_id),
        entry.account.value,
        entry.amount_minor,
        entry.currency,
        str(entry.order_id),
        entry.kind.value,
    ]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


def entries_of(
    kind: Kind, *, transaction_id: UUID, order_id: UUID, amount_minor: int, currency: str
) -> tuple[Entry, Entry]:
    """The two entries of a transaction of `amount_minor` > 0, as SIDES has them."""
    assert amount_minor > 0
    incoming, outgoing = SIDES[kind]
    return (
        Entry(new_id(), transaction_id, incoming, amount_minor, currency, order_id, kind),
        Entry(new_id(), transaction_id, outgoing, -amount_minor, currency, order_id, kind),
    )


def chained(head: str, entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """The hash before each entry and its own, as they follow each other after `head`."""
    links = [head]
    for entry in entries:
        links.append(entry_hash(links[-1], entry))
    return list(pairwise(links))
