"""Every anomaly of a list-append history is found and called by its name, and no serial history has one."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.checkers.list_append import Append, Read, Saw, Transaction, anomalies
from scenarios.checkers.transactions import of_the_ledger, of_the_orders
from tests.support.builders import FlashSale


def a(key: str, value: int) -> Append:
    return Append(key, f"{key}{value}")


def r(key: str, *values: int) -> Read:
    return Read(key, tuple(f"{key}{value}" for value in values))


def history(*transactions: tuple[object, ...], **outcomes: str) -> list[Transaction]:
    return [
        Transaction(id=f"T{number}", steps=steps, outcome=outcomes.get(f"T{number}", "ok"), trace_id=f"trace-{number}")
        for number, steps in enumerate(transactions, start=1)
    ]


CLEAN = {
    "nothing": history(),
    "one append": history((a("x", 1),)),
    "a read in the middle": history((a("x", 1),), (r("x", 1),), (a("x", 2),), (r("x", 1, 2),)),
    "an empty read first": history((r("x"),), (a("x", 1),), (r("x", 1),)),
    "own writes": history((a("x", 1), r("x", 1), a("x", 2), r("x", 1, 2))),
    "an unknown one that nobody saw": history((a("x", 1),), (r("x"),), T1="info"),
    "an unknown one that was seen": history((a("x", 1),), (r("x", 1),), T1="info"),
    "a failed one": history((a("x", 1),), (a("x", 2),), (r("x", 2),), T1="fail"),
    "only the end was seen": history((a("x", 1),), (Saw("x", "x1"), a("x", 2)), (r("x", 1, 2),)),
}
DIRTY = {
    "g0": history((a("x", 1), a("y", 1)), (a("x", 2), a("y", 2)), (r("x", 1, 2), r("y", 2, 1))),
    "g1a": history((a("x", 1),), (r("x", 1),), T1="fail"),
    "g1b": history((a("x", 1), a("x", 2)), (r("x", 1),), (r("x", 1, 2),)),
    "g1c": history((a("x", 1), r("y", 1)), (a("y", 1), r("x", 1))),
    "g_single": history((r("x"), a("x", 1)), (r("x"), a("x", 2)), (r("x", 1, 2),)),
    "g2_item": history((r("x"), a("y", 1)), (r("y"), a("x", 1)), (r("x", 1), r("y", 1))),
    "incompatible_order": history((a("x", 1),), (a("x", 2),), (r("x", 1, 2),), (r("x", 2, 1),)),
}


@pytest.mark.parametrize("clean", CLEAN.values(), ids=CLEAN.keys())
def test_what_can_be_put_in_an_order_has_no_anomaly(clean: list[Transaction]) -> None:
    assert anomalies(clean) == []


@pytest.mark.parametrize(("kind", "dirty"), DIRTY.items(), ids=DIRTY.keys())
def test_an_anomaly_is_called_by_its_name(kind: str, dirty: list[Transaction]) -> None:
    assert {anomaly.kind for anomaly in anomalies(dirty)} == {kind}


def test_what_nobody_wrote_was_not_committed() -> None:
    assert [anomaly.kind for anomaly in anomalies(history((r("x", 7),)))] == ["g1a"]


def test_a_value_that_only_the_end_was_seen_of_may_be_intermediate() -> None:
    found = anomalies(history((a("x", 1), a("x", 2)), (Saw("x", "x1"),), (r("x", 1, 2),)))
    assert found[0].kind == "g1b"


def test_the_shortest_cycle_is_told_with_its_traces() -> None:
    """A detour over T3 and T4 is there too."""
    found = anomalies(
        history(
            (a("x", 1), a("y", 1), a("z", 1)),
            (a("x", 2), a("y", 2)),
            (a("z", 2), a("w", 1)),
            (a("w", 2), a("v", 1)),
            (r("x", 2, 1), r("y", 1, 2), r("z", 1, 2), r("w", 1, 2)),
        )
    )
    (cycle,) = found
    assert {one.id for one in cycle.transactions} == {"T1", "T2"}
    assert cycle.message == "T1 (trace trace-1) -ww y→ T2 (trace trace-2) -ww x→ T1 (trace trace-1)"


def test_a_shorter_cycle_that_begins_later_is_told_instead_of_a_longer_one() -> None:
    ring = history(
        (a("x", 1), a("z", 2)),
        (a("x", 2), a("y", 1), a("w", 2)),
        (a("y", 2), a("z", 1), a("w", 1)),
        (r("x", 1, 2), r("y", 1, 2), r("z", 1, 2), r("w", 1, 2)),
    )
    (cycle,) = anomalies(ring)
    assert [one.id for one in cycle.transactions] == ["T2", "T3"]


def test_of_two_dependencies_between_the_same_two_the_stronger_counts() -> None:
    """T2 read what T1 wrote, and T1 had missed what T2 wrote: the former alone makes it circular information."""
    found = anomalies(history((r("x"), a("y", 1), r("z", 1)), (a("x", 1), r("y", 1), a("z", 1)), (r("x", 1),)))
    assert [anomaly.kind for anomaly in found] == ["g1c"]


def test_two_knots_are_two_anomalies() -> None:
    twice = [
        (r("x"), a("x", 1)),
        (r("x"), a("x", 2)),
        (r("y"), a("y", 1)),
        (r("y"), a("y", 2)),
        (r("x", 1, 2), r("y", 1, 2)),
    ]
    assert [anomaly.kind for anomaly in anomalies(history(*twice))] == ["g_single", "g_single"]


def test_a_long_ledger_is_judged_without_recursion() -> None:
    steps = [(Saw("x", f"x{number - 1}" if number else ""), a("x", number)) for number in range(5_000)]
    assert anomalies(history(*steps, (r("x", *range(5_000)),))) == []


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 4))
def test_a_history_played_serially_has_no_anomaly_in_whatever_order_it_is_told(
    seed: int, count: int, keys: int
) -> None:
    chance = random.Random(seed)
    lists: dict[str, list[str]] = {f"k{key}": [] for key in range(keys)}
    played: list[Transaction] = []
    for number in range(count):
        steps: list[Append | Read | Saw] = []
        for step in range(chance.randint(1, 4)):
            key = chance.choice(list(lists))
            if chance.random() < 0.5:
                lists[key].append(f"{number}.{step}")
                steps.append(Append(key, f"{number}.{step}"))
            elif chance.random() < 0.5:
                steps.append(Read(key, tuple(lists[key])))
            else:
                steps.append(Saw(key, lists[key][-1] if lists[key] else ""))
        played.append(Transaction(id=f"T{number}", steps=tuple(steps)))
    chance.shuffle(played)
    assert anomalies(played) == []


def test_a_healthy_sale_tells_both_histories() -> None:
    evidence = FlashSale().evidence()
    bookings, changes = of_the_ledger(evidence), of_the_orders(evidence)
    assert len(bookings) == len({row.transaction_id for row in evidence.audit.ledger}) + 1
    assert len(changes) == len(evidence.audit.order_transitions) + 1
    assert anomalies(bookings) == []
    assert anomalies(changes) == []
