"""What really was the matter with a drill's load, and how well somebody has named whom it hit. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping

from scenarios.checkers import Outcome
from scenarios.drilling.draw import Draw
from scenarios.drilling.record import Finding, Impact, Truth
from scenarios.evidence import Evidence
from scenarios.plan import Scenario
from scenarios.repair import charges, oversell, prices
from scenarios.verdict import Verdict


def truth_of(incident: Scenario, drawn: Draw, evidence: Evidence, verdict: Verdict) -> Truth:
    """`orders` are those that a repair takes back; where it takes none back, those that a violation concerns."""
    concerned = {stake.order_id for result in verdict.results for stake in result.stakes}
    affected = _taken_back(incident, evidence) or concerned
    return Truth(
        cause=drawn.cause,
        services=drawn.card.services if drawn.card else (),
        findings=tuple(
            Finding(
                id=result.id,
                name=result.name,
                statement=result.statement,
                violations=result.violations,
                example=result.first.message if result.first else "",
            )
            for result in verdict.results
            if result.outcome is Outcome.FAIL
        ),
        orders={
            order_id: evidence.orders[order_id].number or order_id
            for order_id in sorted(affected)
            if order_id in evidence.orders
        },
        money_minor=_money_of(incident, evidence, affected),
        concerned=tuple(sorted(concerned | affected)),
        blast=verdict.blast,
        first_violation_s=verdict.first_violation.after_s if verdict.first_violation else None,
    )


def impact_of(truth: dict[str, str], named: Collection[str]) -> Impact:
    """Precision and recall of the named orders, by number or id; both are 1 where none is affected and none named."""
    ids = {number: order_id for order_id, number in truth.items()}
    chosen = {ids.get(name, name) for name in named}
    right = len(chosen & truth.keys())
    return Impact(
        named=len(chosen),
        precision=right / len(chosen) if chosen else float(not truth),
        recall=right / len(truth) if truth else float(not chosen),
    )


def money_share(truth: Mapping[str, int], named: Mapping[str, int]) -> float:
    """How near the named money comes, from 0 to 1; each currency counts alike, half or twice of it is worth a half."""
    currencies = {*truth, *named}
    near = [_nearness(truth.get(currency, 0), named.get(currency, 0)) for currency in currencies]
    return sum(near) / len(near) if near else 1.0


def _nearness(truth_minor: int, named_minor: int) -> float:
    larger = max(truth_minor, named_minor)
    return min(truth_minor, named_minor) / larger if larger > 0 else 1.0


def _money_of(incident: Scenario, evidence: Evidence, affected: Collection[str]) -> dict[str, int]:
    """What the incident's repair pays back, else what the affected orders come to."""
    if incident.repair == "charges":
        paid_back = charges.plan(evidence.audit, evidence.journals.psp), prices.plan(evidence)
        if money := sum((Counter(plan.money_minor) for plan in paid_back), Counter[str]()):
            return dict(sorted(money.items()))
    sums: Counter[str] = Counter()
    for order_id in affected:
        if order_id in evidence.orders:
            sums[evidence.orders[order_id].currency] += evidence.orders[order_id].total_minor
    return dict(sorted(sums.items()))


def _taken_back(incident: Scenario, evidence: Evidence) -> set[str]:
    """The orders that the incident's repair would cancel or pay back."""
    if incident.repair == "oversell":
        return {order_id for sku in oversell.plan(evidence.audit).skus for order_id in sku.cancel}
    if incident.repair == "charges":
        wrong = charges.plan(evidence.audit, evidence.journals.psp).orders, prices.plan(evidence).orders
        return {order.order_id for orders in wrong for order in orders}
    return set()
