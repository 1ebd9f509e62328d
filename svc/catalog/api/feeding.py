"""Feeds over HTTP: streamed in, resumable, each row with its own outcome."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from shared.database import Database
from shared.identity import Principal, requires_role
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from svc.catalog import handlers
from svc.catalog.api.feed_rows import FeedFormat, rows_of
from svc.catalog.domain import EDITOR_ROLES
from svc.catalog.feeding import Feeder
from svc.catalog.shelf import Shelf
from svc.catalog.store import feeds
from svc.catalog.store.feeds import Feed, FeedError

EDITORS = (requires_role("seller", *EDITOR_ROLES),)
FEED_BYTES_MAX = 256 * 1024 * 1024
ERRORS_ORDER = "feed_errors:row"


class FeedView(msgspec.Struct, frozen=True, kw_only=True):
    """`rows_done` rows have their outcome; while it is open the same feed, sent again, goes on behind them."""

    id: UUID
    format: str
    status: str
    rows_done: int
    created: int
    updated: int
    unchanged: int
    failed: int
    begun_at: datetime
    ended_at: datetime | None


@put(
    "/api/v1/product-imports/{import_id:uuid}",
    status_code=200,
    guards=EDITORS,
    request_max_body_size=FEED_BYTES_MAX,
    tags=["imports"],
)
async def bring_feed(
    import_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    shelf: NamedDependency[Shelf],
    principal: NamedDependency[Principal],
    form: FromQuery[FeedFormat] = FeedFormat.JSONL,
) -> FeedView:
    """Make the products of a feed (`form=csv` or `jsonl`); sent again under its id it goes on where it ended.

    A row that is refused is counted with its reason and keeps no other from being made. Sellers bring their own goods,
    which wait for approval. 409 import_under_way while another request brings the same feed.
    """
    async with database.begin() as uow:
        feed = await handlers.open_feed(uow, import_id, form=form, owner=principal)
    if feed.status == "open":
        feeder = Feeder(database, shelf, feed, seller_id=handlers.seller_of(principal))
        await feeder.bring(rows_of(request.stream(), form))
    async with database.begin() as uow:
        return _view(await handlers.find_feed(uow, import_id, principal))


@get("/api/v1/product-imports/{import_id:uuid}", guards=EDITORS, tags=["imports"])
async def show_feed(
    import_id: FromPath[UUID], database: NamedDependency[Database], principal: NamedDependency[Principal]
) -> FeedView:
    """How far an import is."""
    async with database.begin() as uow:
        return _view(await handlers.find_feed(uow, import_id, principal))


@get("/api/v1/product-imports/{import_id:uuid}/errors", guards=EDITORS, tags=["imports"])
async def feed_errors(
    import_id: FromPath[UUID],
    database: NamedDependency[Database],
    principal: NamedDependency[Principal],
    cursor: FromQuery[str | None] = None,
    limit: PageLimit = None,
) -> Page[FeedError]:
    """The rows that were left out, in their order; the first thousand are kept."""
    rows = page_size(limit)
    after = decode_cursor(cursor, ERRORS_ORDER, tuple[int])[0] if cursor else 0
    async with database.begin() as uow:
        await handlers.find_feed(uow, import_id, principal)
        found = await feeds.errors_of(uow.connection, import_id, after=after, rows_max=rows + 1)
    return make_page(found, rows, order=ERRORS_ORDER, key=lambda error: [error.row_number])


def _view(feed: Feed) -> FeedView:
    return FeedView(
        id=feed.id,
        format=feed.format,
        status=feed.status,
        rows_done=feed.rows_done,
        created=feed.created,
        updated=feed.updated,
        unchanged=feed.unchanged,
        failed=feed.failed,
        begun_at=feed.begun_at,
        ended_at=feed.ended_at,
    )
