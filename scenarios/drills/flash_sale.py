"""Incident 01: a flash sale. One jacket, far more buyers than units, and processes that die in the middle of it."""

from typing import Final

import msgspec

from scenarios import rare_states
from scenarios.cues import After, AtShare
from scenarios.defects import catalogue
from scenarios.faults.clock import LateDriver, ShortHolds
from scenarios.faults.events import Delay, Rewind
from scenarios.faults.processes import Kill, Pause
from scenarios.plan import FULL, QUICK, FaultStep, Form, Scenario
from scenarios.workloads.flash_sale import FlashSale, SaleParameters

REDELIVERY: Final = tuple(
    FaultStep(fault=Rewind(service, records_max=100), at=AtShare(0.3), for_s=0.0)
    for service in ("orders", "payments", "notifications")
)

CROWD: Final = SaleParameters(
    units=20,
    buyers=400,
    over_s=4.0,
    volley=100,
    declined_share=0.35,
    greedy_share=0.2,
    greedy_orders=6,
    greedy_first=True,
    guests=6,
    pair_share=0.15,
    extra_share=0.25,
    second_body_share=0.4,
    cancel_share=0.2,
    refund_share=0.2,
)
LATE: Final = "late"
"""Events are half a minute late and a hold is given five seconds: what keeps the stock of an order is its pin."""

RESTOCK: Final = "restock"
"""As many units again half-way through a longer sale in which nobody cancels: all of them must be sold."""

SCENARIO = Scenario(
    id="flash-sale",
    title="Flash sale inventory oversell",
    story=(
        "A sale opened for one jacket with a fixed number of units. The alert says that stock is negative; more orders "
        "were accepted than units exist, and it grows with traffic. A bigger connection pool did not help, pausing "
        "the sale did."
    ),
    workload=FlashSale(),
    forms={
        FULL: Form(
            parameters=SaleParameters(
                units=100,
                buyers=10_000,
                over_s=60.0,
                volley=200,
                greedy_share=0.01,
                greedy_orders=6,
                greedy_first=True,
                cancel_share=0.3,
            ),
            faults=(
                *REDELIVERY,
                FaultStep(fault=LateDriver(after_s=15.0), at=After(0.0)),
                FaultStep(fault=Kill("inventory-1"), at=AtShare(0.4), for_s=0.0),
                FaultStep(fault=Pause("inventory-2"), at=AtShare(0.6), for_s=2.0),
            ),
            psp={"slow_rate": 0.1, "slow_s": 1.0, "timeout_after_success_rate": 0.05},
            required=(
                rare_states.SOLD_AGAIN,
                rare_states.STORED_ANSWER_REPEATED,
                rare_states.ANSWER_LOST,
                rare_states.CANCELLED_AFTER_CHARGE,
                rare_states.PARTLY_REFUNDED,
                rare_states.PAUSED_IN_SAGA,
                rare_states.READ_AGAIN,
            ),
            quiesce_s=180.0,
        ),
        QUICK: Form(
            parameters=CROWD,
            faults=(*REDELIVERY, FaultStep(fault=Kill("inventory-1"), at=AtShare(0.4), for_s=0.0)),
            psp={"slow_rate": 0.3, "slow_s": 0.8, "timeout_after_success_rate": 0.1},
            quiesce_s=60.0,
        ),
        LATE: Form(
            parameters=CROWD,
            faults=(
                FaultStep(fault=ShortHolds(ttl_s=5.0), at=After(0.0)),
                *(FaultStep(fault=Delay(it), at=After(0.0), for_s=30.0) for it in ("orders", "payments")),
                FaultStep(fault=Kill("inventory-1"), at=AtShare(0.4), for_s=0.0),
            ),
            psp={"slow_rate": 0.3, "slow_s": 0.8, "timeout_after_success_rate": 0.1},
            required=(rare_states.HOLD_OUTLIVED,),
            quiesce_s=120.0,
        ),
        RESTOCK: Form(
            parameters=msgspec.structs.replace(CROWD, restock=20, buyers=600, over_s=8.0, cancel_share=0.0),
            faults=(*REDELIVERY, FaultStep(fault=Kill("inventory-1"), at=AtShare(0.4), for_s=0.0)),
            psp={"slow_rate": 0.3, "slow_s": 0.8, "timeout_after_success_rate": 0.1},
            required=(rare_states.RESTOCK_SOLD,),
            quiesce_s=60.0,
        ),
    },
    scale={"inventory": 2, "orders": 2},
    required=(
        rare_states.CART_MERGED_AGAIN,
        rare_states.LAST_UNIT_RACED,
        rare_states.SOLD_OUT_REFUSED,
        rare_states.LIMIT_REFUSED,
        rare_states.KEY_REUSED,
        rare_states.DECLINED_AFTER_HOLD,
        rare_states.HOLD_GIVEN_BACK,
        rare_states.CHARGE_IN_DOUBT,
        rare_states.KILLED_IN_SAGA,
    ),
    defects=catalogue.cards("flash_sale"),
    repair="oversell",
)
