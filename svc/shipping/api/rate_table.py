"""The rate table for the staff: listed by page, changed only from the version that was read."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from shared.currencies import Currency
from shared.database import Database
from shared.identity import requires_role
from shared.if_match import IfMatch, etag, expected_version
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from shared.validated import in_query, line
from svc.shipping.handlers import rates
from svc.shipping.handlers.rates import RateEdit, RateWish
from svc.shipping.store.rates import RateRow

AMOUNT_MINOR_MAX = 10**9
WEIGHT_G_MAX = 70_000
DAYS_MAX = 90
DEFAULT_CARRIER = "parcelpost"

AmountMinor = Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MINOR_MAX)]
Zone = Annotated[str, line(40)]
Carrier = Annotated[str, line(40)]
Days = Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)]


class RateCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Amounts are minor units of `currency`."""

    zone: Zone
    method: Literal["standard", "express"]
    currency: Currency
    weight_g_max: Annotated[int, msgspec.Meta(ge=1, le=WEIGHT_G_MAX)]
    amount_minor: AmountMinor
    days_max: Days
    free_from_minor: Annotated[int, msgspec.Meta(ge=1, le=AMOUNT_MINOR_MAX)] | None = None
    carrier: Carrier = DEFAULT_CARRIER


class RatePatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays; `free_from_minor` 0 ends the free-shipping rule."""

    amount_minor: AmountMinor | None = None
    free_from_minor: AmountMinor | None = None
    days_max: Days | None = None


class RateView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    zone: str
    method: str
    currency: str
    weight_g_max: int
    amount_minor: int
    free_from_minor: int | None
    days_max: int
    carrier: str
    version: int


class RateTableController(Controller):
    path = "/api/v1/shipping/rate-table"
    tags = ("shipping",)
    guards = (requires_role("admin"),)

    @get("/")
    async def list_rates(
        self,
        database: NamedDependency[Database],
        zone: Annotated[str | None, in_query(Zone, required=False)] = None,
        currency: Annotated[Currency | None, QueryParameter(required=False)] = None,
        cursor: Annotated[str | None, QueryParameter(max_length=512, required=False)] = None,
        limit: PageLimit = None,
    ) -> Page[RateView]:
        """The rows of the rate table."""
        size = page_size(limit)
        after = decode_cursor(cursor, "rates", tuple[UUID])[0] if cursor else None
        async with database.begin_orm() as uow:
            rows = await rates.list_rates(uow, zone=zone, currency=currency, after=after, rows_max=size + 1)
        page = make_page(rows, size, order="rates", key=lambda row: (row.id,))
        return Page([_view(row) for row in page.items], page.next_cursor)

    @post("/")
    async def create_rate(self, data: JSONBody[RateCreate], database: NamedDependency[Database]) -> Response[RateView]:
        """A new row."""
        wish = RateWish(**msgspec.structs.asdict(data))
        async with database.begin_orm() as uow:
            row = await rates.create_rate(uow, wish)
        return _answer(row, status=201)

    @patch("/{rate_id:uuid}")
    async def edit_rate(
        self,
        rate_id: FromPath[UUID],
        data: JSONBody[RatePatch],
        database: NamedDependency[Database],
        if_match: IfMatch = None,
    ) -> Response[RateView]:
        """Change figures of a row; `If-Match` names the version that was read."""
        version = expected_version(if_match)
        edit = RateEdit(**msgspec.structs.asdict(data))
        async with database.begin_orm() as uow:
            row = await rates.edit_rate(uow, rate_id, edit, version=version)
        return _answer(row, status=200)

    @delete("/{rate_id:uuid}", status_code=204)
    async def delete_rate(
        self, rate_id: FromPath[UUID], database: NamedDependency[Database], if_match: IfMatch = None
    ) -> None:
        """Take a row out; `If-Match` names the version that was read."""
        version = expected_version(if_match)
        async with database.begin_orm() as uow:
            await rates.delete_rate(uow, rate_id, version=version)


def _answer(row: RateRow, *, status: int) -> Response[RateView]:
    return Response(_view(row), status_code=status, headers={"ETag": etag(row.version)})


def _view(row: RateRow) -> RateView:
    return RateView(
        id=row.id,
        zone=row.zone,
        method=row.method,
        currency=row.currency,
        weight_g_max=row.weight_g_max,
        amount_minor=row.amount_minor,
        free_from_minor=row.free_from_minor,
        days_max=row.days_max,
        carrier=row.carrier,
        version=row.version,
    )
