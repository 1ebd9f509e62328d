"""Rare states: what must really have happened in a run, or its verdict says nothing.

A healthy run in which nobody raced, nothing came twice and no process died proves nothing. A drill demands states of
this catalogue; each is a pure count over the evidence, shown in every verdict, and one that stays at 0 makes the run
INVALID by its name. A new state is an entry of `RARE_STATES`; a test plants it and takes its cause away.
"""

from scenarios.rare_states.answers import (
    ANSWER_LOST,
    BOTH_CLICKS_RACED,
    CART_MERGED_AGAIN,
    EQUAL_KEYS_OF_TWO,
    KEY_REUSED,
    LAST_UNIT_RACED,
    LIMIT_REFUSED,
    RESTOCK_SOLD,
    SOLD_AGAIN,
    SOLD_OUT_REFUSED,
    STORED_ANSWER_REPEATED,
)
from scenarios.rare_states.events import (
    COMMITTED_LATE,
    EVENT_TWICE,
    EVENTS_REORDERED,
    FORMER_VERSION,
    KILLED_IN_SAGA,
    LETTER_REDRIVEN,
    PAUSED_IN_SAGA,
    POISON_REFUSED,
    READ_AGAIN,
)
from scenarios.rare_states.money import (
    CANCELLED_AFTER_CHARGE,
    CHARGE_IN_DOUBT,
    DECLINED_AFTER_HOLD,
    HOLD_GIVEN_BACK,
    HOLD_OUTLIVED,
    KILLED_IN_CHARGE,
    NO_DECIMALS,
    PARTLY_REFUNDED,
    PROVIDER_BLIND,
    RATE_CHANGED_IN_CHECKOUT,
    REFUND_REFUSED,
    REFUNDS_RACED,
    RETURNED_WHOLE,
    THREE_DECIMALS,
    WEBHOOK_AGAIN,
    WEBHOOK_BEFORE_ANSWER,
    WEBHOOK_REFUSED_FIRST,
)
from scenarios.rare_states.state import Happened, RareState, happened

RARE_STATES: tuple[RareState, ...] = (
    LAST_UNIT_RACED,
    SOLD_OUT_REFUSED,
    SOLD_AGAIN,
    RESTOCK_SOLD,
    CART_MERGED_AGAIN,
    LIMIT_REFUSED,
    BOTH_CLICKS_RACED,
    STORED_ANSWER_REPEATED,
    KEY_REUSED,
    EQUAL_KEYS_OF_TWO,
    ANSWER_LOST,
    DECLINED_AFTER_HOLD,
    HOLD_GIVEN_BACK,
    HOLD_OUTLIVED,
    CHARGE_IN_DOUBT,
    PROVIDER_BLIND,
    CANCELLED_AFTER_CHARGE,
    PARTLY_REFUNDED,
    RETURNED_WHOLE,
    REFUNDS_RACED,
    REFUND_REFUSED,
    NO_DECIMALS,
    THREE_DECIMALS,
    RATE_CHANGED_IN_CHECKOUT,
    WEBHOOK_BEFORE_ANSWER,
    WEBHOOK_AGAIN,
    WEBHOOK_REFUSED_FIRST,
    KILLED_IN_SAGA,
    PAUSED_IN_SAGA,
    KILLED_IN_CHARGE,
    READ_AGAIN,
    EVENT_TWICE,
    EVENTS_REORDERED,
    COMMITTED_LATE,
    FORMER_VERSION,
    POISON_REFUSED,
    LETTER_REDRIVEN,
)

__all__ = ["RARE_STATES", "Happened", "RareState", "happened"]
