"""The day's mails of one reader as one."""

from shared.ids import derived_id
from shared.unit_of_work import UnitOfWork
from svc.notifications.domain import Letter, Template, digested
from svc.notifications.letters import Writer
from svc.notifications.store import deliveries, digests

ITEMS_MAX = 100
"""Told one by one; of further ones only how many there are."""


async def make(uow: UnitOfWork, writer: Writer) -> bool:
    """Queue the digest that has waited longest; False when none is due."""
    told = await digests.take(uow.connection)
    if not told:
        return False
    newest = told[-1]
    shorts = [writer.short(delivery) for delivery in told[:ITEMS_MAX]]
    letter = Letter(
        event_id=derived_id("digest", *(delivery.id for delivery in told)),
        template=Template.DIGEST,
        recipient=newest.recipient,
        customer_id=newest.customer_id,
        context={
            "items": [{"title": short.title, "text": short.text} for short in shorts],
            "more": len(told) - len(shorts),
        },
    )
    await deliveries.insert(
        uow.connection, letter, [digested(letter)], locale=newest.locale, traceparent=newest.traceparent
    )
    return True
