from enum import StrEnum
from itertools import product

import pytest

from shared.errors import Kind, Refusal
from shared.state_machine import IllegalTransition, TransitionTable


class Status(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    CANCELLED = "cancelled"


ROWS = {
    Status.PENDING: {Status.PAID, Status.CANCELLED},
    Status.PAID: {Status.CANCELLED},
    Status.CANCELLED: set[Status](),
}
TABLE = TransitionTable(ROWS)


@pytest.mark.parametrize(("current", "wanted"), list(product(Status, Status)))
def test_exactly_the_listed_transitions_are_allowed(current, wanted):
    listed = wanted in ROWS[current]
    assert TABLE.allows(current, wanted) is listed
    if listed:
        TABLE.check(current, wanted)
        return
    with pytest.raises(IllegalTransition) as caught:
        TABLE.check(current, wanted)
    assert caught.value.extra == {"from_status": current.value, "to_status": wanted.value}
    assert caught.value.kind is Kind.CONFLICT


def test_the_table_tells_sources_and_terminal_statuses():
    assert TABLE.sources_of(Status.CANCELLED) == (Status.PENDING, Status.PAID)
    assert TABLE.is_terminal(Status.CANCELLED)
    assert not TABLE.is_terminal(Status.PAID)
    assert TABLE.rows()[Status.PENDING] == {Status.PAID, Status.CANCELLED}


def test_a_refusal_of_ones_own_is_raised():
    class AlreadyShipped(Refusal):
        code = "already_shipped"
        kind = Kind.CONFLICT

    with pytest.raises(AlreadyShipped):
        TransitionTable(ROWS, refusal=AlreadyShipped).check(Status.CANCELLED, Status.PAID)


def test_an_incomplete_table_is_a_mistake():
    with pytest.raises(ValueError, match="no row for"):
        TransitionTable({Status.PENDING: {Status.PAID}})
    with pytest.raises(ValueError, match="at least one"):
        TransitionTable({})
    with pytest.raises(ValueError, match="unknown targets"):
        TransitionTable({**ROWS, Status.PAID: {"shipped"}})  # type: ignore[dict-item]
