"""What a checker says: verdict, counts by kind, examples an operator can look up, what is at stake.

`Findings` collects while a checker reads; it decides the verdict by one rule for all: any violation is
FAIL, else any weakness or nothing checked is INVALID, else PASS. It never reads anything itself.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from scenarios.evidence.bundle import Evidence

EXAMPLES_MAX = 20


class Outcome(StrEnum):
    PASS = "PASS"  # noqa: S105 - a verdict, no password
    FAIL = "FAIL"
    INVALID = "INVALID"


class Example(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One violation. `at` is epoch seconds, `amount_minor` the money at stake in it, `weight` its size."""

    kind: str
    message: str
    at: float | None = None
    order_id: str = ""
    customer_id: str = ""
    sku: str = ""
    amount_minor: int = 0
    currency: str = ""
    trace_id: str = ""
    event_id: str = ""
    weight: int = 1


class Stake(msgspec.Struct, frozen=True, omit_defaults=True):
    """The money of one order that a violation concerns."""

    order_id: str
    customer_id: str = ""
    amount_minor: int = 0
    currency: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`checked` counts what was compared, `counts` the violations by kind, `observed` what the guards
    saw (duplicates, conflicts, in-flight rows left out), `weaknesses` why it is too weak to pass.
    """

    id: str
    name: str
    outcome: Outcome
    checked: int
    statement: str = ""
    witness: str = ""
    counts: dict[str, int] = {}
    observed: dict[str, int] = {}
    weaknesses: tuple[str, ...] = ()
    first: Example | None = None
    last: Example | None = None
    worst: Example | None = None
    examples: tuple[Example, ...] = ()
    stakes: tuple[Stake, ...] = ()

    @property
    def violations(self) -> int:
        return sum(self.counts.values())


class Findings:
    """Collects what one checker finds in one evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._checked = 0
        self._counts: Counter[str] = Counter()
        self._observed: Counter[str] = Counter()
        self._weaknesses: list[str] = []
        self._examples: list[Example] = []
        self._stakes: dict[str, Stake] = {}

    def check(self, count: int = 1) -> None:
        """`count` more things were really compared."""
        self._checked += count

    def observe(self, what: str, count: int = 1) -> None:
        """Something a guard wants reported though it is no violation."""
        if count:
            self._observed[what] += count

    def require(self, condition: object, reason: str) -> None:
        """Without `condition` the evidence is too weak for a PASS."""
        if not condition:
            self._weaknesses.append(reason)

    def violation(self, kind: str, message: str, *, order_id: str = "", **fields: object) -> None:
        """One violation. Customer, trace and money of a known order are looked up when not given or empty.

        Fields are those of Example.
        """
        self._counts[kind] += 1
        told = {name: value for name, value in fields.items() if value != ""}
        order = self._evidence.orders.get(order_id)
        confirmed = self._evidence.confirmed.get(order_id)
        looked_up: dict[str, object] = {}
        if order is not None:
            looked_up = {
                "customer_id": order.customer_id,
                "trace_id": order.trace_id,
                "currency": order.currency,
                "amount_minor": order.total_minor,
                "at": order.placed_at,
            }
        elif confirmed is not None:
            looked_up = {
                "customer_id": confirmed.customer_id,
                "trace_id": confirmed.trace_id,
                "currency": confirmed.answer.currency,
                "amount_minor": confirmed.answer.total_minor,
                "at": confirmed.completed_at,
            }
        example = msgspec.convert(
            {**looked_up, **told, "kind": kind, "message": message, "order_id": order_id}, Example
        )
        self._examples.append(example)
        if order_id:
            self._stake(example)

    def damage(self, kind: str, message: str, *, undone: bool, order_id: str = "", **fields: object) -> None:
        """A violation, unless this is the evidence of a repaired fleet and the damage was undone."""
        if undone and self._evidence.facts.repaired:
            self.observe(f"repaired: {kind}")
            return
        self.violation(kind, message, order_id=order_id, **fields)

    def result(self) -> "Finding":
        """The collected finding; the catalogue adds id and name."""
        if not self._counts and not self._checked and not self._weaknesses:
            self._weaknesses.append("there was nothing to check")
        examples = sorted(self._examples, key=_when)
        return Finding(
            outcome=self._outcome(),
            checked=self._checked,
            counts=dict(self._counts),
            observed=dict(self._observed),
            weaknesses=tuple(self._weaknesses),
            first=examples[0] if examples else None,
            last=examples[-1] if examples else None,
            worst=max(examples, key=_size) if examples else None,
            examples=tuple(examples[:EXAMPLES_MAX]),
            stakes=tuple(self._stakes[order_id] for order_id in sorted(self._stakes)),
        )

    def _outcome(self) -> Outcome:
        if self._counts:
            return Outcome.FAIL
        return Outcome.INVALID if self._weaknesses else Outcome.PASS

    def _stake(self, example: Example) -> None:
        known = self._stakes.get(example.order_id)
        if known is None or known.amount_minor < example.amount_minor:
            self._stakes[example.order_id] = Stake(
                order_id=example.order_id,
                customer_id=example.customer_id,
                amount_minor=example.amount_minor,
                currency=example.currency,
            )


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A result that does not know yet which invariant it is about."""

    outcome: Outcome
    checked: int
    counts: dict[str, int]
    observed: dict[str, int]
    weaknesses: tuple[str, ...]
    first: Example | None
    last: Example | None
    worst: Example | None
    examples: tuple[Example, ...]
    stakes: tuple[Stake, ...]


@dataclass(frozen=True)
class Checker:
    """An invariant and the pure function that judges it. `needs` are the tables it cannot do without,
    as `service.view`: when the snapshot lacks one, the result is INVALID.
    """

    id: str
    name: str
    statement: str
    witness: str
    needs: tuple[str, ...]
    examine: Callable[[Evidence], Finding]

    def check(self, evidence: Evidence) -> Result:
        """Judges `evidence` (already narrowed to its run); raises nothing for bad data, it reports it."""
        missing = [need for need in self.needs if any(problem.startswith(need) for problem in evidence.facts.problems)]
        if missing:
            return Result(
                id=self.id,
                name=self.name,
                statement=self.statement,
                witness=self.witness,
                outcome=Outcome.INVALID,
                checked=0,
                weaknesses=tuple(f"the snapshot lacks {view}" for view in missing),
            )
        finding = self.examine(evidence)
        return Result(
            id=self.id,
            name=self.name,
            statement=self.statement,
            witness=self.witness,
            **msgspec.structs.asdict(finding),
        )


def _when(example: Example) -> float:
    return example.at if example.at is not None else float("inf")


def _size(example: Example) -> tuple[int, int]:
    return example.weight, example.amount_minor
