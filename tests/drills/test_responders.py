"""Each incident's drill from the alert to the review, and that more than one way to stop the harm is right."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest

from scenarios.drilling.symptoms import HERRINGS
from scenarios.money_text import money_text
from tests.support.operator import Operator
from tests.support.responding import drill

pytestmark = [pytest.mark.drills, pytest.mark.timeout(900)]


class Played(NamedTuple):
    """How a responder masters a drill; `affected` reads the orders from the plan of the repair."""

    incident: str
    cause: str
    service: str
    repair: str
    affected: Callable[[Any], Iterable[str]]
    level: int


def of_sale(plan: Any) -> set[str]:
    return {order_id for sku in plan["skus"] for order_id in sku["cancel"]}


def of_charges(plan: Any) -> set[str]:
    return {order["order_id"] for order in plan["orders"]}


def of_events(plan: Any) -> set[str]:
    return {missing["aggregate_id"] for one in plan["consumers"] for missing in one["missing"]}


SALE = Played("flash-sale", "read-then-write", "inventory", "oversell", of_sale, level=1)
CHARGES = Played("double-charge", "new-key-per-retry", "payments", "charges", of_charges, level=2)
EVENTS = Played("event-chaos", "swallow-and-commit", "inventory", "events", of_events, level=3)


def misled(brief: Any) -> bool:
    """Whether one of the alerts is not about the incident."""
    return any(alert.endswith(herring.alert) for alert in brief["alerts"] for herring in HERRINGS)


@pytest.mark.parametrize("played", [SALE, CHARGES, EVENTS], ids=lambda played: played.incident)
def test_the_release_before_stops_the_harm_before_anybody_knows_the_cause(operator: Operator, played: Played) -> None:
    with drill(operator, played.incident, played.cause, level=played.level) as started:
        _is_of_its_level(started["brief"], played.level)
        assert operator.told("drill", "submit", "--service", played.service)["right"]
        assert operator.told("drill", "roll-back", played.service)["rolled_back"] == [played.service]
        mitigated = operator.told("drill", "prove", "--as-it-stands")
        assert (mitigated["phase"], mitigated["outcome"], mitigated["refusals"]) == ("mitigate", "PASS", [])
        assert operator.told("drill", "submit", "--cause", played.cause)["right"]
        repaired = _repaired(operator, played)
        assert (repaired["refused"], repaired["phases"]["repair"] is None) == ({}, False)
        proved = operator.told("drill", "prove")
        assert (proved["phase"], proved["outcome"], proved["refusals"]) == ("prove", "PASS", [])
        review = operator.told("drill", "report")
    assert (review["complete"], review["cause"]) == (True, played.cause)
    assert (review["named"]["precision"], review["named"]["recall"]) == (1.0, 1.0)
    assert (_points(review)["mitigate"], _points(review)["money"]) == (15.0, 5.0)


@pytest.mark.parametrize("played", [CHARGES, EVENTS], ids=lambda played: played.incident)
def test_switching_off_the_cause_stops_the_harm_and_is_the_proof(operator: Operator, played: Played) -> None:
    with drill(operator, played.incident, played.cause, level=2):
        operator.told("drill", "submit", "--service", played.service, "--cause", played.cause)
        assert operator.told("drill", "prove")["outcome"] == "PASS"
        review = operator.told("drill", "report")
    assert {what: _points(review)[what] for what in ("mitigate", "prove")} == {"mitigate": 15.0, "prove": 15.0}


def test_one_process_instead_of_two_stops_a_sale_from_overselling_with_the_defect_still_in(operator: Operator) -> None:
    with drill(operator, SALE.incident, SALE.cause, level=2):
        unmended = operator.told("drill", "prove", "--as-it-stands")
        assert "INV-02" in {refusal["invariant"] for refusal in unmended["refusals"]}
        assert operator.shopctl("up", "--scale", "inventory=1").returncode == 0
        mitigated = operator.told("drill", "prove", "--as-it-stands")
        assert (mitigated["phase"], mitigated["outcome"], mitigated["refusals"]) == ("mitigate", "PASS", [])
        review = operator.told("drill", "report")
    assert _points(review)["mitigate"] == 15.0
    assert "INV-02" in " ".join(review["refused"])


def test_where_nothing_is_wrong_the_right_answer_is_everything_and_a_replay_costs_nothing(operator: Operator) -> None:
    with drill(operator, "flash-sale", "healthy", level=4) as started:
        _is_of_its_level(started["brief"], 4)
        assert operator.told("drill", "prove", "--as-it-stands")["outcome"] == "PASS"
        assert operator.told("drill", "submit", "--cause", "healthy", "--impact", "none")["right"]
        review = operator.told("drill", "report")
    assert (review["complete"], review["cause"], review["score"]["total"]) == (True, "healthy", 100)


def test_who_acts_where_nothing_is_wrong_pays_for_it(operator: Operator) -> None:
    with drill(operator, "double-charge", "healthy", level=4):
        assert operator.shopctl("restart", "payments-1").returncode == 0
        assert operator.told("drill", "roll-back", "orders")["rolled_back"] == ["orders"]
        assert operator.told("drill", "submit", "--cause", "healthy", "--impact", "none")["right"]
        review = operator.told("drill", "report")
    assert _points(review)["needless actions: 2"] == -20.0
    assert review["score"]["total"] == 80


def test_who_calls_a_broken_shop_healthy_pays_for_it(operator: Operator) -> None:
    with drill(operator, "flash-sale", "counter-as-truth", level=4) as started:
        _is_of_its_level(started["brief"], 4)
        assert not operator.told("drill", "submit", "--cause", "healthy", "--impact", "none")["right"]
        review = operator.told("drill", "report")
    assert (review["named"]["recall"], review["score"]["total"]) == (0.0, 0)
    assert _points(review)["called healthy and was not: 1"] == -30.0


def _is_of_its_level(brief: Any, level: int) -> None:
    """Level 1 tells a direction, from 3 on one signal is missing and another misleads."""
    hard = level >= 3
    assert bool(brief["known"]) == (level == 1)
    assert (bool(brief["gaps"]), misled(brief)) == (hard, hard)
    assert [name for name in ("graphs", "logs", "mails") if not brief[name]] == (
        [brief["gaps"].split()[3]] if hard else []
    )


def _repaired(operator: Operator, played: Played) -> Any:
    """The orders are named by the plan, then the plan is carried out; gives the status after it."""
    plan = operator.told("repair", played.repair)["plan"]
    affected = set(played.affected(plan))
    money = _paid_back(plan) if played is CHARGES else _worth(operator, affected)
    operator.told("repair", played.repair, "--apply")
    operator.told("drill", "submit", "--impact", ",".join(affected) or "none", "--money", _said(money))
    return operator.told("drill", "status")


def _paid_back(plan: Any) -> Counter[str]:
    """What the plan gives back, by currency in minor units."""
    money: Counter[str] = Counter()
    for order in plan["orders"]:
        money[order["currency"]] += order["give_back_minor"] + order["pay_back_minor"]
    return money


def _worth(operator: Operator, order_ids: Iterable[str]) -> Counter[str]:
    """What orders come to."""
    money: Counter[str] = Counter()
    wanted = set(order_ids)
    for row in operator.rows("orders", "SELECT id::text, currency, total_minor FROM orders"):
        if row["id"] in wanted:
            money[row["currency"]] += row["total_minor"]
    return money


def _said(money: Counter[str]) -> str:
    return ",".join(money_text(amount, currency).replace(",", "") for currency, amount in money.items()) or "none"


def _points(review: Any) -> dict[str, float]:
    return {line["what"]: line["points"] for line in review["score"]["lines"]}
