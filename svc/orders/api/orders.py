"""Placing, reading and cancelling orders."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter, SkipValidation

from shared.card_data import refuse_card_data, refuse_card_token
from shared.database import Database
from shared.idempotency import Answer, checked_key, fingerprint
from shared.identity import Principal
from shared.pagination import CURSOR_LENGTH_MAX, Page, PageLimit, decode_cursor, make_page, page_size
from svc.orders.api.access import STAFF, visible
from svc.orders.api.wire import OrderCancel, OrderCreate, OrderPreview, customer_of
from svc.orders.cancelling import Cancelling
from svc.orders.domain.cart import CartLine
from svc.orders.domain.draft import Address
from svc.orders.domain.guest import GUEST
from svc.orders.domain.machines import OrderState
from svc.orders.handlers.lifecycle import Because
from svc.orders.handlers.reading import OrderHistory
from svc.orders.placing import Placement, PlaceOrder, PreviewOrder
from svc.orders.views import Order, Preview, order_view, preview_view

LIST = "orders:-placed_at,-id"
FIRST = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))
RETRY_AFTER_S = "1"
KEYED_HEADERS = (
    ResponseHeader(name="Idempotency-Replayed", description="true for a repeated answer", documentation_only=True),
)


class OrderController(Controller):
    path = "/api/v1/orders"
    tags = ("orders",)
    before_request = refuse_card_data

    @post(
        "/",
        responses={201: ResponseSpec(Order, description="the order; its stock is held")},
        response_headers=KEYED_HEADERS,
    )
    async def place(
        self,
        principal: NamedDependency[Principal],
        data: JSONBody[OrderCreate],
        placement: NamedDependency[SkipValidation[Placement]],
        idempotency_key: Annotated[str | None, HeaderParameter(name="Idempotency-Key", required=False)] = None,
    ) -> Response[bytes]:
        """Order the given goods, or the cart. Totals are computed here; a price in the body is refused."""
        return await place_order(placement, principal, data, email=principal.email or "", key=idempotency_key)

    @post("/preview", status_code=200)
    async def preview(
        self,
        principal: NamedDependency[Principal],
        data: JSONBody[OrderPreview],
        placement: NamedDependency[SkipValidation[Placement]],
    ) -> Preview:
        """What the given goods, or the cart, would cost now. In another currency it comes with a quote: an order that
        names it before it expires costs that much, whatever becomes of the rate. So does the cost of shipping where
        the postal code is told.
        """
        priced = await placement.preview(
            PreviewOrder(
                customer_id=customer_of(principal),
                guest=principal.kind == GUEST,
                items=tuple(CartLine(item.sku, item.quantity) for item in data.items or ()),
                country=data.country,
                postal_code=data.postal_code,
                shipping_method=data.shipping_method,
                coupon=data.coupon,
                currency=data.currency,
            )
        )
        return preview_view(priced)

    @get("/")
    async def list_own(
        self,
        principal: NamedDependency[Principal],
        history: NamedDependency[OrderHistory],
        cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_LENGTH_MAX, required=False)] = None,
        limit: PageLimit = None,
    ) -> Page[Order]:
        """The customer's own orders, newest first."""
        rows_max = page_size(limit)
        before = decode_cursor(cursor, LIST, tuple[datetime, UUID]) if cursor else FIRST
        rows = await history.page(customer_of(principal), before=before, rows_max=rows_max + 1)
        page = make_page(rows, rows_max, order=LIST, key=lambda row: (row.placed_at, row.id))
        return Page([order_view(row) for row in page.items], page.next_cursor)

    @get("/{order_id:uuid}")
    async def show(
        self, principal: NamedDependency[Principal], order_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> Order:
        """One order; somebody else's is as good as absent."""
        async with database.acquire() as connection:
            return order_view(await visible(connection, order_id, principal))

    @post(
        "/{order_id:uuid}/cancel",
        status_code=200,
        responses={202: ResponseSpec(Order, description="asked for; the goods are not known to be here yet")},
    )
    async def cancel(
        self,
        principal: NamedDependency[Principal],
        order_id: FromPath[UUID],
        cancelling: NamedDependency[Cancelling],
        data: JSONBody[OrderCancel | None] = None,
    ) -> Response[Order]:
        """Cancel before hand-over: once the goods are kept, stock is released and what was paid goes back.

        202 and the status `cancelling` when shipping has not answered yet. Repeating it changes nothing.
        """
        staff = principal.has_role(*STAFF)
        order = await cancelling.cancel(
            order_id,
            Because(f"{'staff' if staff else _kind(principal)}:{principal.subject}", (data or OrderCancel()).reason),
            customer_id=None if staff else customer_of(principal),
        )
        return Response(order_view(order), status_code=202 if order.state.order is OrderState.CANCELLING else 200)


async def place_order(
    placement: Placement, principal: Principal, data: OrderCreate, *, email: str, key: str | None
) -> Response[bytes]:
    """What `Placement.place` answers, or stored before.

    Raises what it raises, `IdempotencyKeyMissing` and `CardDataRefused`.
    """
    refuse_card_token(data.payment_method)
    placed = await placement.place(
        PlaceOrder(
            customer_id=customer_of(principal),
            guest=principal.kind == GUEST,
            email=email,
            key=checked_key(key),
            fingerprint=fingerprint(data),
            items=tuple(CartLine(item.sku, item.quantity) for item in data.items or ()),
            payment_method=data.payment_method,
            shipping_method=data.shipping_method,
            shipping_address=Address(
                name=data.shipping_address.name,
                line1=data.shipping_address.line1,
                city=data.shipping_address.city,
                postal_code=data.shipping_address.postal_code,
                country=data.shipping_address.country,
            ),
            coupon=data.coupon,
            quote_id=data.quote_id,
            shipping_quote_id=data.shipping_quote_id,
        )
    )
    return _response(placed.answer, replayed=placed.replayed)


def _kind(principal: Principal) -> str:
    return GUEST if principal.kind == GUEST else "customer"


def _response(answer: Answer, *, replayed: bool) -> Response[bytes]:
    headers = {"Cache-Control": "no-store"}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    if answer.status == 503:
        headers["Retry-After"] = RETRY_AFTER_S
    media_type = "application/json" if answer.status < 400 else "application/problem+json"
    return Response(answer.body, status_code=answer.status, media_type=media_type, headers=headers)
