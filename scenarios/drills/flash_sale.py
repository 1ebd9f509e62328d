"""Incident 01: a flash sale. One jacket, far more buyers than units, and processes that die in the middle of it."""

from scenarios.defects import catalogue
from scenarios.faults.processes import Kill, Pause
from scenarios.plan import FaultStep, Scenario

SCENARIO = Scenario(
    id="flash-sale",
    title="Flash sale inventory oversell",
    story=(
        "A sale opened for one jacket with a fixed number of units. The alert says that stock is negative; more orders "
        "were accepted than units exist, and it grows with traffic. A bigger connection pool did not help, pausing "
        "the sale did."
    ),
    forms={
        "full": {"units": 100, "buyers": 10_000, "over_s": 60.0, "volley": 200},
        "quick": {
            "units": 20,
            "buyers": 400,
            "over_s": 4.0,
            "volley": 100,
            "declined_share": 0.25,
            "greedy_share": 0.2,
            "greedy_orders": 6,
            "greedy_first": True,
        },
    },
    faults={
        "full": (
            FaultStep(fault=Kill("inventory-1"), at_confirmed_share=0.4, for_s=0.0),
            FaultStep(fault=Pause("inventory-2"), at_confirmed_share=0.6, for_s=2.0),
        ),
        "quick": (FaultStep(fault=Kill("inventory-1"), at_confirmed_share=0.4, for_s=0.0),),
    },
    scale={"inventory": 2},
    required=("contention",),
    skips={},
    psp={"full": {"slow_rate": 0.1, "slow_s": 1.0}, "quick": {"slow_rate": 0.3, "slow_s": 0.8}},
    quiesce_s={"full": 120.0, "quick": 30.0},
    defects=catalogue.cards("flash_sale"),
    repair="oversell",
)
