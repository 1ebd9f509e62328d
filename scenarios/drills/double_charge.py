"""Incident 02: customers are charged twice. The provider answers late, twice or not at all, and payments dies in it."""

from typing import Final

from scenarios import rare_states
from scenarios.cues import After, AtShare
from scenarios.defects import catalogue
from scenarios.faults.events import Rewind
from scenarios.faults.fault import FaultValue
from scenarios.faults.processes import Kill, KillAt
from scenarios.faults.psp import PspError, PspSlow, PspTimeout, WebhookStorm
from scenarios.plan import FULL, QUICK, FaultStep, Form, Scenario
from scenarios.workloads.double_charge import ChargeParameters, DoubleCharge
from shared.crash_points import Point

BLIND_PROVIDER: Final = {"idempotency": False, "refund_guard": False}
"""It takes every request for a new one and pays back whatever it is asked to: what doubles shows."""
WEBHOOK_DELAY_S: Final = 6.0
"""Longer than a lease of payments: what a killed process left is asked about before a webhook tells."""


def at_once(fault: FaultValue) -> FaultStep:
    """From the beginning to the end of the load."""
    return FaultStep(fault=fault, at=After(0.0))


def kills(*shares: float) -> tuple[FaultStep, ...]:
    """Payments dies at each of these shares of the work."""
    return tuple(FaultStep(fault=Kill("payments-1"), at=AtShare(share), for_s=0.0) for share in shares)


def dies(point: Point, share: float) -> FaultStep:
    """Payments dies at a point of a charge, at this share of the work."""
    return FaultStep(fault=KillAt("payments", point=point), at=AtShare(share), for_s=0.0)


STORM: Final = at_once(WebhookStorm(copies=3, before_response_rate=0.1, delay_s=WEBHOOK_DELAY_S))
REDELIVERY: Final = FaultStep(fault=Rewind("payments", records_max=200), at=AtShare(0.8), for_s=0.0)

SCENARIO = Scenario(
    id="double-charge",
    title="Payment double charges",
    story=(
        "Customers write that they were charged twice: one order, a time-out, a retry, two transactions. Others got "
        "less back than they had paid, or paid more than they were shown. The tests pass, because they run one after "
        "another."
    ),
    workload=DoubleCharge(),
    forms={
        FULL: Form(
            parameters=ChargeParameters(checkouts=2_000, over_s=300.0),
            faults=(
                at_once(PspTimeout(rate=0.08)),
                at_once(PspError(rate=0.04)),
                at_once(PspSlow(rate=0.05, slow_s=8.0)),
                STORM,
                REDELIVERY,
                *kills(*(number / 11 for number in range(1, 11))),
                dies("before-call", 0.14),
                dies("after-call", 0.32),
                dies("before-commit", 0.5),
                dies("after-commit", 0.68),
            ),
            psp=BLIND_PROVIDER,
            required=(
                rare_states.EQUAL_KEYS_OF_TWO,
                rare_states.DECLINED_AFTER_HOLD,
                rare_states.PARTLY_REFUNDED,
                rare_states.RETURNED_WHOLE,
                rare_states.WEBHOOK_REFUSED_FIRST,
            ),
            quiesce_s=180.0,
        ),
        QUICK: Form(
            parameters=ChargeParameters(
                checkouts=60,
                over_s=5.0,
                baskets=4,
                crowds=3,
                crowd_refunds=12,
                abroad=6,
                yen_share=0.1,
                dinar_share=0.1,
                coupon_share=0.4,
                double_click_share=0.3,
                impatient_share=0.15,
                other_body_share=0.1,
                late_share=0.2,
                late_s=2.5,
                same_key_share=0.1,
                return_share=0.2,
                goodwill_share=0.2,
                capture_patience_s=25.0,
            ),
            faults=(
                at_once(PspTimeout(rate=0.15)),
                at_once(PspError(rate=0.1)),
                at_once(PspSlow(rate=0.25, slow_s=1.0)),
                STORM,
                REDELIVERY,
                dies("after-call", 0.2),
                dies("before-commit", 0.6),
            ),
            psp=BLIND_PROVIDER,
            quiesce_s=60.0,
        ),
    },
    scale={"orders": 2},
    required=(
        rare_states.BOTH_CLICKS_RACED,
        rare_states.STORED_ANSWER_REPEATED,
        rare_states.KEY_REUSED,
        rare_states.CHARGE_IN_DOUBT,
        rare_states.PROVIDER_BLIND,
        rare_states.REFUNDS_RACED,
        rare_states.REFUND_REFUSED,
        rare_states.NO_DECIMALS,
        rare_states.THREE_DECIMALS,
        rare_states.RATE_CHANGED_IN_CHECKOUT,
        rare_states.WEBHOOK_BEFORE_ANSWER,
        rare_states.WEBHOOK_AGAIN,
        rare_states.KILLED_IN_CHARGE,
        rare_states.READ_AGAIN,
    ),
    skips={"INV-04": "no purchase limit and no limited coupon is in force: nobody wants more than may be had"},
    defects=catalogue.cards("double_charge"),
    repair="charges",
)
