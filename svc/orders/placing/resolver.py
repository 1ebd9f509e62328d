"""Finishes sagas whose time has come: those a killed or cut-off request left, and those that wait for facts too long.

Works from the tables alone, under a lease; any number of instances may run it and each may die at any line.
"""

import asyncio
from datetime import timedelta
from typing import Protocol

import structlog

from shared import deadline
from shared.back_off import BackOff
from shared.clock import Clock
from shared.database import Database
from shared.deadline import DeadlineExceeded
from shared.errors import RemoteRefusal, WorldError
from shared.tracing import span
from svc.orders.cancelling import Cancelling
from svc.orders.clients import Inventory, Reservation
from svc.orders.domain.draft import Draft, decode_draft
from svc.orders.domain.order import OrderAlreadyShipped, OrderNotCancellable
from svc.orders.domain.saga import HoldLost, Saga, Step, StockUnreachable
from svc.orders.handlers import lifecycle
from svc.orders.placing.refusals import stock_refusal
from svc.orders.placing.transactions import Transactions
from svc.orders.settings import Settings
from svc.orders.store import sagas
from svc.orders.store.sagas import DueSaga

BATCH_SAGAS_MAX = 32
AT_ONCE_MAX = 8
LEASE_MARGIN_S = 2.0

log = structlog.get_logger(__name__)


class Resolver(Protocol):
    async def run(self) -> int: ...


class SagaResolver:
    """`run` is one look at the table; it gives the number of sagas it was at."""

    def __init__(
        self,
        database: Database,
        inventory: Inventory,
        *,
        cancelling: Cancelling,
        clock: Clock,
        config: Settings,
    ) -> None:
        self._database = database
        self._inventory = inventory
        self._cancelling = cancelling
        self._config = config
        self._transactions = Transactions(database, clock, config)
        self._at_once = asyncio.Semaphore(AT_ONCE_MAX)

    async def run(self) -> int:
        """Take what is due and work on each saga; one that fails is looked at again later, alone."""
        async with self._database.begin() as uow:
            due = await sagas.claim_due(uow.connection, rows_max=BATCH_SAGAS_MAX, lease_s=self._config.resolver_lease_s)
        async with asyncio.TaskGroup() as group:
            for one in due:
                group.create_task(self._attend(one))
        return len(due)

    async def _attend(self, due: DueSaga) -> None:
        """One try of a saga; what cannot even be noted down is logged, and the end of the lease brings it back."""
        saga = due.saga
        async with self._at_once:
            with (
                span(f"saga {saga.step.value}", parent=saga.traceparent, order_id=str(saga.order_id)),
                deadline.within(self._config.resolver_lease_s - LEASE_MARGIN_S),
            ):
                try:
                    await self._try(due)
                except (WorldError, DeadlineExceeded) as error:
                    log.warning("saga_attempt_lost", order_id=str(saga.order_id), error=repr(error))
                except Exception:
                    log.exception("saga_attempt_lost", order_id=str(saga.order_id), step=saga.step.value)

    async def _try(self, due: DueSaga) -> None:
        saga = due.saga
        try:
            outcome = await self._resolve(due)
        except (WorldError, RemoteRefusal, DeadlineExceeded) as error:
            outcome = f"{type(error).__name__}: {error}"
            await self._look_again(saga)
        except Exception as error:
            log.exception("saga_attempt_failed", order_id=str(saga.order_id), step=saga.step.value)
            outcome = repr(error)
            await self._look_again(saga)
        log.info("saga_attempt", order_id=str(saga.order_id), step=saga.step.value, outcome=outcome)
        async with self._database.begin() as uow:
            await sagas.note_attempt(uow.connection, saga, outcome)

    async def _resolve(self, due: DueSaga) -> str:
        match due.saga.step:
            case Step.RESERVING:
                return await self._resolve_reserving(due)
            case Step.RELEASING:
                return await self._release(due)
            case Step.PAYING:
                return await self._end_waiting_for_payment(due.saga)
            case Step.WITHHOLDING:
                return await self._withhold(due.saga)
            case Step.COMPENSATING:
                return await self._check_compensation(due)
            case Step.PAID:
                raise AssertionError("a paid saga is not running")

    async def _resolve_reserving(self, due: DueSaga) -> str:
        """Was the stock held? Ask by the reservation's id, and hold it where inventory never heard of it."""
        draft = decode_draft(due.saga.draft)
        try:
            reservation = await self._inventory.reservation(draft.order_id)
            if reservation is None and not due.overdue:
                reservation = await self._inventory.reserve(draft.order_id, draft.customer_id, draft.wanted)
        except RemoteRefusal as refused:
            refusal = stock_refusal(refused)
            if refusal is None:
                raise
            await self._transactions.give_up(draft, refusal)  # the buyer's own request may still be on its way there
            return f"given up: {refusal.code}"
        except WorldError:
            if not due.overdue:
                raise
            reservation = None
        return await self._settle(draft, reservation)

    async def _settle(self, draft: Draft, reservation: Reservation | None) -> str:
        if reservation is None:
            refusal = StockUnreachable("the stock could not be held in time; nothing was ordered")
            await self._transactions.give_up(draft, refusal)
            return "given up"
        if not reservation.held:
            refusal = HoldLost("the stock of this order was not held long enough; nothing was ordered")
            await self._transactions.refuse(draft, refusal)
            return f"refused: hold is {reservation.status}"
        reservation = await self._inventory.pin(draft.order_id)
        if not reservation.held:
            return await self._settle(draft, reservation)
        answer = await self._transactions.confirm(draft, actor="saga")
        return "moved on already" if answer is None else f"answered {answer.status}"

    async def _release(self, due: DueSaga) -> str:
        """Give back what a refused buyer may hold; a pinned hold does not end by itself, so until it is done."""
        await self._inventory.release(due.saga.order_id, reason="order refused")
        async with self._database.begin() as uow:
            await sagas.end_released(uow.connection, due.saga.order_id)
        return "released"

    async def _withhold(self, saga: Saga) -> str:
        """Ask shipping for the goods until it has answered; until then nothing is undone."""
        order = await self._cancelling.settle(saga.order_id)
        if order is None:
            await self._look_again(saga)
            return "undecided"
        return order.status.value

    async def _end_waiting_for_payment(self, saga: Saga) -> str:
        """Payment took too long: cancel. A capture that happened all the same is refunded by payments."""
        because = lifecycle.Because("saga", "payment_timeout")
        try:
            async with self._database.begin() as uow:
                await lifecycle.cancel(
                    uow, saga.order_id, because, patience=timedelta(seconds=self._config.compensating_s)
                )
        except (OrderAlreadyShipped, OrderNotCancellable) as refusal:
            return f"not cancelled: {refusal.code}"
        return "cancelled"

    async def _check_compensation(self, due: DueSaga) -> str:
        """The facts did not come by themselves: ask inventory; money is payments' to tell."""
        saga = due.saga
        if not saga.stock_settled:
            reservation = await self._inventory.reservation(saga.order_id)
            if reservation is None or reservation.undone:
                async with self._database.begin() as uow:
                    await sagas.settle(uow.connection, saga.order_id, stock=True)
                if saga.money_settled:
                    return "compensated"
        if due.overdue:
            missing = "money" if saga.stock_settled else "stock" if saga.money_settled else "stock and money"
            async with self._database.begin() as uow:
                await sagas.fail(uow.connection, saga.order_id, detail=f"{missing} not undone in time")
            return f"failed: {missing}"
        await self._look_again(saga)
        return "waits"

    async def _look_again(self, saga: Saga) -> None:
        after_s = BackOff(self._config.resolver_retry_s, self._config.resolver_retry_max_s).delay_s(saga.attempts)
        async with self._database.begin() as uow:
            await sagas.look_again(uow.connection, saga.order_id, step=saga.step, after_s=after_s)
