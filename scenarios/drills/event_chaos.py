"""Incident 03: events come twice, late, out of order and broken, while consumers die and engines go away."""

from collections.abc import Iterator
from typing import Final

from scenarios import rare_states
from scenarios.cues import After, AtShare, Cue
from scenarios.defects import catalogue
from scenarios.faults.broker import Rebalance
from scenarios.faults.database import SlowCommits
from scenarios.faults.events import Duplicate, Poison, Reorder, Rewind, Shuffle
from scenarios.faults.fault import FaultValue
from scenarios.faults.handlers import Unprocessable
from scenarios.faults.mail import MailTarpit
from scenarios.faults.network import Down, Latency
from scenarios.faults.processes import Kill, KillRelay, Pause
from scenarios.plan import FULL, QUICK, FaultStep, Form, Scenario
from scenarios.workloads.event_chaos import ChaosParameters, EventChaos

TOPICS: Final = ("orders.events", "payments.events", "inventory.events", "shipping.events", "catalog.events")
CONSUMERS: Final = ("inventory", "orders", "payments", "shipping", "search", "notifications", "analytics")


def once(fault: FaultValue, at: Cue) -> FaultStep:
    """Done at that moment, and healed at once."""
    return FaultStep(fault=fault, at=at, for_s=0.0)


def lasting(fault: FaultValue, after_s: float, for_s: float) -> FaultStep:
    """From one second of the load to another."""
    return FaultStep(fault=fault, at=After(after_s), for_s=for_s)


def again(at: Cue, *, records_max: int) -> tuple[FaultStep, ...]:
    """The newest events of every topic come twice more, once of it in another order."""
    return (
        *(once(Duplicate(target=topic, records_max=records_max, copies=1), at) for topic in TOPICS),
        *(once(Reorder(target=topic, records_max=records_max), at) for topic in TOPICS),
    )


def one_after_the_other(number: int, *, of: int) -> Iterator[FaultStep]:
    """In one of so many equal parts of the load, a consumer of each service is killed."""
    for place, name in enumerate(CONSUMERS):
        yield once(Kill(f"{name}-1"), AtShare((number + (place + 0.5) / len(CONSUMERS)) / of))


def unprocessable(one_in: int) -> tuple[FaultStep, ...]:
    """From the beginning to the end of the load, when their dead letters are redriven."""
    faults = (
        Unprocessable(target="inventory", event="order.paid", one_in=one_in),
        Unprocessable(target="notifications", event="order.shipped", one_in=one_in),
    )
    return tuple(FaultStep(fault=fault, at=After(0.0)) for fault in faults)


SCENARIO = Scenario(
    id="event-chaos",
    title="Kafka event chaos",
    story=(
        "Consumers fall behind, dead letters pile up. One order is paid here, reserved there and unknown elsewhere; "
        "one payment event was applied three times, an order was shipped before it was paid. Customers get the same "
        "mail again, and a service started without the broker and called itself healthy."
    ),
    workload=EventChaos(),
    forms={
        FULL: Form(
            parameters=ChaosParameters(
                orders=1_500,
                over_s=240.0,
                products=60,
                edits=40,
                edits_after_s=20.0,
                edits_over_s=180.0,
            ),
            faults=(
                *unprocessable(one_in=40),
                lasting(Shuffle("catalog", former_share=0.5), 20.0, 30.0),
                lasting(Shuffle("catalog", seed=2, former_share=0.5), 90.0, 30.0),
                *(once(Poison(topic, each=2), After(30.0)) for topic in TOPICS[:4]),
                *(kill for number in range(10) for kill in one_after_the_other(number, of=10)),
                *(lasting(Rebalance(name), 60.0 + 10.0 * number, 5.0) for number, name in enumerate(CONSUMERS)),
                lasting(Pause("notifications-2"), 130.0, 15.0),
                once(Kill("kafka"), AtShare(0.35)),
                once(Kill("kafka"), AtShare(0.7)),
                lasting(Down(target="search:elasticsearch"), 60.0, 60.0),
                lasting(MailTarpit(tarpit_s=10.0), 150.0, 30.0),
                lasting(Latency(target="orders:postgres", latency_ms=40, jitter_ms=40), 180.0, 20.0),
                lasting(SlowCommits(target="orders"), 205.0, 15.0),
                *(once(KillRelay("inventory"), After(at)) for at in (40.0, 110.0)),
                *again(AtShare(0.95), records_max=10_000),
                *(once(Rewind(name, records_max=10_000), AtShare(0.98)) for name in CONSUMERS),
            ),
            quiesce_s=300.0,
        ),
        QUICK: Form(
            parameters=ChaosParameters(
                orders=60,
                over_s=13.0,
                products=6,
                edits=8,
                declined_share=0.1,
                cancel_share=0.15,
                refund_share=0.15,
                capture_patience_s=4.0,
            ),
            faults=(
                *unprocessable(one_in=8),
                lasting(Shuffle("catalog", former_share=0.5), 0.5, 7.0),
                once(Poison("orders.events"), After(2.0)),
                once(Poison("payments.events"), After(3.0)),
                lasting(Latency(target="orders:postgres", latency_ms=70, jitter_ms=70), 1.0, 5.5),
                lasting(MailTarpit(tarpit_s=1.5), 2.0, 3.0),
                lasting(Down(target="search:elasticsearch"), 6.0, 3.0),
                lasting(Pause("notifications-2"), 4.0, 7.5),
                lasting(SlowCommits(target="orders"), 0.2, 12.5),
                once(KillRelay("inventory"), AtShare(0.4)),
                once(KillRelay("inventory"), AtShare(0.7)),
                lasting(Rebalance("payments"), 5.5, 2.0),
                lasting(Down(target="orders:kafka"), 7.0, 3.0),
                lasting(Down(target="analytics:kafka"), 7.0, 6.5),
                once(Kill("analytics-1"), After(8.0)),
                once(Kill("orders-1"), AtShare(0.85)),
                *again(AtShare(0.95), records_max=60),
                *(once(Rewind(name, records_max=200), AtShare(0.98)) for name in ("notifications", "shipping")),
            ),
            quiesce_s=60.0,
        ),
    },
    scale={"notifications": 2, "orders": 2},
    required=(
        rare_states.EVENT_TWICE,
        rare_states.EVENTS_REORDERED,
        rare_states.COMMITTED_LATE,
        rare_states.FORMER_VERSION,
        rare_states.READ_AGAIN,
        rare_states.KILLED_IN_SAGA,
        rare_states.PAUSED_IN_SAGA,
        rare_states.DECLINED_AFTER_HOLD,
        rare_states.POISON_REFUSED,
        rare_states.LETTER_REDRIVEN,
    ),
    skips={"INV-04": "no purchase limit and no limited coupon is in force: nobody wants more than may be had"},
    defects=catalogue.cards("event_chaos"),
    repair="events",
)
