"""From an accepted order to its event applied by the last consumer, at 50 orders a second through the whole fleet.

The floor is a bare record at the same pace through the same broker, while the fleet stands idle right before and right
after. Accepted is when the client has its answer, applied is what each consumer's inbox says; all on one machine's
clock. Run: `python -m loadtests.benchmarks.event_latency [--json FILE]`.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec
import uvloop

from compose import stack
from loadtests.benchmarks.buying import Accepted, Shop, own_shop
from loadtests.benchmarks.reporting import Figure, all_reached, figure, tell
from loadtests.benchmarks.round_trip import round_trips
from shared.contracts import REGISTRY

GOAL_P50_MS = 150.0
GOAL_P99_MS = 1_000.0
EVENTS = ("order.created", "order.paid")
WARM_UP_SECONDS = 5.0
APPLIED_LIMIT_S = 120.0
LOOK_EVERY_S = 0.5

_APPLIED = """
    SELECT aggregate_id, extract(epoch FROM applied_at)::double precision AS at FROM audit.inbox
    WHERE type = $1 AND aggregate_id = ANY($2::text[])
"""


class Spread(msgspec.Struct, frozen=True):
    """Milliseconds."""

    p50_ms: float
    p99_ms: float
    max_ms: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`applied` is from accepted to applied by the last consumer of order.created, `paid` of order.paid.

    `put_off` counts orders that got no place (503, 504): at a pace that the machine cannot hold no goal is reached.
    `consumers` are those of each event, the slowest first, by the median from accepted to applied.
    """

    benchmark: str = "event_latency"
    orders: int
    put_off: int
    per_s: float
    floor: Spread
    accepted: Spread
    applied: Spread
    paid: Spread
    consumers: dict[str, dict[str, float]]
    goal_p50_ms: float = GOAL_P50_MS
    goal_p99_ms: float = GOAL_P99_MS

    @property
    def figures(self) -> tuple[Figure, ...]:
        what = f"order accepted → applied by every consumer at {self.per_s:g} orders/s"
        beside = "a bare record through the same broker"
        return (
            figure(
                f"{what}, p50", "ms",
                measured=self.applied.p50_ms, beside=(f"{beside}, p50", self.floor.p50_ms), goal=self.goal_p50_ms,
            ),
            figure(
                f"{what}, p99", "ms",
                measured=self.applied.p99_ms, beside=(f"{beside}, p99", self.floor.p99_ms), goal=self.goal_p99_ms,
            ),
        )  # fmt: skip

    @property
    def reached(self) -> bool:
        return not self.put_off and all_reached(self.figures)


async def measure(*, per_s: float, seconds: float, port_base: int) -> Report:
    """Boot a fleet of its own, order, wait for the last consumer, stop it."""
    with tempfile.TemporaryDirectory(prefix="event-latency-") as directory:
        async with own_shop(Path(directory) / "home", port_base=port_base) as shop:
            await shop.orders(per_s=per_s, seconds=WARM_UP_SECONDS)
            floor = await round_trips(shop.stack.urls["kafka_bootstrap"], per_s=per_s, seconds=seconds / 2)
            asked = await shop.orders(per_s=per_s, seconds=seconds)
            accepted = [order for order in asked if order is not None]
            applied = {event: await applied_by(shop, event, accepted) for event in EVENTS}
            floor += await round_trips(shop.stack.urls["kafka_bootstrap"], per_s=per_s, seconds=seconds / 2)
    last = {
        event: spread([max(took[order.order_id] for took in by.values()) for order in accepted])
        for event, by in applied.items()
    }
    return Report(
        orders=len(accepted),
        put_off=len(asked) - len(accepted),
        per_s=per_s,
        floor=spread(floor),
        accepted=spread([order.took_ms for order in accepted]),
        applied=last["order.created"],
        paid=last["order.paid"],
        consumers={event: _medians(by) for event, by in applied.items()},
    )


def spread(took_ms: Sequence[float]) -> Spread:
    """Median, 99th percentile and maximum."""
    ordered = sorted(took_ms)
    return Spread(
        round(ordered[len(ordered) // 2], 1),
        round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 1),
        round(ordered[-1], 1),
    )


async def applied_by(shop: Shop, event: str, accepted: Sequence[Accepted]) -> dict[str, dict[UUID, float]]:
    """By consumer and order, milliseconds from accepted to applied; waits until every consumer has every event."""
    ids = [str(order.order_id) for order in accepted]
    at = {order.order_id: order.at for order in accepted}
    found: dict[str, dict[UUID, float]] = defaultdict(dict)
    for service in consumers_of(event):
        async with asyncio.timeout(APPLIED_LIMIT_S):
            while len(found[service]) < len(at):
                rows = await shop.rows(service, _APPLIED, event, ids)
                found[service] = {
                    UUID(row["aggregate_id"]): (row["at"] - at[UUID(row["aggregate_id"])]) * 1000 for row in rows
                }
                await asyncio.sleep(LOOK_EVERY_S)
    return found


def consumers_of(event: str) -> list[str]:
    """The services that declare to consume the event."""
    declared = {service.name: service.declaration() for service in stack.load().audited}
    return [name for name, word in declared.items() if event in word.event_types(REGISTRY)]


def _medians(by_consumer: dict[str, dict[UUID, float]]) -> dict[str, float]:
    medians = {service: spread(list(took.values())).p50_ms for service, took in by_consumer.items()}
    return dict(sorted(medians.items(), key=lambda item: -item[1]))


def table(report: Report) -> str:
    """The report for people."""
    lines = [f"{'':34}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}"]
    rows = (
        ("floor: bare record, idle fleet", report.floor),
        ("order accepted (request)", report.accepted),
        ("… → order.created applied by all", report.applied),
        ("… → order.paid applied by all", report.paid),
    )
    lines += [f"{name:34}{row.p50_ms:9.1f}{row.p99_ms:9.1f}{row.max_ms:9.1f}" for name, row in rows]
    for event, medians in report.consumers.items():
        lines.append(f"{event}: " + ", ".join(f"{name} {took:.1f}" for name, took in medians.items()))
    lines.append(f"{report.orders} orders at {report.per_s:.0f}/s, {report.put_off} put off")
    return "\n".join(lines)


def main() -> int:
    """0 when the goals were reached, 1 when one was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50.0, help="orders per second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--port-base", type=int, default=27_000)
    parser.add_argument("--json", type=Path, help="write the report here")
    given = parser.parse_args()
    report = uvloop.run(measure(per_s=given.rate, seconds=given.seconds, port_base=given.port_base))
    return tell(table(report), report, given.json)


if __name__ == "__main__":
    sys.exit(main())
