"""What the report plots, computed from evidence: curves over seconds since the load began. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

import msgspec

from scenarios.checkers.standing import judged_skus
from scenarios.evidence import Evidence, Purchase
from scenarios.history import Operation, Record

Point = tuple[float, float]

BUCKETS_MAX = 60
BUCKET_WIDTHS_S = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0)
PERCENTILES = (50, 95, 99)
LEAD_IN_S = 1.0


class Span(msgspec.Struct, frozen=True):
    """The plotted time, in seconds since the load began, cut into buckets of equal width."""

    start_s: float
    end_s: float
    bucket_s: float

    @property
    def buckets(self) -> int:
        return max(1, round((self.end_s - self.start_s) / self.bucket_s))

    def bucket(self, at_s: float) -> int | None:
        if not self.start_s <= at_s <= self.end_s:
            return None
        return min(int((at_s - self.start_s) / self.bucket_s), self.buckets - 1)

    def middle_s(self, bucket: int) -> float:
        return self.start_s + (bucket + 0.5) * self.bucket_s


class UnitCurves(msgspec.Struct, frozen=True):
    """Step curves of one SKU in units; `oversold` is (time, supply, confirmed) from the excess on."""

    sku: str
    supply: list[Point]
    confirmed: list[Point]
    available: list[Point]
    oversold: list[tuple[float, float, float]]


class AnswerRates(msgspec.Struct, frozen=True):
    """Answers per second, by bucket."""

    accepted: list[float]
    refused: list[float]
    unknown: list[float]


def plotted_span(evidence: Evidence) -> Span:
    """From the first attempt to the last answer, rounded outwards to whole buckets."""
    moments = [_since_load(evidence, operation.invoke) for operation in evidence.operations]
    moments += [_since_load(evidence, operation.last) for operation in evidence.operations]
    start = min([0.0, *(moment for moment in moments if moment > -LEAD_IN_S)])
    end = max([1.0, *moments])
    width = next((width for width in BUCKET_WIDTHS_S if (end - start) / width <= BUCKETS_MAX), BUCKET_WIDTHS_S[-1])
    first = width * (start // width)
    return Span(first, first + width * -(-(end - first) // width), width)


def main_sku(evidence: Evidence) -> str:
    """The SKU the run is about: a scarce one, else the one most asked for."""
    if evidence.facts.scarce_skus:
        return evidence.facts.scarce_skus[0]
    skus = judged_skus(evidence)
    return max(skus, key=lambda sku: sum(item.units(sku) for item in evidence.purchases), default="")


def unit_curves(evidence: Evidence, sku: str, span: Span) -> UnitCurves:
    """Supply as stated, units confirmed and not cancelled since, and available stock by its movements."""
    since = evidence.facts.since_load
    supply = [
        (span.start_s if step.opening else since(step.at), float(step.quantity))
        for step in evidence.facts.supply
        if step.sku == sku
    ]
    confirmed: list[Point] = []
    for order_id, purchase in evidence.confirmed.items():
        units = float(purchase.units(sku))
        if not units:
            continue
        entered = _answered_at(purchase)
        left = evidence.cancelled_at.get(order_id)
        if left is not None and left <= entered:
            continue
        confirmed.append((since(entered), units))
        if left is not None:
            confirmed.append((since(left), -units))
    available = [
        (since(movement.created_at), float(movement.on_hand_delta - movement.reserved_delta))
        for movement in evidence.audit.movements
        if movement.sku == sku
    ]
    supplied, sold = _steps(supply, span), _steps(confirmed, span)
    return UnitCurves(
        sku=sku,
        supply=supplied,
        confirmed=sold,
        available=_steps(available, span),
        oversold=_excess(supplied, sold) if supply else [],
    )


def answer_rates(evidence: Evidence, span: Span) -> AnswerRates:
    counts = {"ok": [0] * span.buckets, "fail": [0] * span.buckets, "info": [0] * span.buckets}
    for operation in evidence.operations:
        bucket = span.bucket(_since_load(evidence, operation.last))
        if bucket is not None:
            counts[operation.outcome][bucket] += 1
    per_second = {outcome: [count / span.bucket_s for count in row] for outcome, row in counts.items()}
    return AnswerRates(accepted=per_second["ok"], refused=per_second["fail"], unknown=per_second["info"])


def latency_percentiles_ms(evidence: Evidence, span: Span) -> dict[int, list[Point]]:
    """Per percentile, milliseconds by the time of the answer; buckets without an answer have no point."""
    latencies: list[list[float]] = [[] for _ in range(span.buckets)]
    for operation in evidence.operations:
        if operation.latency_s is None:
            continue
        bucket = span.bucket(_since_load(evidence, operation.last))
        if bucket is not None:
            latencies[bucket].append(operation.latency_s * 1000)
    return {
        percentile: [
            (span.middle_s(bucket), percentile_of(values, percentile))
            for bucket, values in enumerate(latencies)
            if values
        ]
        for percentile in PERCENTILES
    }


def percentile_of(values: Sequence[float], percentile: float) -> float:
    """The nearest-rank percentile of at least one value."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percentile // 100)
    return ordered[max(0, int(rank) - 1)]


def answers_by_code(operations: Sequence[Operation]) -> list[tuple[str, str, int]]:
    """(outcome, code, count), most frequent first; an accepted answer has the code `accepted`.

    The code names its function too where clients called several.
    """
    several = len({operation.invoke.function for operation in operations}) > 1
    counts: Counter[tuple[str, str]] = Counter()
    for operation in operations:
        accepted = "replayed" if operation.answer.replayed else "accepted"
        code = accepted if operation.outcome == "ok" else operation.error
        counts[operation.outcome, f"{operation.invoke.function}: {code}" if several else code] += 1
    return sorted(((outcome, code, count) for (outcome, code), count in counts.items()), key=lambda row: -row[2])


def _since_load(evidence: Evidence, record: Record) -> float:
    return evidence.facts.since_load(evidence.facts.epoch(record.time_s))


def _answered_at(purchase: Purchase) -> float:
    return purchase.completed_at if purchase.completed_at is not None else purchase.invoked_at


def _steps(changes: Iterable[Point], span: Span) -> list[Point]:
    """Changes as a curve that begins at the span's start and lasts to its end."""
    ordered = sorted(changes)
    before = sum(change for at, change in ordered if at <= span.start_s)
    later = [(at, change) for at, change in ordered if span.start_s < at <= span.end_s]
    values = list(accumulate((change for _, change in later), initial=before))
    times = [span.start_s, *(at for at, _ in later)]
    curve = list(zip(times, values, strict=True))
    return [*curve, (span.end_s, values[-1])]


def _excess(limit: Sequence[Point], curve: Sequence[Point]) -> list[tuple[float, float, float]]:
    """Where a step curve lies above another, from the first time it does: (time, limit, the higher)."""
    changes = sorted([(at, 0, value) for at, value in limit] + [(at, 1, value) for at, value in curve])
    current = [0.0, 0.0]
    rows: list[tuple[float, float, float]] = []
    for at, which, value in changes:
        current[which] = value
        if rows or current[1] > current[0]:
            rows.append((at, current[0], max(current)))
    return rows
