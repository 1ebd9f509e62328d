"""A seller's endpoints: where programs of theirs are told what was sold."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from shared.database import Database
from shared.identity import Principal, requires_role
from shared.pagination import CURSOR_LENGTH_MAX, PAGE_SIZE_MAX, Page, decode_cursor, make_page, page_size
from svc.notifications.clients.sellers import SellerEndpoints
from svc.notifications.domain.sellers import URL_CHARACTERS_MAX, SellerEvent, UnknownEndpoint
from svc.notifications.handlers import sellers
from svc.notifications.store import endpoints

ORDER = "webhooks.created_at desc, id desc"


class EndpointCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to, and of what."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=URL_CHARACTERS_MAX)]
    events: Annotated[list[SellerEvent], msgspec.Meta(min_length=1, max_length=2)]


class EndpointView(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint; `failures` counts attempts in a row that it did not take. `secret` is shown when it is new."""

    id: UUID
    url: str
    events: list[str]
    status: str
    failures: int
    created_at: datetime
    secret: str | None = None


class Endpoints(msgspec.Struct, frozen=True):
    items: list[EndpointView]


class WebhooksController(Controller):
    path = "/api/v1/notifications/webhooks"
    tags = ("webhooks",)
    guards = (requires_role("seller"),)

    @post("/")
    async def create(
        self,
        data: JSONBody[EndpointCreate],
        database: NamedDependency[Database],
        seller_endpoints: NamedDependency[SellerEndpoints],
        principal: NamedDependency[Principal],
    ) -> EndpointView:
        """A new endpoint with its secret, shown this once; the body of a webhook is signed with it."""
        await seller_endpoints.check(data.url)
        async with database.begin() as uow:
            endpoint, secret = await sellers.add(uow, principal.person_id, data.url, sorted(set(data.events)))
        return _view(endpoint, secret)

    @get("/")
    async def list_endpoints(
        self, database: NamedDependency[Database], principal: NamedDependency[Principal]
    ) -> Endpoints:
        """The caller's endpoints, oldest first; there are never more than a few."""
        async with database.acquire() as connection:
            return Endpoints([_view(one) for one in await endpoints.of_seller(connection, principal.person_id)])

    @delete("/{endpoint_id:uuid}", status_code=204)
    async def remove(
        self,
        endpoint_id: FromPath[UUID],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
    ) -> None:
        """Nothing more goes there, not even what waits."""
        async with database.begin() as uow:
            await sellers.remove(uow, principal.person_id, endpoint_id)

    @post("/{endpoint_id:uuid}/enable", status_code=200)
    async def enable(
        self,
        endpoint_id: FromPath[UUID],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
    ) -> EndpointView:
        """Events go there again, from the next one on."""
        async with database.begin() as uow:
            return _view(await sellers.enable(uow, principal.person_id, endpoint_id))

    @post("/{endpoint_id:uuid}/rotate-secret", status_code=200)
    async def rotate_secret(
        self,
        endpoint_id: FromPath[UUID],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
    ) -> EndpointView:
        """Another secret, shown this once; for a day the last one signs beside it."""
        async with database.begin() as uow:
            return _view(*await sellers.rotate_secret(uow, principal.person_id, endpoint_id))

    @get("/{endpoint_id:uuid}/deliveries")
    async def list_deliveries(
        self,
        endpoint_id: FromPath[UUID],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX)] = None,
        limit: Annotated[int | None, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = None,
    ) -> Page[endpoints.Sent]:
        """What was sent there and what became of it, newest first."""
        size = page_size(limit)
        before = decode_cursor(cursor, ORDER, tuple[datetime, UUID]) if cursor else None
        async with database.acquire() as connection:
            if await endpoints.find(connection, principal.person_id, endpoint_id) is None:
                raise UnknownEndpoint("you have no such endpoint")
            rows = await endpoints.sent_to(connection, endpoint_id, before=before, rows_max=size + 1)
        return make_page(rows, size, order=ORDER, key=lambda row: (row.created_at, row.id))


def _view(endpoint: endpoints.Endpoint, secret: str | None = None) -> EndpointView:
    return EndpointView(
        id=endpoint.id,
        url=endpoint.url,
        events=endpoint.events,
        status=endpoint.status,
        failures=endpoint.failures,
        created_at=endpoint.created_at,
        secret=secret,
    )
