"""What the runner itself knows of a run: parameters, times, supply, limits, faults that really bit.

All `_at` times are epoch seconds. Facts are written by the runner and only read by judges.
"""

from typing import Any

import msgspec

from scenarios.evidence.residue import Residue


class SupplyStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """`quantity` units of `sku` became sellable. A restock counts for the seller from `at` (when it was
    asked for) and against him only from `done_at` (when it was answered).
    """

    sku: str
    quantity: int
    at: float
    done_at: float
    opening: bool = False


class PurchaseLimit(msgspec.Struct, frozen=True):
    sku: str
    per_customer: int


class CouponLimit(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often a coupon may be used, in all and per customer; None is unlimited."""

    code: str
    total: int | None = None
    per_customer: int | None = None


class FaultFired(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fault as it was injected. `confirmed` is a probe's word that it bit, spoken `bit_at`; `probe` says how."""

    name: str
    at: float
    target: str = ""
    confirmed: bool = False
    probe: str = ""
    bit_at: float | None = None
    healed_at: float | None = None


class Threshold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a figure of the load must reach: `most` is the largest it may be, `least` the smallest, both inclusive."""

    figure: str
    most: float | None = None
    least: float | None = None

    def admits(self, value: float) -> bool:
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    @property
    def said(self) -> str:
        """In words."""
        bounds = (("at most", self.most), ("at least", self.least))
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Curves of one unit over the seconds since the load began, for the report."""

    title: str
    unit: str
    curves: dict[str, list[tuple[float, float]]]


class Course(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a load with a trigger went, for those who judge recovery. Times are epoch seconds.

    The surge, if there was one, is the time from `surge_at` to `surge_until`. An answer is good within `good_within_s`.
    `squeezed` tells, when it did, that the machine gave the shop less after the trigger than while it was measured.
    """

    baseline_at: float
    baseline_until: float
    surge_at: float
    surge_until: float
    ended_at: float
    good_within_s: float
    recovery_s_max: float
    squeezed: str = ""


class WorkloadFacts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What only the workload of a run knows: the goods it was about, their supply, the limits in force.

    `scarce_skus` are those for which demand was meant to exceed supply, `thresholds` what the load's figures must
    reach, `charts` what was measured over time, `course` the times of a load with a trigger.
    """

    skus: list[str] = []
    scarce_skus: list[str] = []
    supply: list[SupplyStep] = []
    limits: list[PurchaseLimit] = []
    coupons: list[CouponLimit] = []
    thresholds: list[Threshold] = []
    charts: list[Chart] = []
    course: Course | None = None


class RunFacts(WorkloadFacts, kw_only=True, omit_defaults=True):
    """`required` names the rare states that must have been reached, or the run is too weak to judge; `watched` those
    that are only counted.

    `skips` maps an invariant's id to the reason why this scenario does not judge it. `repaired` is true
    when the evidence was collected after a repair: damage that was undone is then no violation. The repair, the first
    if there were several, began at `repair_began_at`.
    `others_from` is when the fleet began to serve another run, whose orders are not this one's; `residue` is what was
    wrong already when this one began.
    `figures` are what was measured of the run itself, by subject; `log_lines` counts what the logs held to choose from.
    """

    scenario: str
    seed: int
    title: str = ""
    defect: str | None = None
    form: str = ""
    parameters: dict[str, Any] = {}
    figures: dict[str, dict[str, float]] = {}
    started_at: float
    load_started_at: float | None = None
    load_ended_at: float | None = None
    quiesced_at: float | None = None
    ended_at: float | None = None
    history_origin_at: float
    faults: list[FaultFired] = []
    required: list[str] = []
    watched: list[str] = []
    skips: dict[str, str] = {}
    subscriptions: dict[str, list[str]] = {}
    residue: Residue = Residue()
    psp_idempotency: bool = True
    hold_ttl_s: float = 600.0
    repaired: bool = False
    repair_began_at: float | None = None
    others_from: float | None = None
    replay: str = ""
    problems: list[str] = []
    log_lines: int = 0
    fleet: dict[str, Any] = {}

    def epoch(self, time_s: float) -> float:
        """A history time as epoch seconds."""
        return self.history_origin_at + time_s

    def since_load(self, at: float) -> float:
        """Seconds between the start of the load (else of the run) and an epoch time."""
        return at - (self.load_started_at or self.started_at)

    def is_past(self, at: float) -> bool:
        """Whether this is the evidence of a repaired fleet, and the moment one before the repair."""
        return self.repair_began_at is not None and at < self.repair_began_at

    @property
    def load_s(self) -> float:
        """How long the load lasted; 0.0 where there was none."""
        if self.load_started_at is None or self.load_ended_at is None:
            return 0.0
        return self.load_ended_at - self.load_started_at

    @property
    def judged_at(self) -> float:
        """The moment of the snapshot as far as deadlines are concerned."""
        return self.quiesced_at or self.ended_at or self.started_at
