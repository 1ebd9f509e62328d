"""A feed of products, some rows at a time: each portion's products and the count of its rows are one transaction.

Whatever ends a feed half-way, the same feed under the same id goes on behind the last counted row.
"""

from collections.abc import Sequence
from uuid import UUID

from shared.errors import Kind, Refusal
from shared.identity import Principal
from shared.unit_of_work import UnitOfWork
from svc.catalog.domain import EDITOR_ROLES, Product, ProductWish
from svc.catalog.handlers.importing import import_portion
from svc.catalog.store import feeds
from svc.catalog.store.feeds import Feed, FeedError, Step

PORTION_ROWS_MAX = 200


class UnknownFeed(Refusal):
    """There is none, or it is somebody else's; the two look alike."""

    code = "unknown_import"
    kind = Kind.NOT_FOUND


class FeedUnderWay(Refusal):
    """Another request brings the rows of the same feed."""

    code = "import_under_way"
    kind = Kind.CONFLICT


class FeedMismatch(Refusal):
    """The id belongs to a feed in another format."""

    code = "import_mismatch"
    kind = Kind.UNPROCESSABLE


class SellerMismatch(Refusal):
    """A seller's feed brings goods of that seller alone."""

    code = "seller_mismatch"
    kind = Kind.UNPROCESSABLE


async def open_feed(uow: UnitOfWork, feed_id: UUID, *, form: str, owner: Principal) -> Feed:
    """The feed to go on with. Raises `UnknownFeed` (somebody else's), `FeedMismatch`."""
    feed = await feeds.open_feed(uow.connection, feed_id, owner=owner.subject, form=form)
    if feed.owner != owner.subject:
        raise UnknownFeed("there is no such import")
    if feed.format != form:
        raise FeedMismatch(f"this import is {feed.format}", format=feed.format)
    return feed


async def find_feed(uow: UnitOfWork, feed_id: UUID, viewer: Principal) -> Feed:
    """For its owner and the staff. Raises `UnknownFeed`."""
    feed = await feeds.find(uow.connection, feed_id)
    if feed is None or not (feed.owner == viewer.subject or viewer.has_role(*EDITOR_ROLES)):
        raise UnknownFeed("there is no such import")
    return feed


def seller_of(owner: Principal) -> str | None:
    """Whose goods a feed brings; None for the staff, whose rows say it."""
    return None if owner.has_role(*EDITOR_ROLES) else owner.subject


async def apply_rows(
    uow: UnitOfWork, feed_id: UUID, wishes: Sequence[ProductWish], errors: Sequence[FeedError], *, rows_done: int,
    seller_id: str | None,
) -> list[Product]:  # fmt: skip
    """Make the products of some rows and count these rows; gives the products that were there before.

    Raises what `import_portion` raises and `SellerMismatch`, and then nothing is counted; `FeedUnderWay`, before any
    product is touched, when somebody else is at it or counted since `rows_done` was read.
    """
    if not await feeds.hold(uow.connection, feed_id, rows_done=rows_done):
        raise FeedUnderWay("another request brings this feed")
    if seller_id is not None and any(wish.seller_id != seller_id for wish in wishes):
        raise SellerMismatch("a seller brings goods of their own")
    outcome = await import_portion(uow, wishes, seller_id=seller_id) if wishes else None
    step = Step(
        rows=len(wishes) + len(errors),
        created=len(outcome.created) if outcome else 0,
        updated=len(outcome.updated) if outcome else 0,
        unchanged=outcome.unchanged if outcome else 0,
        errors=tuple(errors),
    )
    advanced = await feeds.advance(uow.connection, feed_id, step, rows_done=rows_done)
    assert advanced, "the feed is held"
    return [imported.product for imported in outcome.updated] if outcome else []


async def complete_feed(uow: UnitOfWork, feed_id: UUID, *, rows_done: int) -> None:
    """Raises `FeedUnderWay`."""
    if not await feeds.complete(uow.connection, feed_id, rows_done=rows_done):
        raise FeedUnderWay("another request brings this feed")
