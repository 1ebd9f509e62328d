"""Stock over HTTP: availability for everyone, receipts for staff, reservations for other services."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from shared.database import Database
from shared.errors import Refusal
from shared.identity import requires_role
from shared.validated import SKU_CHARACTERS_MAX, Country, Sku, line
from svc.inventory import handlers, store
from svc.inventory.batcher import ReservationBatcher
from svc.inventory.domain import (
    LINE_QUANTITY_MAX,
    LINES_MAX,
    Hold,
    HoldRequest,
    Line,
    checked_quantity,
    listed_skus,
    merged,
)
from svc.inventory.domain.warehousing import Delivery
from svc.inventory.handlers import warehousing
from svc.inventory.parts import Parts
from svc.inventory.settings import Settings

SKUS_CHARACTERS_MAX = 1_000 * (SKU_CHARACTERS_MAX + 1)
"""A list far too long is still counted, so that its refusal says why."""
IMPORT_ITEMS_MAX = 1_000
RELEASES_MAX = 10_000
HOLD_TTL_S_MAX = 3_600.0

Reference = Annotated[str, line(120)]
Warehouse = Annotated[str, line(40)]
Reason = Annotated[str, line(120)]


class ReservationLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku: Sku
    quantity: int


class ReservationCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    reservation_id: UUID
    customer_id: UUID
    lines: Annotated[list[ReservationLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    ttl_s: Annotated[float, msgspec.Meta(gt=0, le=HOLD_TTL_S_MAX)] | None = None
    destination: Country | None = None


class Reservation(msgspec.Struct, frozen=True):
    reservation_id: UUID
    status: str
    expires_at: datetime
    lines: list[ReservationLine]
    restocked: bool


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason


class ReceiptCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    sku: Sku
    quantity: int
    reference: Reference
    warehouse: Warehouse = store.DEFAULT_WAREHOUSE


class Receipt(msgspec.Struct, frozen=True):
    sku: str
    warehouse: str
    on_hand: int
    available: int


class ImportItem(ReceiptCreate, frozen=True, forbid_unknown_fields=True, kw_only=True):
    purchase_limit: Annotated[int, msgspec.Meta(ge=1)] | None = None


class StockImport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: Annotated[list[ImportItem], msgspec.Meta(min_length=1, max_length=IMPORT_ITEMS_MAX)]


class Imported(msgspec.Struct, frozen=True):
    received: int
    known: int


class StockReconcile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    sku: Sku
    release: Annotated[list[UUID], msgspec.Meta(max_length=RELEASES_MAX)]
    reason: Reason


class HoldExtension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ttl_s: Annotated[float, msgspec.Meta(gt=0, le=HOLD_TTL_S_MAX)]


class Availability(msgspec.Struct, frozen=True, omit_defaults=True):
    """`backorder`: more than that can be ordered ahead of its arrival; absent where it cannot."""

    sku: str
    available: int
    backorder: bool = False


class Availabilities(msgspec.Struct, frozen=True):
    items: list[Availability]


class StockController(Controller):
    path = "/api/v1/stock"
    tags = ("stock",)

    @get("/", opt={"public": True})
    async def list_stock(
        self,
        skus: Annotated[str, QueryParameter(min_length=1, max_length=SKUS_CHARACTERS_MAX)],
        database: NamedDependency[Database],
    ) -> Availabilities:
        """How many units of up to 100 SKUs (comma separated) can be bought now; unknown SKUs are left out.

        400 too_many_skus for a longer list.
        """
        wanted = listed_skus(skus)
        async with database.acquire() as connection:
            levels = await store.levels(connection, wanted)
        return Availabilities([Availability(sku, *levels[sku]) for sku in wanted if sku in levels])

    @post("/receipts", guards=[requires_role("admin", "service")])
    async def receive(self, data: JSONBody[ReceiptCreate], database: NamedDependency[Database]) -> Receipt:
        """Book goods in; repeating a receipt changes nothing and answers with the stock as it is by then.

        422 invalid_quantity; 422 receipt_mismatch for a reference that came with something else; 404 unknown_sku with
        Retry-After, because the catalog's word of a product made a moment ago may still be on its way.
        """
        async with database.begin() as uow:
            receipt = await handlers.receive_stock(
                uow, sku=data.sku, quantity=data.quantity, warehouse=data.warehouse, reference=data.reference
            )
        return Receipt(data.sku, data.warehouse, receipt.on_hand, receipt.available)


class InternalController(Controller):
    path = "/internal"
    tags = ("internal",)
    guards = (requires_role("service"),)

    @post("/reservations")
    async def hold(
        self,
        data: JSONBody[ReservationCreate],
        batcher: NamedDependency[ReservationBatcher],
        config: NamedDependency[Settings],
    ) -> Response[Reservation]:
        """Hold all lines or nothing; repeating the same id with the same lines gives the same hold.

        422 invalid_quantity, 422 reservation_mismatch.
        """
        held = await batcher.hold(
            HoldRequest(
                reservation_id=data.reservation_id,
                customer_id=data.customer_id,
                lines=merged(
                    [
                        Line(line.sku, checked_quantity(line.quantity, sku=line.sku, at_most=LINE_QUANTITY_MAX))
                        for line in data.lines
                    ]
                ),
                ttl_s=data.ttl_s or config.hold_ttl_s,
                destination=data.destination or "",
            )
        )
        return Response(_reservation(held), status_code=201)

    @get("/reservations/{reservation_id:uuid}")
    async def show(self, reservation_id: FromPath[UUID], database: NamedDependency[Database]) -> Reservation:
        """The reservation as it stands."""
        async with database.begin() as uow:
            return _reservation(await handlers.reservation(uow, reservation_id))

    @post("/reservations/{reservation_id:uuid}/pin", status_code=200)
    async def pin(self, reservation_id: FromPath[UUID], database: NamedDependency[Database]) -> Reservation:
        """Take the expiry off a live hold, and give the reservation as it stands; repeating it changes nothing."""
        async with database.begin() as uow:
            return _reservation(await handlers.pin(uow, reservation_id))

    @post("/reservations/{reservation_id:uuid}/extend", status_code=200)
    async def extend(
        self, reservation_id: FromPath[UUID], data: JSONBody[HoldExtension], database: NamedDependency[Database]
    ) -> Reservation:
        """Let a live hold last so long from now on, an hour in all at most; 409 reservation_ended when it is over."""
        async with database.begin() as uow:
            return _reservation(await handlers.extend(uow, reservation_id, ttl_s=data.ttl_s, life_s_max=HOLD_TTL_S_MAX))

    @post("/reservations/{reservation_id:uuid}/release", status_code=200)
    async def release(
        self,
        reservation_id: FromPath[UUID],
        data: JSONBody[Release],
        database: NamedDependency[Database],
        parts: NamedDependency[SkipValidation[Parts]],
    ) -> Reservation:
        """End a hold without a sale; repeating it changes nothing."""
        async with database.begin() as uow:
            return _reservation(await parts.release(uow, reservation_id, data.reason))

    @post("/stock/import", status_code=200)
    async def import_stock(self, data: JSONBody[StockImport], database: NamedDependency[Database]) -> Imported:
        """Book many goods in at once and set purchase limits: all or nothing; known references change nothing."""
        async with database.begin() as uow:
            answers = await warehousing.import_stock(uow, [delivery_of(item) for item in data.items])
            for answer in answers:
                if isinstance(answer, Refusal):
                    raise answer
            await warehousing.limit_purchases(
                uow, {item.sku: item.purchase_limit for item in data.items if item.purchase_limit is not None}
            )
        return Imported(answers.count(True), answers.count(False))

    @post("/stock/reconcile", status_code=200)
    async def reconcile(
        self, data: JSONBody[StockReconcile], database: NamedDependency[Database]
    ) -> handlers.Reconciled:
        """Repair one SKU: end the holds named, complete its movements, recount its stock. All or nothing."""
        async with database.begin() as uow:
            return await handlers.reconcile(uow, sku=data.sku, release=data.release, reason=data.reason)


def _reservation(hold: Hold) -> Reservation:
    return Reservation(
        hold.reservation_id,
        hold.status,
        hold.expires_at,
        [ReservationLine(line.sku, line.quantity) for line in hold.lines],
        hold.restocked,
    )


def delivery_of(receipt: ReceiptCreate) -> Delivery:
    """The receipt as the domain knows it."""
    return Delivery(
        sku=receipt.sku, quantity=receipt.quantity, reference=receipt.reference, warehouse=receipt.warehouse
    )
