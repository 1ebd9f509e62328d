"""Incident 04: a penetration test. Every attack of the suite in turn, while honest customers are served."""

from scenarios import rare_states
from scenarios.checkers import aftermath, named
from scenarios.checkers.attacks import repelled
from scenarios.checkers.honest_traffic import CHECKER as HONEST_SERVED
from scenarios.defects import catalogue
from scenarios.plan import FULL, QUICK, Form, Scenario
from scenarios.probes.catalogue import CARDS
from scenarios.probes.grounds import CROWD
from scenarios.workloads.pen_test import PenTest, PenTestParameters

SCENARIO = Scenario(
    id="pen-test",
    title="Security penetration test",
    story=(
        "An assessment came back with ten findings. A search shows goods that it should not, a customer saw a "
        "stranger's order, somebody has become an administrator, and the access log holds requests that no page of "
        "the shop makes, hidden among honest ones."
    ),
    workload=PenTest(),
    forms={
        FULL: Form(parameters=PenTestParameters(baseline_s=30.0, every_s=1.0, rounds=3, crowd=200), quiesce_s=120.0),
        QUICK: Form(parameters=PenTestParameters(baseline_s=14.0, every_s=0.3, crowd=CROWD), quiesce_s=60.0),
    },
    required=(
        rare_states.ATTACK_REACHED,
        rare_states.ATTACK_UNREADABLE,
        rare_states.ATTACK_UNKNOWN,
        rare_states.ATTACK_FORBIDDEN,
        rare_states.ATTACK_FOUND_NOTHING,
        rare_states.ATTACK_SLOWED,
        rare_states.ATTACK_SERVED,
        rare_states.SOLD_UNDER_ATTACK,
    ),
    checkers=(*named("INV-25"), *(repelled(card) for card in CARDS), *aftermath.CHECKERS, HONEST_SERVED),
    defects=catalogue.cards("pen_test"),
)
