"""Parcels for their owners, and the carrier's word about them."""

import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter, SkipValidation

from shared import webhook_signatures
from shared.database import Database
from shared.identity import Principal
from shared.pagination import Page, PageLimit, decode_cursor, make_page, page_size
from shared.validated import Sku, line
from svc.shipping.api.measures import AddressCheck
from svc.shipping.domain.addresses import PostalAddress
from svc.shipping.domain.parcels import Direction, UnknownShipment
from svc.shipping.domain.returns import Content
from svc.shipping.handlers import orders, returns
from svc.shipping.handlers.quoting import merged
from svc.shipping.handlers.returns import ReturnWish
from svc.shipping.parts import Parts
from svc.shipping.settings import Settings
from svc.shipping.store import shipments
from svc.shipping.store.shipments import Shipment, Transition

STAFF = ("admin", "support", "service")
WEBHOOK_BYTES_MAX = 64 * 1024
RETURN_LINES_MAX = 50
RETURN_QUANTITY_MAX = 10_000

Wake = Callable[[], None]


class ShipmentView(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel; `history` only where one parcel is shown, `label_url` only of one that the customer sends back."""

    id: UUID
    order_id: UUID
    status: str
    carrier: str
    tracking_number: str | None
    method: str
    weight_g: int
    direction: str
    warehouse: str
    box: str | None
    contents: list[Content]
    promised_for: date | None
    return_of: UUID | None
    label_url: str | None = None
    created_at: datetime
    updated_at: datetime
    history: list[Transition] = []


class ReturnLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku: Sku
    quantity: Annotated[int, msgspec.Meta(ge=1, le=RETURN_QUANTITY_MAX)]


class ReturnCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`id` is the sender's choice: the same again is the same return."""

    id: UUID
    lines: Annotated[list[ReturnLine], msgspec.Meta(min_length=1, max_length=RETURN_LINES_MAX)]
    reason: Annotated[str, line(200)]


class Received(msgspec.Struct, frozen=True):
    received: bool
    fresh: bool


class ShipmentController(Controller):
    path = "/api/v1/shipments"
    tags = ("shipping",)

    @get("/")
    async def list_shipments(
        self,
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        order_id: FromQuery[UUID | None] = None,
        cursor: Annotated[str | None, QueryParameter(max_length=512, required=False)] = None,
        limit: PageLimit = None,
    ) -> Page[ShipmentView]:
        """One's own parcels, or those of one order; staff see everyone's."""
        size = page_size(limit)
        after = decode_cursor(cursor, "shipments", tuple[UUID])[0] if cursor else None
        async with database.acquire() as connection:
            rows = await shipments.page(
                connection, customer_id=principal.sees_of(*STAFF), order_id=order_id, after=after, rows_max=size + 1
            )
        page = make_page(rows, size, order="shipments", key=lambda row: (row.id,))
        return Page([_view(row) for row in page.items], page.next_cursor)

    @get("/{shipment_id:uuid}")
    async def show_shipment(
        self, shipment_id: FromPath[UUID], principal: NamedDependency[Principal], database: NamedDependency[Database]
    ) -> ShipmentView:
        """A parcel and where it has been."""
        async with database.acquire() as connection:
            shipment = await shipments.of_id(connection, shipment_id)
            if shipment is None or principal.sees_of(*STAFF) not in {None, shipment.customer_id}:
                raise UnknownShipment("there is no such shipment")
            history = await shipments.history(connection, shipment_id)
        return _view(shipment, history)

    @put("/{shipment_id:uuid}/address", status_code=200)
    async def redirect(
        self,
        shipment_id: FromPath[UUID],
        data: JSONBody[AddressCheck],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
    ) -> ShipmentView:
        """Send all parcels of the order elsewhere in its country, while no label was asked for.

        409 address_fixed after that; 422 invalid_address with the field.
        """
        async with database.begin() as uow:
            return _view(
                await orders.redirect(
                    uow,
                    shipment_id,
                    PostalAddress(**msgspec.structs.asdict(data)),
                    customer_id=principal.sees_of(*STAFF),
                )
            )

    @post("/{shipment_id:uuid}/returns", status_code=201)
    async def open_return(
        self,
        shipment_id: FromPath[UUID],
        data: JSONBody[ReturnCreate],
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        wake_parcels: NamedDependency[SkipValidation[Wake]],
    ) -> ShipmentView:
        """Goods of a delivered parcel go back; the label comes in a moment (`label_url` of the return).

        409 not_returnable, return_window_over; 422 return_exceeds_shipment, return_mismatch.
        """
        contents = tuple(
            Content(sku, quantity) for sku, quantity in merged([(one.sku, one.quantity) for one in data.lines])
        )
        async with database.begin() as uow:
            opened = await returns.open_return(
                uow,
                shipment_id,
                ReturnWish(id=data.id, lines=contents, reason=data.reason),
                customer_id=principal.sees_of(*STAFF),
                window_s=config.return_window_s,
            )
            uow.after_commit(wake_parcels)
        return _view(opened)


class WebhookController(Controller):
    path = "/api/v1/webhooks/carrier"
    tags = ("webhooks",)

    @post("/", opt={"public": True}, status_code=200, request_max_body_size=WEBHOOK_BYTES_MAX)
    async def receive(
        self,
        request: Request[Any, Any, Any],
        database: NamedDependency[Database],
        config: NamedDependency[Settings],
        parts: NamedDependency[SkipValidation[Parts]],
        wake_webhooks: NamedDependency[SkipValidation[Wake]],
    ) -> Received:
        """Store a signed event of the carrier; it is applied right after. Copies change nothing."""
        body = await request.body()
        webhook_signatures.verify(
            request.headers.get(webhook_signatures.HEADER), body, secrets=config.webhook_secrets, now_s=time.time()
        )
        async with database.begin() as uow:
            fresh = await parts.record_webhook(uow, body)
            if fresh:
                uow.after_commit(wake_webhooks)
        return Received(received=True, fresh=fresh)


def _view(shipment: Shipment, history: list[Transition] | None = None) -> ShipmentView:
    return ShipmentView(
        id=shipment.id,
        order_id=shipment.order_id,
        status=shipment.status.value,
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        method=shipment.method,
        weight_g=shipment.weight_g,
        direction=shipment.direction.value,
        warehouse=shipment.warehouse,
        box=shipment.box,
        contents=list(shipment.lines),
        promised_for=shipment.promised_for,
        return_of=shipment.return_of,
        label_url=shipment.label_url if shipment.direction is Direction.RETURN else None,
        created_at=shipment.created_at,
        updated_at=shipment.updated_at,
        history=history or [],
    )
