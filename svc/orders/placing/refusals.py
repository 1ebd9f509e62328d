"""What a buyer is told once his goods were priced and he gets nothing after all."""

from shared.errors import Kind, Refusal, RemoteRefusal
from svc.orders.domain.cart import ProductUnavailable


class CouponExhausted(Refusal):
    """The coupon was used as often as it may be, in all or by this customer."""

    code = "coupon_exhausted"
    kind = Kind.CONFLICT


class QuoteUsed(Refusal):
    """Another order was placed at this quote; ask what it would cost once more."""

    code = "quote_used"
    kind = Kind.CONFLICT


class ShippingQuoteUsed(Refusal):
    """Another order was placed at this shipping quote; ask for another."""

    code = "shipping_quote_used"
    kind = Kind.CONFLICT


class RefusedEarlier(Refusal):
    """The key named an order that was refused, so long ago that its answer is forgotten."""

    code = "order_refused_earlier"
    kind = Kind.CONFLICT


class StockRefused(Refusal):
    """Inventory's decision, passed on with its own code and members."""

    code = "stock_refused"
    kind = Kind.CONFLICT

    def __init__(self, refusal: RemoteRefusal) -> None:
        super().__init__(refusal.detail, **refusal.extra)
        self.code = refusal.code  # pyright: ignore[reportAttributeAccessIssue] a class per code would cost each buyer


def stock_refusal(refusal: RemoteRefusal) -> Refusal | None:
    """What the buyer is told of inventory's no; None when it was no decision about stock."""
    if refusal.code == "unknown_sku":
        return ProductUnavailable("some goods are not for sale any more", items=[{"sku": refusal.extra.get("sku")}])
    return StockRefused(refusal) if refusal.status == 409 else None
