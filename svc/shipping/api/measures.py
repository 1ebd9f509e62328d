"""How heavy and large goods are, told by the staff; and whether an address is one."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from shared.database import Database
from shared.identity import requires_role
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from shared.validated import Country, Sku, in_path, line
from svc.shipping.domain.addresses import POSTAL_CODE_CHARACTERS_MAX, PostalAddress
from svc.shipping.handlers import quoting
from svc.shipping.store import packing

WEIGHT_G_MAX = 1_000_000
SIDE_MM_MAX = 10_000

WeightG = Annotated[int, msgspec.Meta(ge=1, le=WEIGHT_G_MAX)]
SideMm = Annotated[int, msgspec.Meta(ge=1, le=SIDE_MM_MAX)]
Text = Annotated[str, line(200)]


class MeasuresPut(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of one piece, packed for sale."""

    weight_g: WeightG
    length_mm: SideMm
    width_mm: SideMm
    height_mm: SideMm


class MeasuresView(MeasuresPut, frozen=True, kw_only=True):
    sku: str
    updated_at: datetime


class AddressCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is missing is told by name, so that every text may be empty here."""

    name: Annotated[str, msgspec.Meta(max_length=200)]
    line1: Annotated[str, msgspec.Meta(max_length=200)]
    city: Annotated[str, msgspec.Meta(max_length=200)]
    postal_code: Annotated[str, msgspec.Meta(max_length=POSTAL_CODE_CHARACTERS_MAX)]
    country: Country


class MeasuresController(Controller):
    path = "/api/v1/shipping/measures"
    tags = ("shipping",)
    guards = (requires_role("admin", "service"),)

    @get("/")
    async def list_measures(
        self,
        database: NamedDependency[Database],
        cursor: Annotated[str | None, QueryParameter(max_length=512, required=False)] = None,
        limit: PageLimit = None,
    ) -> Page[MeasuresView]:
        """What was measured, by SKU; everything else counts as an ordinary item."""
        size = page_size(limit)
        after = decode_cursor(cursor, "measures", tuple[str])[0] if cursor else None
        async with database.acquire() as connection:
            rows = await packing.measures(connection, after=after, rows_max=size + 1)
        page = make_page(rows, size, order="measures", key=lambda row: (row.sku,))
        return Page([_view(row) for row in page.items], page.next_cursor)

    @put("/{sku:str}", status_code=200)
    async def measure(
        self, sku: Annotated[str, in_path(Sku)], data: JSONBody[MeasuresPut], database: NamedDependency[Database]
    ) -> MeasuresView:
        """Say how heavy and large one piece is; what is packed from now on goes by it."""
        async with database.begin() as uow:
            row = await quoting.measure(uow, sku, (data.weight_g, data.length_mm, data.width_mm, data.height_mm))
        return _view(row)


class AddressController(Controller):
    path = "/api/v1/shipping/addresses"
    tags = ("shipping",)

    @post("/check", opt={"public": True}, status_code=200)
    async def check(self, data: JSONBody[AddressCheck], database: NamedDependency[Database]) -> PostalAddress:
        """The address as its country's post writes it; 422 invalid_address names the `field` that is wrong."""
        address = PostalAddress(**msgspec.structs.asdict(data))
        async with database.acquire() as connection:
            return await quoting.checked_address(connection, address)


def _view(row: packing.Measures) -> MeasuresView:
    return MeasuresView(**msgspec.structs.asdict(row))
