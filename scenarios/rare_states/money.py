"""Rare states of holds, charges, refunds and webhooks, by the provider's journal and the databases."""

from collections import Counter, defaultdict

from scenarios.evidence.bundle import Evidence
from scenarios.history import REFUND, Operation
from scenarios.rare_states.faults import moments_of
from scenarios.rare_states.state import RareState

KILLS_OF_PAYMENTS = "payments"


def _declined_after_hold(evidence: Evidence) -> int:
    declined_at = {line.merchant_reference: line.at for line in evidence.journals.psp if line.kind == "decline"}
    return sum(
        any(hold.created_at <= at for hold in evidence.reservations_of.get(order_id, ()))
        for order_id, at in declined_at.items()
    )


def _hold_given_back(evidence: Evidence) -> int:
    return sum(hold.status in {"released", "expired"} for hold in evidence.audit.reservations)


def _charge_in_doubt(evidence: Evidence) -> int:
    return sum(line.kind in {"withheld", "slowed"} for line in evidence.journals.psp)


def _provider_blind(evidence: Evidence) -> int:
    """With its own deduplication on, a double charge could not show: then nothing counts."""
    if evidence.facts.psp_idempotency:
        return 0
    return sum(line.kind == "capture" for line in evidence.journals.psp)


def _cancelled_after_charge(evidence: Evidence) -> int:
    return sum(bool(evidence.psp_account(order_id).captures) for order_id in evidence.cancelled_at)


def _partly_refunded(evidence: Evidence) -> int:
    return sum(0 < account.refunded_minor < account.captured_minor for account in evidence.psp_accounts.values())


def _returned_whole(evidence: Evidence) -> int:
    """With a discount and a tax, of which a return must give back what was paid."""
    return sum(
        bool(order.discount_minor and order.tax_minor)
        and evidence.psp_account(order.id).refunded_minor >= order.total_minor
        for order in evidence.audit.orders
    )


def _refunds_of(evidence: Evidence) -> dict[str, list[Operation]]:
    refunds: dict[str, list[Operation]] = defaultdict(list)
    for operation in evidence.operations:
        if operation.invoke.function == REFUND:
            refunds[operation.attempt.order_id].append(operation)
    return refunds


def _refunds_raced(evidence: Evidence) -> int:
    """Orders of which two refunds under different keys were under way at once."""
    return sum(
        any(
            one.invoke.key != other.invoke.key
            and one.invoke.time_s < other.last.time_s
            and other.invoke.time_s < one.last.time_s
            for one in refunds
            for other in refunds
        )
        for refunds in _refunds_of(evidence).values()
    )


def _refund_refused(evidence: Evidence) -> int:
    return sum(
        operation.error == "refund_exceeds_capture"
        for refunds in _refunds_of(evidence).values()
        for operation in refunds
    )


def _captures_in(evidence: Evidence, currency: str) -> int:
    return sum(line.kind == "capture" and line.currency == currency for line in evidence.journals.psp)


def _webhook_before_answer(evidence: Evidence) -> int:
    return sum(line.kind == "webhook_sent" and line.early for line in evidence.journals.psp)


def _webhook_again(evidence: Evidence) -> int:
    taken = Counter(line.event_id for line in evidence.journals.psp if line.kind == "webhook_sent")
    return sum(count > 1 for count in taken.values())


def _webhook_refused_first(evidence: Evidence) -> int:
    """Taken in the end; while payments was dead nobody took it."""
    lines = evidence.journals.psp
    refused = {line.event_id for line in lines if line.kind == "webhook_failed"}
    return len(refused & {line.event_id for line in lines if line.kind == "webhook_sent"})


def _killed_in_charge(evidence: Evidence) -> int:
    """Attempts at the provider that were not resolved when payments died."""
    return sum(
        attempt.started_at <= at < (attempt.resolved_at or float("inf"))
        for at in moments_of(evidence, "kill", service=KILLS_OF_PAYMENTS)
        for attempt in evidence.audit.payment_attempts
    )


def _rate_changed_in_checkout(evidence: Evidence) -> int:
    """Captured orders of which the exchange gave another rate after the quote and before the order."""
    changes = [(line.at, line.quote) for line in evidence.journals.exchange if line.kind == "changed"]
    count = 0
    for order_id, pinned in evidence.conversions.items():
        quote, order = evidence.quotes.get(pinned.quote_id), evidence.orders.get(order_id)
        if quote is None or order is None or not evidence.psp_account(order_id).captures:
            continue
        currencies = {quote.from_currency, quote.to_currency}
        count += any(quote.quoted_at < at < order.placed_at and currency in currencies for at, currency in changes)
    return count


def _hold_outlived(evidence: Evidence) -> int:
    return sum(
        row.status == "committed" and row.expires_at is not None and (row.ended_at or 0.0) > row.expires_at
        for row in evidence.audit.reservations
    )


DECLINED_AFTER_HOLD = RareState(
    "declined-after-hold", "cards were declined of orders whose stock was held", _declined_after_hold
)
HOLD_GIVEN_BACK = RareState("hold-given-back", "holds were released or ran out", _hold_given_back)
HOLD_OUTLIVED = RareState(
    "hold-outlived", "holds were sold after their time, because their orders had pinned them", _hold_outlived
)
CHARGE_IN_DOUBT = RareState("charge-in-doubt", "the provider's answer came late or never", _charge_in_doubt)
PROVIDER_BLIND = RareState(
    "provider-blind", "captures by a provider that takes every repeat for a new request", _provider_blind
)
CANCELLED_AFTER_CHARGE = RareState(
    "cancelled-after-charge", "orders were cancelled whose money had been taken", _cancelled_after_charge
)
PARTLY_REFUNDED = RareState("partly-refunded", "orders got a part of their money back", _partly_refunded)
RETURNED_WHOLE = RareState("returned-whole", "orders with a discount and a tax were paid back whole", _returned_whole)
REFUNDS_RACED = RareState("refunds-raced", "orders had several refunds under way at once", _refunds_raced)
REFUND_REFUSED = RareState("refund-refused", "refunds were refused that the payment had no money for", _refund_refused)
NO_DECIMALS = RareState(
    "no-decimals", "captures in a currency without decimals", lambda evidence: _captures_in(evidence, "JPY")
)
THREE_DECIMALS = RareState(
    "three-decimals", "captures in a currency of three decimals", lambda evidence: _captures_in(evidence, "KWD")
)
RATE_CHANGED_IN_CHECKOUT = RareState(
    "rate-changed-in-checkout", "charges at a quoted rate that had changed since", _rate_changed_in_checkout
)
WEBHOOK_BEFORE_ANSWER = RareState(
    "webhook-before-answer", "webhooks overtook the answer they belong to", _webhook_before_answer
)
WEBHOOK_AGAIN = RareState("webhook-again", "webhooks were taken more than once", _webhook_again)
WEBHOOK_REFUSED_FIRST = RareState(
    "webhook-refused-first", "webhooks came while nobody took them, and again", _webhook_refused_first
)
KILLED_IN_CHARGE = RareState("killed-in-charge", "charges were under way when payments was killed", _killed_in_charge)
