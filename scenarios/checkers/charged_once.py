"""INV-05: one capture per paid order, none that stays on an unpaid one, refunds never above captures.

The witness is the payment provider's own journal. An idempotent replay by the provider is no capture.
"""

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import is_cancelled, is_sold, was_ever_paid
from scenarios.evidence.bundle import Evidence, PspAccount
from scenarios.money_text import money_text


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    accounts = evidence.psp_accounts
    findings.require(any(account.captures for account in accounts.values()), "the payment provider captured nothing")
    _judge_strength(evidence, findings)
    for order_id, account in sorted(accounts.items()):
        findings.check()
        _judge_account(evidence, order_id, account, findings)
    for order in evidence.audit.orders:
        findings.check()
        if is_sold(evidence, order) and order.total_minor and not evidence.psp_account(order.id).captures:
            findings.violation(
                "paid_but_not_captured", f"order is {order.status}, nothing was captured", order_id=order.id
            )
    return findings.result()


def _judge_account(evidence: Evidence, order_id: str, account: PspAccount, findings: Findings) -> None:
    order = evidence.orders.get(order_id)
    currency = (account.captures or account.refunds)[0].currency
    last_trace = account.captures[-1].trace_id if account.captures else ""
    if len(account.captures) > 1:
        extra = account.captures[1:]
        extra_minor = sum(line.amount_minor for line in extra)
        findings.damage(
            "captured_twice",
            f"captured {len(account.captures)} × ({', '.join(line.payment_id for line in account.captures)})",
            undone=account.refunded_minor >= extra_minor,
            order_id=order_id,
            at=extra[0].at,
            amount_minor=extra_minor,
            currency=extra[0].currency,
            trace_id=last_trace,
            weight=len(extra),
        )
    if account.refunded_minor > account.captured_minor:
        findings.violation(
            "refunded_more_than_captured",
            f"captured {money_text(account.captured_minor, currency)}, "
            f"refunded {money_text(account.refunded_minor, currency)}",
            order_id=order_id,
            at=account.refunds[-1].at,
            amount_minor=account.refunded_minor - account.captured_minor,
            currency=account.refunds[-1].currency,
        )
    if order is None and account.net_minor:
        findings.violation(
            "captured_without_order",
            f"{money_text(account.net_minor, currency)} captured for an order that does not exist",
            order_id=order_id,
            at=account.captures[0].at if account.captures else None,
            amount_minor=abs(account.net_minor),
            currency=currency,
            trace_id=last_trace,
        )
    if order is None or not account.net_minor:
        return
    never_paid = order.status == "payment_failed" or not was_ever_paid(evidence, order)
    if is_cancelled(evidence, order) or (never_paid and order.status != "refunded"):
        findings.violation(
            "unpaid_but_captured",
            f"order is {order.status}, {money_text(account.net_minor, currency)} stay captured",
            order_id=order_id,
            at=account.captures[-1].at if account.captures else order.updated_at,
            amount_minor=abs(account.net_minor),
            trace_id=last_trace,
        )


def _judge_strength(evidence: Evidence, findings: Findings) -> None:
    lines = evidence.journals.psp
    ambiguous = sum(1 for line in lines if line.kind in {"withheld", "slowed"})
    replayed = sum(1 for line in lines if line.kind == "replayed")
    findings.observe("answers withheld or slowed by the provider", ambiguous)
    findings.observe("requests the provider recognised as repeats", replayed)
    required = evidence.facts.required
    if "ambiguous_charges" in required:
        findings.require(ambiguous, "the provider never left a charge in doubt")
    if "psp_without_dedup" in required:
        findings.require(
            not evidence.facts.psp_idempotency,
            "the provider deduplicated by itself: a double charge could not have shown",
        )


CHECKER = Checker(
    id="INV-05",
    name="charged-once",
    statement="captures per paid order = 1 (none for a total of zero), per unpaid order = 0; refunds ≤ captures",
    witness="the payment provider's journal",
    needs=("orders.orders", "orders.order_transitions"),
    examine=examine,
)
