"""What may lie in a cart."""

from collections.abc import Sequence

import msgspec

from shared.errors import Kind, Refusal

LINES_MAX = 50
LINE_QUANTITY_MAX = 100


class EmptyCart(Refusal):
    code = "empty_cart"
    kind = Kind.UNPROCESSABLE


class CartChanged(Refusal):
    """The cart is not what was priced any more: it was edited or bought meanwhile."""

    code = "cart_changed"
    kind = Kind.CONFLICT


class LineLimitExceeded(Refusal):
    code = "line_limit_exceeded"
    kind = Kind.UNPROCESSABLE


class UnknownCartLine(Refusal):
    code = "unknown_cart_line"
    kind = Kind.NOT_FOUND


class ProductUnavailable(Refusal):
    """Some goods are gone or not for sale; `items` names them, `changed` those that cost something else by now."""

    code = "product_unavailable"
    kind = Kind.CONFLICT


class PriceChanged(Refusal):
    """Some prices differ from what the cart showed; `items` holds both."""

    code = "price_changed"
    kind = Kind.CONFLICT


class CartLine(msgspec.Struct, frozen=True):
    """A wish for goods. `shown_price_minor` is the price the customer saw last, if any."""

    sku: str
    quantity: int
    title: str = ""
    shown_price_minor: int | None = None
    currency: str | None = None


def merge_lines(own: Sequence[CartLine], other: Sequence[CartLine]) -> list[CartLine]:
    """One line per SKU; where both sides have it the greater quantity wins, so that a repeat changes nothing.

    Raises `LineLimitExceeded`.
    """
    lines = {line.sku: line for line in own}
    for line in other:
        known = lines.get(line.sku)
        if known is None or known.quantity < line.quantity:
            lines[line.sku] = line
    return check_limits(list(lines.values()))


def sum_lines(lines: Sequence[CartLine]) -> list[CartLine]:
    """One line per SKU with the summed quantity, sorted by SKU. Raises `LineLimitExceeded`."""
    sums: dict[str, CartLine] = {}
    for line in lines:
        known = sums.get(line.sku)
        quantity = line.quantity + (known.quantity if known else 0)
        sums[line.sku] = msgspec.structs.replace(line, quantity=quantity)
    return check_limits([sums[sku] for sku in sorted(sums)])


def check_limits(lines: list[CartLine]) -> list[CartLine]:
    """The lines themselves. Raises `LineLimitExceeded`."""
    if len(lines) > LINES_MAX:
        raise LineLimitExceeded(f"at most {LINES_MAX} different goods", lines_max=LINES_MAX)
    for line in lines:
        if line.quantity > LINE_QUANTITY_MAX:
            raise LineLimitExceeded(
                f"at most {LINE_QUANTITY_MAX} of {line.sku}", sku=line.sku, quantity_max=LINE_QUANTITY_MAX
            )
    return lines
