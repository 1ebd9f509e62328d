"""Everything a judge may look at, in one value, with the look-ups that checkers share.

Holds no connection and judges nothing. Look-ups are computed once; the lists are never changed.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeVar

import msgspec

from scenarios.evidence.facts import RunFacts
from scenarios.evidence.logs import LogLine
from scenarios.evidence.rows import (
    AnnulmentRow,
    ConversionQuoteRow,
    OrderConversionRow,
    OrderFactRow,
    OrderLineRow,
    OrderRow,
    OrderTransitionRow,
    OutboxRow,
    PriceCorrectionRow,
    RefundRow,
    ReservationRow,
)
from scenarios.evidence.views import AuditTables
from scenarios.history import (
    PLACE_ORDER,
    PREVIEW_ORDER,
    Operation,
    OrderAnswer,
    OrderAttempt,
    PreviewAnswer,
    Record,
    WantedLine,
    paired,
)
from scenarios.world.journals import ExchangeRecord, Journals, PspRecord, TapRecord

CUSTOMER_RECEIVABLE = "customer_receivable"
"""The account of the ledger with what customers owe."""
NO_JOURNALS = Journals(psp=[], carrier=[], smtp=[], sms=[], tap=[], faults=[])

Value = TypeVar("Value")


class Purchase(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One `place_order` as its client saw it; times are epoch seconds."""

    process: int
    key: str
    customer_id: str
    lines: tuple[WantedLine, ...]
    payment_method: str
    coupon: str
    fingerprint: str
    from_cart: bool
    quote_id: str
    invoked_at: float
    completed_at: float | None
    outcome: Literal["ok", "fail", "info"]
    error: str
    answer: OrderAnswer
    trace_id: str

    def units(self, sku: str) -> int:
        return sum(line.quantity for line in self.lines if line.sku == sku)


class PspAccount(msgspec.Struct, frozen=True):
    """What the payment provider says about one order, by its own journal."""

    captures: tuple[PspRecord, ...]
    refunds: tuple[PspRecord, ...]
    disputed_minor: int = 0

    @property
    def captured_minor(self) -> int:
        return sum(line.amount_minor for line in self.captures)

    @property
    def refunded_minor(self) -> int:
        return sum(line.amount_minor for line in self.refunds)

    @property
    def net_minor(self) -> int:
        return self.captured_minor - self.refunded_minor

    @property
    def kept_minor(self) -> int:
        """What a customer is without: neither refunded nor taken back by the bank."""
        return self.net_minor - self.disputed_minor


NO_ACCOUNT = PspAccount(captures=(), refunds=())


@dataclass(frozen=True)
class Evidence:
    """History, audit rows, journals, telling log lines and run facts of one run.

    `foreign_orders` are orders of the same databases that another run or the seed placed, `foreign_facts` what
    analytics counts of other orders than this run's.
    """

    facts: RunFacts
    history: list[Record]
    audit: AuditTables = field(default_factory=AuditTables)
    journals: Journals = NO_JOURNALS
    logs: list[LogLine] = field(default_factory=list)
    foreign_orders: frozenset[str] = frozenset()
    foreign_facts: tuple[OrderFactRow, ...] = ()

    @cached_property
    def saga_ids(self) -> frozenset[str]:
        """The orders that were ever begun, whether or not they came to be."""
        return frozenset(saga.order_id for saga in self.audit.sagas)

    @cached_property
    def operations(self) -> list[Operation]:
        return list(paired(self.history))

    @cached_property
    def purchases(self) -> list[Purchase]:
        return [
            _purchase(operation, self.facts)
            for operation in self.operations
            if operation.invoke.function == PLACE_ORDER
        ]

    @cached_property
    def shown(self) -> dict[str, PreviewAnswer]:
        """By quote, what its customer was shown the order to cost."""
        previews = (operation for operation in self.operations if operation.invoke.function == PREVIEW_ORDER)
        answers = [
            msgspec.convert(preview.completion.value, PreviewAnswer)
            for preview in previews
            if preview.outcome == "ok" and preview.completion is not None
        ]
        return {answer.quote_id: answer for answer in answers if answer.quote_id}

    @cached_property
    def conversions(self) -> dict[str, OrderConversionRow]:
        """By order id, the quote it is pinned to."""
        return {row.order_id: row for row in self.audit.order_conversions}

    @cached_property
    def corrections(self) -> dict[str, PriceCorrectionRow]:
        """By order id, what it should have cost."""
        return {row.order_id: row for row in self.audit.price_corrections}

    @cached_property
    def owed_by_customers(self) -> dict[str, int]:
        """By order, what the ledger has as owed by its customer, because more was paid back than was captured."""
        owed: dict[str, int] = defaultdict(int)
        for row in self.audit.ledger:
            if row.account == CUSTOMER_RECEIVABLE:
                owed[row.order_id] += row.amount_minor
        return dict(owed)

    @cached_property
    def annulled(self) -> dict[str, AnnulmentRow]:
        """By id, what was taken for orders that nobody ever placed, and of which nothing is kept any more."""
        return {
            row.order_id: row
            for row in self.audit.annulments
            if row.order_id not in self.orders
            and row.order_id not in self.saga_ids
            and not self.psp_account(row.order_id).kept_minor
        }

    @cached_property
    def refunds_of(self) -> dict[str, list[RefundRow]]:
        return _grouped((row.order_id, row) for row in self.audit.refunds)

    @cached_property
    def quotes(self) -> dict[str, ConversionQuoteRow]:
        return {row.id: row for row in self.audit.conversion_quotes}

    @cached_property
    def exchange_rates(self) -> dict[str, ExchangeRecord]:
        """What the exchange said, by its own name for it."""
        return {f"rate_{line.n}": line for line in self.journals.exchange if line.kind == "quoted"}

    @cached_property
    def confirmed(self) -> dict[str, Purchase]:
        """By order id, the first answer that confirmed the order to a client."""
        found: dict[str, Purchase] = {}
        for purchase in sorted(self.purchases, key=lambda purchase: purchase.completed_at or 0.0):
            if purchase.outcome == "ok" and purchase.answer.order_id:
                found.setdefault(purchase.answer.order_id, purchase)
        return found

    @cached_property
    def first_tried_at(self) -> dict[tuple[str, str], float]:
        """By customer and key, when an order was first asked for under it."""
        first: dict[tuple[str, str], float] = {}
        for purchase in self.purchases:
            key = purchase.customer_id, purchase.key
            first[key] = min(purchase.invoked_at, first.get(key, purchase.invoked_at))
        return first

    def decided_after(self, purchase: Purchase) -> float:
        """The moment before which its answer cannot have been decided on.

        A stored answer says nothing of the moment it was repeated: it was decided on during an earlier attempt.
        """
        if purchase.answer.replayed:
            return self.first_tried_at[purchase.customer_id, purchase.key]
        return purchase.invoked_at

    @cached_property
    def orders(self) -> dict[str, OrderRow]:
        return {order.id: order for order in self.audit.orders}

    @cached_property
    def lines_of(self) -> dict[str, list[OrderLineRow]]:
        return _grouped((line.order_id, line) for line in self.audit.order_lines)

    @cached_property
    def transitions_of(self) -> dict[str, list[OrderTransitionRow]]:
        return _grouped((row.order_id, row) for row in self.audit.order_transitions)

    @cached_property
    def reservations_of(self) -> dict[str, list[ReservationRow]]:
        return _grouped((row.order_id, row) for row in self.audit.reservations)

    @cached_property
    def cancelled_at(self) -> dict[str, float]:
        """By order id, when it was cancelled."""
        return {row.order_id: row.at for row in self.audit.order_transitions if row.to_status == "cancelled"}

    @cached_property
    def outbox_by_id(self) -> dict[str, OutboxRow]:
        return {row.id: row for row in self.audit.outbox}

    @cached_property
    def messages(self) -> list[TapRecord]:
        """What lies on the broker, each message once, however often the tap has read it."""
        return list(
            {
                (line.topic, line.partition, line.offset): line for line in self.journals.tap if line.kind != "rewound"
            }.values()
        )

    @cached_property
    def psp_accounts(self) -> dict[str, PspAccount]:
        """By order id, captures and refunds in the provider's journal."""
        captures: dict[str, list[PspRecord]] = defaultdict(list)
        refunds: dict[str, list[PspRecord]] = defaultdict(list)
        order_by_payment: dict[str, str] = {}
        for line in self.journals.psp:
            if line.kind == "capture":
                captures[line.merchant_reference].append(line)
                order_by_payment[line.payment_id] = line.merchant_reference
        for line in self.journals.psp:
            if line.kind == "refund":
                refunds[line.payment_reference or order_by_payment.get(line.payment_id, "")].append(line)
        disputed: dict[str, int] = defaultdict(int)
        for (order_id, _), withheld_minor in self.psp_disputes.items():
            disputed[order_id] += withheld_minor
        return {
            order_id: PspAccount(
                captures=tuple(captures.get(order_id, ())),
                refunds=tuple(refunds.get(order_id, ())),
                disputed_minor=disputed[order_id],
            )
            for order_id in {**captures, **refunds}
        }

    @cached_property
    def psp_disputes(self) -> dict[tuple[str, str], int]:
        """By order id and currency, what the provider withholds for disputes that are open or lost."""
        withheld: dict[tuple[str, str], int] = defaultdict(int)
        for line in self.journals.psp:
            if line.kind in {"dispute_opened", "dispute_won"}:
                sign = 1 if line.kind == "dispute_opened" else -1
                withheld[line.merchant_reference, line.currency] += sign * line.amount_minor
        return {account: amount_minor for account, amount_minor in withheld.items() if amount_minor}

    def psp_account(self, order_id: str) -> PspAccount:
        return self.psp_accounts.get(order_id, NO_ACCOUNT)


def _purchase(operation: Operation, facts: RunFacts) -> Purchase:
    attempt = msgspec.convert(operation.invoke.value, OrderAttempt, from_attributes=True)
    completion = operation.completion
    value = completion.value if completion else None
    return Purchase(
        process=operation.invoke.process,
        key=operation.invoke.key,
        customer_id=attempt.customer_id,
        lines=attempt.lines,
        payment_method=attempt.payment_method,
        coupon=attempt.coupon,
        fingerprint=attempt.fingerprint,
        from_cart=attempt.from_cart,
        quote_id=attempt.quote_id,
        invoked_at=facts.epoch(operation.invoke.time_s),
        completed_at=facts.epoch(completion.time_s) if completion else None,
        outcome=operation.outcome,
        error="" if operation.outcome == "ok" else operation.error,
        answer=OrderAnswer() if value is None else msgspec.convert(value, OrderAnswer, from_attributes=True),
        trace_id=operation.trace_id,
    )


def _grouped(pairs: Iterable[tuple[str, Value]]) -> dict[str, list[Value]]:
    groups: dict[str, list[Value]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)
