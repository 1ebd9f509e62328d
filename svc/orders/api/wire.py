"""What clients may send, bounded and strict, and who they are."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from shared.currencies import Currency
from shared.errors import Forbidden
from shared.identity import Principal
from shared.validated import Country, Email, Sku, Token, line, matching
from svc.orders.domain.cart import LINE_QUANTITY_MAX, LINES_MAX

Quantity = Annotated[int, msgspec.Meta(ge=1, le=LINE_QUANTITY_MAX)]
Text = Annotated[str, line(200)]
City = Annotated[str, line(100)]
PostalCode = Annotated[str, line(20)]
CouponCode = Annotated[str, matching(r"[A-Za-z0-9_-]+", 40)]
ShippingMethod = Literal["standard", "express"]
PaymentToken = Annotated[str, matching(r"tok_[a-z0-9_]{1,60}", 64)]
Reason = Annotated[str, line(120)]


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku: Sku
    quantity: Quantity


class AddressCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Text
    line1: Text
    city: City
    postal_code: PostalCode
    country: Country


class OrderCreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without `items` the cart is bought. Payment methods are tokens; a card number is refused.

    `quote_id` is that of a preview in another currency: the order is in it, at the rate that was shown.
    `shipping_quote_id` is that of a preview with a postal code: shipping costs what was shown.
    """

    payment_method: PaymentToken
    shipping_address: AddressCreate
    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=LINES_MAX)] | None = None
    shipping_method: ShippingMethod = "standard"
    coupon: CouponCode | None = None
    quote_id: UUID | None = None
    shipping_quote_id: UUID | None = None


class GuestOrderCreate(OrderCreate, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An order of somebody without an account, who says where the mails go."""

    email: Email


class OrderPreview(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without `items` the cart is looked at, without `currency` in that of its prices.

    With `postal_code` the cost of shipping is quoted for one order (`shipping_quote`).
    """

    country: Country
    postal_code: PostalCode | None = None
    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=LINES_MAX)] | None = None
    shipping_method: ShippingMethod = "standard"
    coupon: CouponCode | None = None
    currency: Currency | None = None


class OrderCancel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason = "customer_request"


class QuantityChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    quantity: Quantity


class CartMerge(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The guest's cart by its token, which empties it, or goods that were only kept by the client."""

    guest_token: Token | None = None
    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=LINES_MAX)] | None = None


def customer_of(principal: Principal) -> UUID:
    """The customer's id; carts and orders belong to people. Raises `Forbidden` for services and operators."""
    try:
        return UUID(principal.subject)
    except ValueError as error:
        raise Forbidden("only customers have carts and place orders") from error
