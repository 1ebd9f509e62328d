"""A letter for each event that customers are told about, as messages over the channels they chose."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.contracts import Envelope
from shared.contracts.analytics import ReportReady
from shared.contracts.auth import (
    CredentialsChanged,
    PasswordResetRequested,
    RegistrationRepeated,
    RegistrationRequested,
    UserFact,
    UserRegistered,
)
from shared.contracts.orders import (
    OrderCancelled,
    OrderCreated,
    OrderFact,
    OrderPaid,
    OrderRefunded,
    OrderShipped,
)
from shared.contracts.payments import DuplicateReturned, PaymentFact
from shared.contracts.values import ERASED_EMAIL
from shared.unit_of_work import UnitOfWork
from svc.notifications.domain import CHANGES, Letter, Status, Template, routed
from svc.notifications.store import deliveries, readers


class Letters:
    """Queues letters; `wake` is called after the commit of each, so that it leaves at once."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    async def ask_for_proof(self, uow: UnitOfWork, envelope: Envelope[RegistrationRequested]) -> None:
        """Let who has the address prove it."""
        user_id = str(envelope.data.user_id)
        await self._to_person(uow, envelope, Template.REGISTRATION_REQUESTED, request_id=user_id)

    async def tell_of_repeat(self, uow: UnitOfWork, envelope: Envelope[RegistrationRepeated]) -> None:
        """Tell the owner that somebody wanted an account under their address."""
        await self._to_person(uow, envelope, Template.REGISTRATION_REPEATED)

    async def welcome(self, uow: UnitOfWork, envelope: Envelope[UserRegistered]) -> None:
        """Greet a new customer."""
        await self._to_person(uow, envelope, Template.WELCOME)

    async def allow_reset(self, uow: UnitOfWork, envelope: Envelope[PasswordResetRequested]) -> None:
        """Let who has the address set a new password."""
        request_id = str(envelope.data.request_id)
        await self._to_person(uow, envelope, Template.PASSWORD_RESET, request_id=request_id)

    async def warn_of_change(self, uow: UnitOfWork, envelope: Envelope[CredentialsChanged]) -> None:
        """Tell the owner how the account is signed in to from now on."""
        change = CHANGES.get(envelope.data.change, "the way to sign in was changed")
        await self._to_person(uow, envelope, Template.CREDENTIALS_CHANGED, change=change)

    async def confirm_order(self, uow: UnitOfWork, envelope: Envelope[OrderCreated]) -> None:
        """Tell the customer what was ordered."""
        order = envelope.data
        lines = [
            {"title": line.title, "quantity": line.quantity, "total_minor": line.line_total_minor}
            for line in order.lines
        ]
        await self._about(uow, envelope, Template.ORDER_PLACED, amount_minor=order.total_minor, lines=lines)

    async def confirm_payment(self, uow: UnitOfWork, envelope: Envelope[OrderPaid]) -> None:
        """Tell the customer that the money arrived."""
        await self._about(uow, envelope, Template.ORDER_PAID, amount_minor=envelope.data.total_minor)

    async def announce_shipment(self, uow: UnitOfWork, envelope: Envelope[OrderShipped]) -> None:
        """Tell the customer that the goods are on their way."""
        order = envelope.data
        await self._about(
            uow, envelope, Template.ORDER_SHIPPED, carrier=order.carrier, tracking_number=order.tracking_number
        )

    async def explain_cancellation(self, uow: UnitOfWork, envelope: Envelope[OrderCancelled]) -> None:
        """Tell the customer that the order is off, and why."""
        await self._about(uow, envelope, Template.ORDER_CANCELLED, reason=envelope.data.reason)

    async def confirm_refund(self, uow: UnitOfWork, envelope: Envelope[OrderRefunded]) -> None:
        """Tell the customer that money went back, and where it was our mistake that it was."""
        template = Template.PRICE_CORRECTED if envelope.data.corrects_price else Template.ORDER_REFUNDED
        await self._about(uow, envelope, template, amount_minor=envelope.data.refunded_minor)

    async def regret_duplicate(self, uow: UnitOfWork, envelope: Envelope[DuplicateReturned]) -> None:
        """Tell the customer that what was charged twice went back."""
        await self._about(uow, envelope, Template.DUPLICATE_RETURNED, amount_minor=envelope.data.amount_minor)

    async def _to_person(self, uow: UnitOfWork, envelope: Envelope[Any], template: Template, **context: str) -> None:
        person: UserFact = envelope.data
        await self._queue(
            uow,
            envelope,
            Letter(
                event_id=envelope.id,
                template=template,
                recipient=person.email,
                customer_id=person.user_id,
                context={"name": person.name, **context},
            ),
        )

    async def send_report(self, uow: UnitOfWork, envelope: Envelope[ReportReady]) -> None:
        """Send a report to its owner among the staff."""
        report = envelope.data
        await self._queue(
            uow,
            envelope,
            Letter(
                event_id=envelope.id,
                template=Template.REPORT_READY,
                recipient=report.email,
                customer_id=report.owner_id,
                context={
                    "title": report.title,
                    "since": report.since.isoformat(),
                    "until": report.until.isoformat(),
                    "columns": report.columns,
                    "rows": report.rows,
                    "more": report.more,
                },
            ),
        )

    async def _about(
        self,
        uow: UnitOfWork,
        envelope: Envelope[Any],
        template: Template,
        *,
        amount_minor: int | None = None,
        **context: Any,
    ) -> None:
        order: OrderFact | PaymentFact = envelope.data
        await self._queue(
            uow,
            envelope,
            Letter(
                event_id=envelope.id,
                template=template,
                recipient=order.email,
                customer_id=order.customer_id,
                order_id=order.order_id,
                amount_minor=amount_minor,
                currency=order.currency,
                context={"order_number": order.order_number, **context},
            ),
        )

    async def _queue(self, uow: UnitOfWork, envelope: Envelope[Any], letter: Letter) -> None:
        if letter.recipient == ERASED_EMAIL:
            return
        stored = await readers.find(uow.connection, letter.customer_id)
        messages = routed(letter, stored.reader, datetime.now(UTC))
        added = await deliveries.insert(
            uow.connection, letter, messages, locale=stored.reader.locale, traceparent=envelope.traceparent
        )
        if Status.PENDING in added:
            uow.after_commit(self._wake)
