"""The staff's work with the shelves over HTTP: imports, transfers, counts, rules, alerts, and who serves whom."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from shared.database import Database
from shared.errors import Refusal
from shared.identity import requires_role
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from shared.validated import Country, Sku, in_path
from svc.inventory import store
from svc.inventory.api.stock import IMPORT_ITEMS_MAX, ReceiptCreate, Reference, Warehouse, delivery_of
from svc.inventory.domain import RECEIPT_QUANTITY_MAX
from svc.inventory.handlers import warehousing
from svc.inventory.store import warehousing as rows

RANK_MAX = 1_000_000
RANKS_MAX = 300
STAFF = ("admin", "service")

Units = Annotated[int, msgspec.Meta(ge=0, le=RECEIPT_QUANTITY_MAX)]
Rank = Annotated[int, msgspec.Meta(ge=0, le=RANK_MAX)]
Cursor = Annotated[str | None, QueryParameter(max_length=512, required=False)]


class Deliveries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: Annotated[list[ReceiptCreate], msgspec.Meta(min_length=1, max_length=IMPORT_ITEMS_MAX)]


class RowError(msgspec.Struct, frozen=True):
    """Why the `row`-th item, counted from 1, was not booked."""

    row: int
    code: str
    detail: str


class Outcome(msgspec.Struct, frozen=True):
    received: int
    known: int
    errors: list[RowError]


class TransferCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    reference: Reference
    sku: Sku
    quantity: int
    source: Warehouse
    target: Warehouse


class TakeCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    sku: Sku
    warehouse: Warehouse = store.DEFAULT_WAREHOUSE


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    counted: Units


class TakeView(msgspec.Struct, frozen=True, kw_only=True):
    """`variance` is counted less expected, None while nobody has counted."""

    id: UUID
    sku: str
    warehouse: str
    expected: int
    counted: int | None
    variance: int | None
    opened_at: datetime
    closed_at: datetime | None


class RulesPut(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`safety_stock` is never promised, `backorder_max` may be sold ahead, below `low_stock_at` an alert is raised."""

    warehouse: Warehouse = store.DEFAULT_WAREHOUSE
    safety_stock: Units = 0
    backorder_max: Units = 0
    low_stock_at: Units = 0


class WarehousePut(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The lowest serves first: for a country its rank, elsewhere the priority."""

    priority: Rank
    ranks: Annotated[dict[Country, Rank], msgspec.Meta(max_length=RANKS_MAX)] = {}


class ImportController(Controller):
    path = "/api/v1/stock/import"
    tags = ("stock",)
    guards = (requires_role(*STAFF),)

    @post("/", status_code=200)
    async def import_stock(self, data: JSONBody[Deliveries], database: NamedDependency[Database]) -> Outcome:
        """Book in what can be, and say of each other row why not; known references change nothing."""
        async with database.begin() as uow:
            answers = await warehousing.import_stock(uow, [delivery_of(item) for item in data.items])
        errors = [
            RowError(number, answer.code, answer.detail)
            for number, answer in enumerate(answers, start=1)
            if isinstance(answer, Refusal)
        ]
        return Outcome(answers.count(True), answers.count(False), errors)


class TakeController(Controller):
    path = "/api/v1/stock/takes"
    tags = ("stock",)
    guards = (requires_role(*STAFF),)

    @get("/")
    async def list_takes(
        self, database: NamedDependency[Database], cursor: Cursor = None, limit: PageLimit = None
    ) -> Page[TakeView]:
        """Counts in the order of their opening."""
        size = page_size(limit)
        after = decode_cursor(cursor, "takes", tuple[UUID])[0] if cursor else None
        async with database.acquire() as connection:
            found = await rows.takes(connection, after=after, rows_max=size + 1)
        page = make_page(found, size, order="takes", key=lambda take: (take.id,))
        return Page([_view(take) for take in page.items], page.next_cursor)

    @post("/")
    async def open_take(self, data: JSONBody[TakeCreate], database: NamedDependency[Database]) -> TakeView:
        """Begin to count a shelf as it is now; sales go on. 409 stock_take_open while another count of it is."""
        async with database.begin() as uow:
            return _view(await warehousing.open_take(uow, warehouse=data.warehouse, sku=data.sku))

    @post("/{take_id:uuid}/count", status_code=200)
    async def count(
        self, take_id: FromPath[UUID], data: JSONBody[Count], database: NamedDependency[Database]
    ) -> TakeView:
        """Book the variance, once; 409 stock_take_closed for another count, units_promised for fewer than are owed."""
        async with database.begin() as uow:
            return _view(await warehousing.count(uow, take_id, data.counted))

    @post("/{take_id:uuid}/cancel", status_code=200)
    async def give_up(self, take_id: FromPath[UUID], database: NamedDependency[Database]) -> TakeView:
        """Close a count without booking anything; 409 stock_take_closed when it was booked."""
        async with database.begin() as uow:
            return _view(await warehousing.give_up_take(uow, take_id))


class WarehouseController(Controller):
    path = "/api/v1/stock"
    tags = ("stock",)
    guards = (requires_role(*STAFF),)

    @post("/transfers")
    async def transfer(self, data: JSONBody[TransferCreate], database: NamedDependency[Database]) -> rows.Transfer:
        """Move free units to another warehouse, once per reference.

        409 insufficient_stock; 422 transfer_mismatch, transfer_to_itself, invalid_quantity; 404 unknown_sku,
        unknown_warehouse.
        """
        wish = rows.Transfer(**msgspec.structs.asdict(data))
        async with database.begin() as uow:
            await warehousing.transfer(uow, wish)
        return wish

    @put("/rules/{sku:str}", status_code=200)
    async def set_rules(
        self, sku: Annotated[str, in_path(Sku)], data: JSONBody[RulesPut], database: NamedDependency[Database]
    ) -> RulesPut:
        """What holds for a SKU at one warehouse; 409 units_promised when more was sold ahead already."""
        rules = rows.Rules(
            sku=sku,
            warehouse=data.warehouse,
            safety=data.safety_stock,
            backorder_max=data.backorder_max,
            low_at=data.low_stock_at,
        )
        async with database.begin() as uow:
            await warehousing.set_rules(uow, rules)
        return data

    @get("/low")
    async def list_low(
        self, database: NamedDependency[Database], cursor: Cursor = None, limit: PageLimit = None
    ) -> Page[rows.LowRow]:
        """Shelves with fewer free units than their alert."""
        size = page_size(limit)
        after = decode_cursor(cursor, "low", tuple[str, str]) if cursor else None
        async with database.acquire() as connection:
            found = await rows.low(connection, after=after, rows_max=size + 1)
        return make_page(found, size, order="low", key=lambda row: (row.sku, row.warehouse))

    @get("/warehouses")
    async def list_warehouses(
        self, database: NamedDependency[Database], cursor: Cursor = None, limit: PageLimit = None
    ) -> Page[rows.WarehousePolicy]:
        """The warehouses and whom each serves first."""
        size = page_size(limit)
        after = decode_cursor(cursor, "warehouses", tuple[str])[0] if cursor else None
        async with database.acquire() as connection:
            found = await rows.warehouses(connection, after=after, rows_max=size + 1)
        return make_page(found, size, order="warehouses", key=lambda row: (row.code,))

    @put("/warehouses/{code:str}", status_code=200)
    async def set_warehouse(
        self,
        code: Annotated[str, in_path(Warehouse)],
        data: JSONBody[WarehousePut],
        database: NamedDependency[Database],
    ) -> rows.WarehousePolicy:
        """Make a warehouse or change whom it serves first."""
        warehouse = rows.WarehousePolicy(code=code, priority=data.priority, ranks={**data.ranks})
        async with database.begin() as uow:
            await warehousing.arrange(uow, warehouse)
        return warehouse


def _view(take: rows.Take) -> TakeView:
    return TakeView(
        id=take.id,
        sku=take.sku,
        warehouse=take.warehouse,
        expected=take.expected,
        counted=take.counted,
        variance=None if take.counted is None else take.counted - take.expected,
        opened_at=take.opened_at,
        closed_at=take.closed_at,
    )
