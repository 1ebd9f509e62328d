"""What the PSP was told to do wrong, and which request it does it to.

A fault is drawn once per merchant reference from the seed, and hits the first attempt only: whoever repeats with
the same key is answered, whoever repeats with a new key pays twice.
"""

import enum
from typing import Annotated

import msgspec

from scenarios.world.draws import draw
from scenarios.world.webhooks import COPIES_MAX, WebhookPlan

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3_600)]


AUTHORISATION_S = 7 * 86_400.0
"""How long money stays held."""


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The programme of the PSP. The three fault rates exclude each other per reference (their sum is ≤ 1).

    `hold_s`: how long a withheld answer keeps its connection. `refund_guard` off lets refunds pass the captured
    sum. `operations` says which commands the faults may hit (payment, refund, capture, void). `authorisation_s`: how
    long money stays held.
    """

    decline_rate: Rate = 0.0
    timeout_after_success_rate: Rate = 0.0
    error_then_success_rate: Rate = 0.0
    slow_rate: Rate = 0.0
    slow_s: Seconds = 8.0
    hold_s: Seconds = 30.0
    webhook_copies: Annotated[int, msgspec.Meta(ge=1, le=COPIES_MAX)] = 1
    webhook_before_response_rate: Rate = 0.0
    webhook_shuffle: bool = False
    webhook_delay_s: Seconds = 0.0
    idempotency: bool = True
    refund_guard: bool = True
    operations: tuple[str, ...] = ("payment", "refund")
    authorisation_s: Annotated[float, msgspec.Meta(ge=0, le=AUTHORISATION_S)] = AUTHORISATION_S
    seed: int = 0

    @property
    def webhooks(self) -> WebhookPlan:
        """The part that concerns webhooks."""
        return WebhookPlan(
            copies=self.webhook_copies,
            delay_s=self.webhook_delay_s,
            shuffle=self.webhook_shuffle,
            seed=self.seed,
        )


class Fault(enum.Enum):
    """What happens to one request."""

    NONE = "none"
    TIMEOUT_AFTER_SUCCESS = "timeout_after_success"
    ERROR_THEN_SUCCESS = "error_then_success"
    SLOW = "slow"


class Method(msgspec.Struct, frozen=True):
    """A tokenised payment method, how its card looks, and the fault it always brings with it."""

    decline_code: str = ""
    fault: Fault = Fault.NONE
    brand: str = "visa"
    last4: str = "4242"


PAYMENT_METHODS: dict[str, Method] = {
    "tok_visa": Method(),
    "tok_mastercard": Method(brand="mastercard", last4="4444"),
    "tok_declined": Method(decline_code="card_declined"),
    "tok_insufficient_funds": Method(decline_code="insufficient_funds"),
    "tok_timeout_after_success": Method(fault=Fault.TIMEOUT_AFTER_SUCCESS),
    "tok_error_then_success": Method(fault=Fault.ERROR_THEN_SUCCESS),
    "tok_slow": Method(fault=Fault.SLOW),
}


def fault_of(behaviour: Behaviour, operation: str, *, reference: str, attempt: int, method: Method) -> Fault:
    """The fault of attempt `attempt` (from 1) at a command on `reference`."""
    if attempt > 1:
        return Fault.NONE
    if method.fault is not Fault.NONE:
        return method.fault
    if operation not in behaviour.operations:
        return Fault.NONE
    chance = draw(behaviour.seed, "fault", operation, reference)
    for fault, rate in (
        (Fault.TIMEOUT_AFTER_SUCCESS, behaviour.timeout_after_success_rate),
        (Fault.ERROR_THEN_SUCCESS, behaviour.error_then_success_rate),
        (Fault.SLOW, behaviour.slow_rate),
    ):
        if chance < rate:
            return fault
        chance -= rate
    return Fault.NONE


def decline_code_of(behaviour: Behaviour, *, reference: str, method: Method) -> str:
    """Why the issuer declines, "" when it does not."""
    if method.decline_code:
        return method.decline_code
    return "card_declined" if draw(behaviour.seed, "decline", reference) < behaviour.decline_rate else ""


def webhook_overtakes(behaviour: Behaviour, *, reference: str) -> bool:
    """Whether the webhook arrives before the answer of the command that caused it."""
    return draw(behaviour.seed, "early", reference) < behaviour.webhook_before_response_rate
