"""INV-06: provider, payments, ledger and orders tell the same amounts, per order, to the cent.

Independent books are compared per order and currency; an order still in flight is left out and counted. The ledger
is two books: the receivable account says what the provider owes us, the sales account what customers paid and those of
disputes what of it is withheld, so an amount in the wrong account or with the wrong sign shows in both. Where all books
agree on too small a refund or on a charge that nobody was shown, the client is the witness: of the promise of
everything, and of the total on the screen.
"""

from collections import defaultdict
from collections.abc import Collection

import msgspec

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import OPEN_STATUSES, difference_owed, is_cancelled
from scenarios.evidence.bundle import CUSTOMER_RECEIVABLE, Evidence, Purchase
from scenarios.evidence.rows import OrderRow, PriceCorrectionRow
from scenarios.history import REFUND, RefundAttempt
from scenarios.money_text import money_text


class Sums(msgspec.Struct):
    """What one book says about one order, in minor units."""

    captured_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0

    @property
    def net_minor(self) -> int:
        return self.captured_minor - self.refunded_minor

    def said(self, currency: str) -> str:
        captured = money_text(self.captured_minor, currency)
        withheld = f", withheld {money_text(self.disputed_minor, currency)}" if self.disputed_minor else ""
        return f"captured {captured}, refunded {money_text(self.refunded_minor, currency)}{withheld}"


Books = dict[tuple[str, str], Sums]

RECEIVABLE = "psp_receivable"
SALES = "sales"
DISPUTED = "disputed"
CHARGEBACKS = "chargebacks"
DEBIT_OF_CAPTURE = {RECEIVABLE: 1, SALES: -1}
"""The sign of a capture's entry by account; a refund's is the opposite."""
DEBIT_OF_DISPUTE = {
    "dispute_opened": {DISPUTED: 1, RECEIVABLE: -1},
    "dispute_won": {RECEIVABLE: 1, DISPUTED: -1},
    "dispute_lost": {CHARGEBACKS: 1, DISPUTED: -1},
}
"""The same for disputes, whose money goes from what the provider owes us to what it withholds."""
REFUND_EXCESS = "refund_excess"
"""A refund beyond what was captured: the customer owes it, and every book has it among the refunds."""
DEBIT_OF_EXCESS = {CUSTOMER_RECEIVABLE: 1, RECEIVABLE: -1}
WITHHELD = {RECEIVABLE: {RECEIVABLE: -1}, SALES: {DISPUTED: 1, CHARGEBACKS: 1}}
"""By book, the accounts that say what is withheld, and with which sign."""


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    provider = provider_book(evidence)
    payments = payments_book(evidence)
    ledger = ledger_book(evidence)
    sales = ledger_book(evidence, account=SALES)
    findings.require(provider, "the payment provider moved no money")
    for account in sorted({*provider, *payments, *ledger, *sales}):
        if account[0] in evidence.foreign_orders:
            continue
        findings.check()
        _compare(account, ("provider", provider), ("payments", payments), findings)
        _compare(account, ("payments", payments), ("ledger", ledger), findings)
        _compare(account, ("ledger", ledger), ("sales", sales), findings)
    for order in evidence.audit.orders:
        _judge_order(evidence, order, provider, findings, owed_minor=evidence.owed_by_customers.get(order.id, 0))
    for operation in evidence.operations:
        if operation.invoke.function == REFUND and operation.outcome == "ok":
            _judge_return(evidence, msgspec.convert(operation.invoke.value, RefundAttempt), findings)
    for order_id, purchase in evidence.confirmed.items():
        _judge_shown(evidence, order_id, purchase, findings)
    return findings.result()


def provider_book(evidence: Evidence) -> Books:
    book: Books = defaultdict(Sums)
    for order_id, account in evidence.psp_accounts.items():
        for line in account.captures:
            book[order_id, line.currency].captured_minor += line.amount_minor
        for line in account.refunds:
            book[order_id, line.currency].refunded_minor += line.amount_minor
    for account, withheld_minor in evidence.psp_disputes.items():
        book[account].disputed_minor = withheld_minor
    return dict(book)


def payments_book(evidence: Evidence) -> Books:
    book: Books = defaultdict(Sums)
    for row in evidence.audit.payments:
        if row.captured_minor or row.refunded_minor or row.overpaid_minor:
            book[row.order_id, row.currency].captured_minor += row.captured_minor
            book[row.order_id, row.currency].refunded_minor += row.refunded_minor + row.overpaid_minor
    for dispute in evidence.audit.disputes:
        if dispute.status != "won":
            book[dispute.order_id, dispute.currency].disputed_minor += dispute.amount_minor
    return dict(book)


def ledger_book(evidence: Evidence, *, account: str = RECEIVABLE, kinds: Collection[str] | None = None) -> Books:
    """What one account of the ledger says, in entries of some kinds or of all; a wrong side counts against it.

    What is withheld belongs to it as well.
    """
    book: Books = defaultdict(Sums)
    sign = DEBIT_OF_CAPTURE[account]
    for row in evidence.audit.ledger:
        if row.order_id in evidence.foreign_orders or (kinds is not None and row.kind not in kinds):
            continue
        if row.kind in DEBIT_OF_DISPUTE and row.account in WITHHELD[account]:
            book[row.order_id, row.currency].disputed_minor += WITHHELD[account][row.account] * row.amount_minor
            continue
        if row.account != account and (row.account, account) != (CUSTOMER_RECEIVABLE, SALES):
            continue
        sums = book[row.order_id, row.currency]
        if row.kind.startswith("capture"):
            sums.captured_minor += sign * row.amount_minor
        elif row.kind.startswith("refund"):
            sums.refunded_minor -= sign * row.amount_minor
    return dict(book)


def orders_book(evidence: Evidence) -> Books:
    """What the orders expect to have been paid; open orders are left out."""
    book: Books = {}
    for order in evidence.audit.orders:
        if order.status in OPEN_STATUSES:
            continue
        expected = _expected(evidence, order)
        if expected is not None:
            book[order.id, order.currency] = expected
    return book


def _compare(account: tuple[str, str], one: tuple[str, Books], other: tuple[str, Books], findings: Findings) -> None:
    order_id, currency = account
    left = one[1].get(account, Sums())
    right = other[1].get(account, Sums())
    if left == right:
        return
    findings.violation(
        f"{one[0]}_differs_from_{other[0]}",
        f"{one[0]}: {left.said(currency)}; {other[0]}: {right.said(currency)}",
        order_id=order_id,
        currency=currency,
        amount_minor=abs(left.net_minor - right.net_minor) or abs(left.disputed_minor - right.disputed_minor),
        weight=abs(left.net_minor - right.net_minor) or abs(left.disputed_minor - right.disputed_minor),
    )


def _judge_order(evidence: Evidence, order: OrderRow, provider: Books, findings: Findings, *, owed_minor: int) -> None:
    """What its customer owes of it the provider lacks by right."""
    expected = _expected(evidence, order)
    if expected is None:
        findings.observe("orders in flight, left out")
        return
    findings.check()
    charged = [currency for (order_id, currency) in provider if order_id == order.id]
    if any(currency != order.currency for currency in charged):
        findings.violation(
            "currency_differs",
            f"ordered in {order.currency}, charged in {', '.join(charged)}",
            order_id=order.id,
        )
        return
    actual = provider.get((order.id, order.currency), Sums())
    kept_minor = actual.net_minor + owed_minor - (actual.disputed_minor if is_cancelled(evidence, order) else 0)
    if kept_minor == expected.net_minor:
        return
    findings.violation(
        "orders_differ_from_provider",
        f"order is {order.status} and expects {money_text(expected.net_minor, order.currency)} to stay paid, "
        f"the provider kept {money_text(kept_minor, order.currency)}",
        order_id=order.id,
        amount_minor=abs(kept_minor - expected.net_minor),
        weight=abs(kept_minor - expected.net_minor),
    )


def _judge_return(evidence: Evidence, attempt: RefundAttempt, findings: Findings) -> None:
    """Who was promised everything back gets back all that was paid, whatever the books agree on."""
    if attempt.amount_minor:
        return
    findings.check()
    account = evidence.psp_account(attempt.order_id)
    if account.kept_minor > 0:
        currency = account.captures[0].currency
        findings.violation(
            "returned_in_part",
            f"all was to go back, the provider kept {money_text(account.kept_minor, currency)} of "
            f"{money_text(account.captured_minor, currency)}",
            order_id=attempt.order_id,
            currency=currency,
            amount_minor=account.kept_minor,
            weight=account.kept_minor,
        )


def _judge_shown(evidence: Evidence, order_id: str, purchase: Purchase, findings: Findings) -> None:
    """Who was shown a total at a quoted rate is charged that total, whatever became of the rate."""
    shown = evidence.shown.get(purchase.quote_id)
    if shown is None:
        return
    findings.check()
    correction = evidence.corrections.get(order_id)
    corrected = correction is not None and correction.total_minor == shown.total_minor
    for line in evidence.psp_account(order_id).captures:
        if (line.amount_minor, line.currency) != (shown.total_minor, shown.currency):
            findings.damage(
                "charged_otherwise_than_shown",
                f"shown {money_text(shown.total_minor, shown.currency)}, "
                f"charged {money_text(line.amount_minor, line.currency)}",
                undone=corrected and line.currency == shown.currency and _difference_is_back(evidence, correction),
                order_id=order_id,
                currency=line.currency,
                amount_minor=abs(line.amount_minor - shown.total_minor),
                weight=abs(line.amount_minor - shown.total_minor),
                trace_id=purchase.trace_id,
            )


def _difference_is_back(evidence: Evidence, correction: PriceCorrectionRow | None) -> bool:
    """What was too much went back; that the correction says what is right, INV-08 judges."""
    if correction is None:
        return False
    owed_minor, back_minor = difference_owed(evidence, correction)
    return owed_minor == back_minor


def _expected(evidence: Evidence, order: OrderRow) -> Sums | None:
    if is_cancelled(evidence, order):
        return Sums()
    if order.status in OPEN_STATUSES:
        return None
    return Sums(captured_minor=order.total_minor, refunded_minor=order.refunded_minor)


CHECKER = Checker(
    id="INV-06",
    name="money-reconciles",
    statement="provider = payments = ledger (each account) = orders, per order and currency, to the cent; "
    "a full return pays back all that was paid; what was shown at a quoted rate is what is charged",
    witness="the provider's journal × payments × ledger × orders × client history",
    needs=("orders.orders", "payments.payments", "payments.ledger"),
    examine=examine,
)
