"""Changing a cart. Prices are fetched before the transaction and kept as what the customer was shown."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import msgspec

from shared.unit_of_work import UnitOfWork
from svc.orders.clients import Variant
from svc.orders.domain.cart import (
    CartChanged,
    CartLine,
    ProductUnavailable,
    UnknownCartLine,
    check_limits,
)
from svc.orders.store import carts
from svc.orders.store.carts import StoredCart

Merge = Callable[[Sequence[CartLine], Sequence[CartLine]], list[CartLine]]


async def add_item(
    uow: UnitOfWork, customer_id: UUID, variant: Variant, *, quantity: int, guest: bool = False
) -> StoredCart:
    """Put more of something into the cart. Raises `ProductUnavailable`, `LineLimitExceeded`."""
    if not variant.for_sale:
        raise ProductUnavailable("this is not for sale", items=[{"sku": variant.sku}])
    cart = await _opened(uow, customer_id, guest=guest)
    lines = {line.sku: line for line in cart.lines}
    known = lines.get(variant.sku)
    line = _shown(CartLine(variant.sku, quantity + (known.quantity if known else 0)), variant)
    lines[variant.sku] = line
    check_limits(list(lines.values()))
    await carts.put_lines(uow.connection, customer_id, [line])
    return StoredCart(cart.version, tuple(lines.values()))


async def set_quantity(uow: UnitOfWork, customer_id: UUID, sku: str, *, quantity: int) -> StoredCart:
    """Change how many of a line are wanted. Raises `UnknownCartLine`, `LineLimitExceeded`."""
    cart = await _opened(uow, customer_id)
    lines = {line.sku: line for line in cart.lines}
    if sku not in lines:
        raise UnknownCartLine("there is no such line in the cart", sku=sku)
    lines[sku] = msgspec.structs.replace(lines[sku], quantity=quantity)
    check_limits(list(lines.values()))
    await carts.put_lines(uow.connection, customer_id, [lines[sku]])
    return StoredCart(cart.version, tuple(lines.values()))


async def remove_item(uow: UnitOfWork, customer_id: UUID, sku: str) -> StoredCart:
    """Take a line out. Raises `UnknownCartLine`."""
    cart = await _opened(uow, customer_id)
    if not await carts.remove_line(uow.connection, customer_id, sku):
        raise UnknownCartLine("there is no such line in the cart", sku=sku)
    return StoredCart(cart.version, tuple(line for line in cart.lines if line.sku != sku))


async def clear(uow: UnitOfWork, customer_id: UUID) -> StoredCart:
    """Take everything out."""
    cart = await _opened(uow, customer_id)
    await carts.clear(uow.connection, customer_id)
    return StoredCart(cart.version, ())


async def merge_cart(
    uow: UnitOfWork,
    customer_id: UUID,
    guest: Sequence[CartLine],
    *,
    variants: Mapping[str, Variant],
    merge: Merge,
) -> StoredCart:
    """Bring a guest's cart into the customer's at login; what is not for sale stays behind.

    Raises `LineLimitExceeded`. Invariant: one line per SKU, and merging the same cart again changes nothing.
    """
    cart = await _opened(uow, customer_id)
    wanted = [
        _shown(line, variants[line.sku]) for line in guest if line.sku in variants and variants[line.sku].for_sale
    ]
    lines = merge(cart.lines, wanted)
    await carts.put_lines(uow.connection, customer_id, lines)
    return StoredCart(cart.version, tuple(lines))


async def adopt_cart(
    uow: UnitOfWork,
    customer_id: UUID,
    guest_id: UUID,
    *,
    read: StoredCart,
    variants: Mapping[str, Variant],
    merge: Merge,
) -> StoredCart:
    """Merge a guest's cart as it was `read` and leave it empty, both or neither; of an empty one nothing comes.

    Raises `LineLimitExceeded`, `CartChanged` when the guest's cart is not what was read any more. The guest's cart is
    bought out of the guest's hands first, so that two customers with one token share nothing out.
    """
    if read.lines and not await carts.buy(uow.connection, guest_id, version=read.version):
        raise CartChanged("the cart changed while it was taken along; try again")
    return await merge_cart(uow, customer_id, read.lines, variants=variants, merge=merge)


async def show_prices(uow: UnitOfWork, customer_id: UUID, lines: Sequence[CartLine]) -> None:
    """Keep new prices as shown, without touching lines that were changed or removed meanwhile."""
    await carts.show_prices(uow.connection, customer_id, lines)


def refreshed(cart: StoredCart, variants: Mapping[str, Variant]) -> tuple[list[CartLine], list[CartLine]]:
    """All lines at today's prices, and those of them whose price or title is not what was shown before."""
    lines = [_shown(line, variants[line.sku]) if line.sku in variants else line for line in cart.lines]
    changed = [line for line, before in zip(lines, cart.lines, strict=True) if line != before]
    return lines, changed


def _shown(line: CartLine, variant: Variant) -> CartLine:
    return CartLine(line.sku, line.quantity, variant.title, variant.price_minor, variant.currency)


async def _opened(uow: UnitOfWork, customer_id: UUID, *, guest: bool = False) -> StoredCart:
    """The cart, locked, at its next version."""
    version = await carts.touch(uow.connection, customer_id, guest=guest)
    cart = await carts.load(uow.connection, customer_id)
    return StoredCart(version, cart.lines)
