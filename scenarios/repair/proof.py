"""Whether a repair undid the damage of a run: all of it, nothing else, once, and without telling a customer twice.

Judged by the run's own evidence and by that of the fleet afterwards, never by what the repair says of itself.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from scenarios.checkers import Outcome
from scenarios.checkers.standing import CANCELLED_STATUSES
from scenarios.evidence import Evidence, in_scope, load_evidence
from scenarios.fleet import Fleet
from scenarios.plan import Scenario
from scenarios.repair import charges, events, oversell, prices, projections
from scenarios.repair.complaints import complaints
from scenarios.repair.rejudge import LastRun, rejudge
from scenarios.verdict import Verdict

STEPS: Final[dict[str, tuple[Any, ...]]] = {
    "oversell": (oversell,),
    "charges": (charges, prices),
    "events": (events, projections),
}
"""By the repair that an incident names, what is applied, one after the other."""
ASK_CUSTOMERS: Final = (oversell, charges)
"""Those that are told what customers complain of."""
ONE_MAIL: Final = "INV-17"
_TO_DO: Final = ("webhooks", "skus", "orders", "recall", "consumers", "unsent", "untold", "misread", "products")
"""Fields of plans with something that a command can do; what only people can settle is not among them, nor letters that
were redriven and cannot be applied.
"""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair came to.

    `precision` is the share of right ones among the orders that it cancelled, paid back or corrected: a violation
    concerned them, their customers complained, or there was no stock for them. `recall` is the share of the orders
    concerned that none concerns after it. `failed` are the invariants violated still, `left` counts what a second
    application would do, `told_twice` mails that came again since the repair began.
    """

    repair: str
    outcome: Outcome
    failed: tuple[str, ...] = ()
    precision: float
    recall: float
    left: int
    told_twice: int
    directory: str = ""

    @property
    def holds(self) -> bool:
        """Exactly the damage was undone, exactly once."""
        whole = self.precision == self.recall == 1.0
        return whole and self.outcome is Outcome.PASS and not self.left and not self.told_twice


async def prove(fleet: Fleet, incident: Scenario, run: Path, verdict: Verdict) -> Proof:
    """Repair what a run left, its defect being out, and judge it again.

    Raises `OperatorError` (fleet.busy, and whatever a step of the repair raises), EvidenceUnreadableError.
    """
    before = await asyncio.to_thread(load_evidence, run)
    steps = STEPS[incident.repair]
    with fleet.exclusive():
        since, began_at = before.facts.started_at, time.time()
        named = complaints(in_scope(before))
        done = [await step.apply(fleet, await _look(step, fleet, named), since=since) for step in steps]
        left = sum([to_do(await _look(step, fleet, named)) for step in steps])
        judged = await rejudge(fleet, LastRun(run, since), rest=done[-1].quiescence, began_at=began_at)
    after = await asyncio.to_thread(load_evidence, judged.directory)
    return proof(incident, (before, verdict), (after, judged.verdict), left=left, directory=str(judged.directory))


def _look(step: Any, fleet: Fleet, named: frozenset[str]) -> Awaitable[Any]:
    return step.look(fleet, named) if step in ASK_CUSTOMERS else step.look(fleet)


def proof(
    incident: Scenario, before: tuple[Evidence, Verdict], after: tuple[Evidence, Verdict], *, left: int, directory: str
) -> Proof:
    """By evidence and verdict of the run and of the fleet after its repair. Pure."""
    wrong, wrong_still = concerned(before[1]), concerned(after[1])
    changed = taken_back(before[0], after[0])
    right = changed & (wrong | complaints(in_scope(before[0])) | _without_stock(incident, before[0]))
    return Proof(
        repair=incident.repair,
        outcome=after[1].outcome,
        failed=after[1].failed,
        precision=len(right) / len(changed) if changed else 1.0,
        recall=1.0 - len(wrong & wrong_still) / len(wrong) if wrong else 1.0,
        left=left,
        told_twice=_violations(after[1], ONE_MAIL),
        directory=directory,
    )


def to_do(planned: Any) -> int:
    """How much of a plan a command can do."""
    counts = (getattr(planned, name, 0) for name in _TO_DO)
    return sum(count if isinstance(count, int) else len(count) for count in counts)


def concerned(verdict: Verdict) -> set[str]:
    """The orders that some violation is about."""
    return {stake.order_id for result in verdict.results for stake in result.stakes if stake.order_id}


def taken_back(before: Evidence, after: Evidence) -> set[str]:
    """The orders of the run that were cancelled since, paid back more of by the provider's own word, corrected,
    or whose customers were written down as owing what went out beyond the capture.
    """
    earlier, later = in_scope(before), in_scope(after)
    owed = earlier.owed_by_customers, later.owed_by_customers
    tests: Iterable[Callable[[str], bool]] = (
        lambda order_id: (
            earlier.orders[order_id].status not in CANCELLED_STATUSES
            and order_id in later.orders
            and later.orders[order_id].status in CANCELLED_STATUSES
        ),
        lambda order_id: later.psp_account(order_id).refunded_minor > earlier.psp_account(order_id).refunded_minor,
        lambda order_id: owed[1].get(order_id, 0) > owed[0].get(order_id, 0),
        lambda order_id: order_id in later.corrections and order_id not in earlier.corrections,
    )
    return {order_id for order_id in earlier.orders if any(test(order_id) for test in tests)}


def _without_stock(incident: Scenario, evidence: Evidence) -> set[str]:
    """Whom the rule of `repair oversell` takes the goods from: of several equal claims it decides which one goes.

    That not too many go is judged after it: whoever takes back more than was sold twice undersells (INV-03).
    """
    if incident.repair != "oversell":
        return set()
    return {order_id for sku in oversell.plan(evidence.audit).skus for order_id in sku.cancel}


def _violations(verdict: Verdict, invariant: str) -> int:
    return sum(result.violations for result in verdict.results if result.id == invariant)
