"""Puts the results of all checkers together: PASS, FAIL or INVALID, and what was at stake.

FAIL outweighs INVALID (a violation seen is a violation, however weak the rest); INVALID is never a pass.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from scenarios.checkers import ALL_CHECKERS, Checker, Outcome, Result, Stake
from scenarios.evidence import Evidence, RunFacts, in_scope
from scenarios.money_text import money_text
from scenarios.rare_states import RARE_STATES, Happened, happened

VERDICT = "verdict.json"
NONE_PLANTED = "no planted defect"
MINUTE_S = 60.0
EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INVALID: 3}


class Blast(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many orders and customers the violations concern, and how much money, per currency; in all and per minute
    of the load.
    """

    orders: int = 0
    customers: int = 0
    money_minor: dict[str, int] = {}
    orders_per_minute: float = 0.0
    money_minor_per_minute: dict[str, int] = {}

    @property
    def said(self) -> str:
        """In a line for people."""
        whole = f"{self.orders:,} orders of {self.customers:,} customers{_amounts(self.money_minor)}"
        if not self.orders_per_minute:
            return whole
        return f"{whole}; per minute {self.orders_per_minute:,.0f} orders{_amounts(self.money_minor_per_minute)}"


class FirstViolation(msgspec.Struct, frozen=True):
    """`after_s` counts from the start of the load."""

    invariant: str
    message: str
    at: float
    after_s: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`happened` tells how often the rare states of the run were reached; `weaknesses` are reasons for INVALID that
    belong to the run as a whole, not to one invariant.
    """

    outcome: Outcome
    scenario: str
    seed: int
    defect: str | None = None
    results: tuple[Result, ...]
    happened: tuple[Happened, ...] = ()
    skipped: dict[str, str] = {}
    weaknesses: tuple[str, ...] = ()
    blast: Blast = Blast()
    first_violation: FirstViolation | None = None

    @property
    def title(self) -> str:
        """Which run was judged, in a line."""
        return f"{self.scenario}, seed {self.seed}, {self.planted}"

    @property
    def planted(self) -> str:
        """The defect that the fleet was given, in words."""
        return f"defect {self.defect}" if self.defect else NONE_PLANTED

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]

    @property
    def failed(self) -> tuple[str, ...]:
        """The ids of the violated invariants."""
        return tuple(result.id for result in self.results if result.outcome is Outcome.FAIL)


def judge(evidence: Evidence, checkers: Iterable[Checker] = ALL_CHECKERS) -> Verdict:
    """Runs the checkers over the evidence, narrowed to its run; pure, and equal for equal evidence."""
    facts = evidence.facts
    narrowed = in_scope(evidence)
    results = tuple(checker.check(narrowed) for checker in checkers if checker.id not in facts.skips)
    reached = happened(RARE_STATES, narrowed)
    weaknesses = tuple(_weaknesses(facts, results, reached))
    return Verdict(
        outcome=combined([result.outcome for result in results], weak=bool(weaknesses)),
        scenario=facts.scenario,
        seed=facts.seed,
        defect=facts.defect,
        results=results,
        happened=reached,
        skipped=facts.skips,
        weaknesses=weaknesses,
        blast=blast_radius(results, load_s=facts.load_s),
        first_violation=_first_violation(facts, results),
    )


def combined(outcomes: Iterable[Outcome], *, weak: bool = False) -> Outcome:
    """One outcome of many; no outcome at all is INVALID."""
    every = list(outcomes)
    if Outcome.FAIL in every:
        return Outcome.FAIL
    if weak or Outcome.INVALID in every or not every:
        return Outcome.INVALID
    return Outcome.PASS


def blast_radius(results: Iterable[Result], *, load_s: float) -> Blast:
    """Each order counts once, with the largest amount any invariant put at stake for it."""
    worst: dict[str, Stake] = {}
    for result in results:
        for stake in result.stakes:
            known = worst.get(stake.order_id)
            if known is None or known.amount_minor < stake.amount_minor:
                worst[stake.order_id] = stake
    money: dict[str, int] = defaultdict(int)
    for stake in worst.values():
        if stake.currency:
            money[stake.currency] += stake.amount_minor
    customers = {stake.customer_id for stake in worst.values() if stake.customer_id}
    whole = Blast(orders=len(worst), customers=len(customers), money_minor=dict(sorted(money.items())))
    if not load_s:
        return whole
    per_minute = MINUTE_S / load_s
    return msgspec.structs.replace(
        whole,
        orders_per_minute=round(whole.orders * per_minute, 1),
        money_minor_per_minute={currency: round(minor * per_minute) for currency, minor in whole.money_minor.items()},
    )


def _amounts(money_minor: dict[str, int]) -> str:
    return "".join(f", {money_text(minor, currency)}" for currency, minor in money_minor.items())


def save_verdict(verdict: Verdict, run_dir: Path) -> Path:
    path = run_dir / VERDICT
    path.write_bytes(msgspec.json.format(msgspec.json.encode(verdict), indent=2) + b"\n")
    return path


def load_verdict(run_dir: Path) -> Verdict:
    return msgspec.json.decode((run_dir / VERDICT).read_bytes(), type=Verdict)


def _weaknesses(facts: RunFacts, results: tuple[Result, ...], reached: Iterable[Happened]) -> Iterable[str]:
    if not results:
        yield "no invariant was judged"
    yield from facts.problems
    if facts.repaired:
        return  # how hard the run was is said by its own verdict; this one is about what it left
    for fault in facts.faults:
        if not fault.confirmed:
            yield f"fault {fault.name} on {fault.target or 'the fleet'} was never seen to bite"
    for state in reached:
        if state.missing:
            yield f"{state.id} never happened: {state.statement}"


def _first_violation(facts: RunFacts, results: tuple[Result, ...]) -> FirstViolation | None:
    firsts = [
        (result.first.at, result.id, result.first.message)
        for result in results
        if result.first is not None and result.first.at is not None
    ]
    if not firsts:
        return None
    at, invariant, message = min(firsts)
    return FirstViolation(invariant=invariant, message=message, at=at, after_s=round(facts.since_load(at), 3))
