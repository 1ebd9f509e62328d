"""Sellers' endpoints, and what they are told: their own lines of an order, and nothing of who bought them."""

import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.contracts import Envelope, OrderLine
from shared.contracts.orders import OrderCancelled, OrderPaid
from shared.ids import derived_id, new_id
from shared.money import Money
from shared.unit_of_work import UnitOfWork
from svc.notifications.domain import Letter, Template, routed
from svc.notifications.domain.sellers import (
    ENDPOINTS_MAX,
    FAILURES_MAX,
    GONE,
    SECRET_OVERLAP,
    TooManyEndpoints,
    UnknownEndpoint,
)
from svc.notifications.store import deliveries, endpoints, readers
from svc.notifications.store.endpoints import Endpoint, Outgoing

SECRET_PREFIX = "whsec_"  # noqa: S105 a prefix
SECRET_BYTES = 32


async def add(uow: UnitOfWork, seller_id: UUID, url: str, events: Sequence[str]) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which is shown this once. Raises `TooManyEndpoints`."""
    secret = _new_secret()
    endpoint = await endpoints.add(
        uow.connection, new_id(), seller_id, url=url, events=events, secret=secret, most=ENDPOINTS_MAX
    )
    if endpoint is None:
        raise TooManyEndpoints(f"one endpoint per URL, at most {ENDPOINTS_MAX}")
    return endpoint, secret


async def remove(uow: UnitOfWork, seller_id: UUID, endpoint_id: UUID) -> None:
    """Tell the endpoint nothing more, not even what waits. Raises `UnknownEndpoint`."""
    if not await endpoints.remove(uow.connection, seller_id, endpoint_id):
        raise _unknown()


async def enable(uow: UnitOfWork, seller_id: UUID, endpoint_id: UUID) -> Endpoint:
    """Tell the endpoint again, from the next event on. Raises `UnknownEndpoint`."""
    endpoint = await endpoints.enable(uow.connection, seller_id, endpoint_id)
    if endpoint is None:
        raise _unknown()
    return endpoint


async def rotate_secret(uow: UnitOfWork, seller_id: UUID, endpoint_id: UUID) -> tuple[Endpoint, str]:
    """The endpoint with another secret, shown this once; the last one signs too for a day. Raises `UnknownEndpoint`."""
    secret = _new_secret()
    endpoint = await endpoints.rotate(uow.connection, seller_id, endpoint_id, secret=secret, overlap=SECRET_OVERLAP)
    if endpoint is None:
        raise _unknown()
    return endpoint, secret


class SellerNews:
    """Queues webhooks; `wake` is called after the commit, so that they leave at once."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    async def tell(self, uow: UnitOfWork, envelope: Envelope[OrderPaid] | Envelope[OrderCancelled]) -> None:
        """Tell every seller who wants to know what became of their lines."""
        order = envelope.data
        lines = _by_seller(order.lines)
        wanting = await endpoints.listening(uow.connection, lines.keys(), envelope.type) if lines else []
        if not wanting:
            return
        told = [
            (derived_id("webhook", envelope.id, endpoint.id), endpoint, _news(envelope, lines[endpoint.seller_id]))
            for endpoint in wanting
        ]
        await endpoints.queue(
            uow.connection,
            told,
            event_id=envelope.id,
            event=envelope.type,
            order_id=order.order_id,
            traceparent=envelope.traceparent,
        )
        uow.after_commit(self._wake)


async def note_failure(uow: UnitOfWork, item: Outgoing, *, status: int | None) -> None:
    """The endpoint did not take it. One that says it is gone, or has failed too often in a row, is disabled.

    Its seller reads so in the feed.
    """
    endpoint_id = UUID(item.delivery.recipient)
    failures = await endpoints.note_failure(uow.connection, endpoint_id, final=status == GONE, most=FAILURES_MAX)
    if failures is None or item.target is None:
        return
    letter = Letter(
        event_id=derived_id("webhook disabled", item.delivery.id),
        template=Template.WEBHOOK_DISABLED,
        recipient="",
        customer_id=item.delivery.customer_id,
        context={"url": item.target.url, "failures": failures},
    )
    seller = (await readers.find(uow.connection, letter.customer_id)).reader
    messages = routed(letter, seller, datetime.now(UTC))
    await deliveries.insert(uow.connection, letter, messages, locale=seller.locale, traceparent=item.traceparent)


def _by_seller(lines: Sequence[OrderLine]) -> dict[UUID, list[OrderLine]]:
    """The lines by seller; a seller without an account of this shop is told nothing."""
    found: dict[UUID, list[OrderLine]] = defaultdict(list)
    for line in lines:
        try:
            found[UUID(line.seller_id or "")].append(line)
        except ValueError:
            continue
    return found


def _news(envelope: Envelope[OrderPaid] | Envelope[OrderCancelled], lines: Sequence[OrderLine]) -> Any:
    order = envelope.data
    return {
        "id": str(envelope.id),
        "type": envelope.type,
        "occurred_at": envelope.occurred_at.isoformat(),
        "data": {
            "order_number": order.order_number,
            "lines": [
                {
                    "sku": line.sku,
                    "product_id": str(line.product_id),
                    "title": line.title,
                    "quantity": line.quantity,
                    "total": Money(line.line_total_minor, order.currency).to_wire(),
                }
                for line in lines
            ],
        },
    }


def _new_secret() -> str:
    return SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def _unknown() -> UnknownEndpoint:
    return UnknownEndpoint("you have no such endpoint")
