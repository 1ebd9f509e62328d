"""INV-05: one capture per paid order, none that stays on an unpaid one, refunds never above captures.

The witness is the payment provider's own journal. An idempotent replay by the provider is no capture, and every repeat
of a payment or refund comes under the one key stored for it before the first call; a capture apart has its own.
"""

from collections import defaultdict

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import is_cancelled, is_sold, was_ever_paid
from scenarios.evidence.bundle import Evidence, PspAccount
from scenarios.money_text import money_text
from scenarios.world.journals import PspRecord


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    accounts = evidence.psp_accounts
    findings.require(any(account.captures for account in accounts.values()), "the payment provider captured nothing")
    for order_id, account in sorted(accounts.items()):
        findings.check()
        _judge_account(evidence, order_id, account, findings, owed_minor=evidence.owed_by_customers.get(order_id, 0))
    _judge_keys(evidence, findings)
    _judge_annulments(evidence, findings)
    for order in evidence.audit.orders:
        findings.check()
        if is_sold(evidence, order) and order.total_minor and not evidence.psp_account(order.id).captures:
            findings.violation(
                "paid_but_not_captured", f"order is {order.status}, nothing was captured", order_id=order.id
            )
    return findings.result()


def _judge_account(
    evidence: Evidence, order_id: str, account: PspAccount, findings: Findings, *, owed_minor: int
) -> None:
    """Money that has left is undone where the ledger has its customer owe it; how much that is INV-06 compares."""
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
        findings.damage(
            "refunded_more_than_captured",
            f"captured {money_text(account.captured_minor, currency)}, "
            f"refunded {money_text(account.refunded_minor, currency)}",
            undone=account.net_minor + owed_minor >= 0,
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
    kept_minor = account.kept_minor + owed_minor
    if order is None or not kept_minor:
        return
    never_paid = order.status == "payment_failed" or not was_ever_paid(evidence, order)
    if is_cancelled(evidence, order) or (never_paid and order.status != "refunded"):
        findings.violation(
            "unpaid_but_captured",
            f"order is {order.status}, {money_text(kept_minor, currency)} stay captured",
            order_id=order_id,
            at=account.captures[-1].at if account.captures else order.updated_at,
            amount_minor=abs(kept_minor),
            trace_id=last_trace,
        )


def _judge_annulments(evidence: Evidence, findings: Findings) -> None:
    """Only of an order that never was is a payment annulled."""
    for row in evidence.audit.annulments:
        findings.check()
        if row.order_id in evidence.orders or row.order_id in evidence.saga_ids:
            findings.violation(
                "annulled_though_ordered",
                f"its payment was annulled by {row.decided_by}, as if nobody had placed it",
                order_id=row.order_id,
                event_id=row.event_id,
                at=row.created_at,
            )


def _judge_keys(evidence: Evidence, findings: Findings) -> None:
    """Every call about one payment, capture apart or refund has one key, its own, which was stored before."""
    stored: dict[str, set[str]] = defaultdict(set)
    order_of = {payment.id: payment.order_id for payment in evidence.audit.payments}
    for attempt in evidence.audit.payment_attempts:
        stored[order_of.get(attempt.payment_id, "")].add(attempt.idempotency_key)
    for held in evidence.audit.authorisations:
        stored[held.order_id].add(held.idempotency_key)
    first_use: dict[tuple[str, str], PspRecord] = {}
    for line in evidence.journals.psp:
        if line.idempotency_key and line.merchant_reference and line.kind != "void":
            first_use.setdefault((line.merchant_reference, line.idempotency_key), line)
    used: dict[tuple[str, str], str] = {}
    owner: dict[str, str] = {}
    for (reference, key), line in first_use.items():
        findings.check()
        if owner.setdefault(key, reference) != reference:
            _key_violation("key_of_another", f"key {key} was sent for {owner[key]} before", line, evidence, findings)
        first = used.setdefault((reference, line.operation), key)
        if first != key:
            message = f"the provider was asked under {first} and under {key}"
            _key_violation("several_keys", message, line, evidence, findings)
        if reference in stored and key not in stored[reference]:
            message = f"the provider was asked under {key}, which no attempt had stored"
            _key_violation("key_not_stored", message, line, evidence, findings)


def _key_violation(kind: str, message: str, line: PspRecord, evidence: Evidence, findings: Findings) -> None:
    account = evidence.psp_account(line.merchant_reference)
    extra_minor = sum(capture.amount_minor for capture in account.captures[1:])
    findings.damage(
        kind,
        message,
        undone=account.refunded_minor >= extra_minor,
        order_id=line.merchant_reference,
        at=line.at,
        trace_id=line.trace_id,
    )


CHECKER = Checker(
    id="INV-05",
    name="charged-once",
    statement="captures per paid order = 1 (none for a total of zero), per unpaid order = 0; refunds ≤ captures; "
    "one key per payment and refund, stored before it is used",
    witness="the payment provider's journal",
    needs=("orders.orders", "orders.order_transitions", "payments.payments", "payments.payment_attempts"),
    examine=examine,
)
