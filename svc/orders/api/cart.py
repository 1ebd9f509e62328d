"""The customer's cart."""

from collections.abc import Sequence

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from shared.card_data import refuse_card_data
from shared.database import Database
from shared.errors import Refusal, WorldError
from shared.identity import Principal
from svc.orders.api.access import guest_of
from svc.orders.api.wire import CartMerge, Item, QuantityChange, customer_of
from svc.orders.clients import Catalog, Variant
from svc.orders.domain.cart import CartLine, ProductUnavailable, UnknownCartLine
from svc.orders.domain.guest import GUEST
from svc.orders.handlers import carts
from svc.orders.handlers.reading import CartReader
from svc.orders.parts import Parts
from svc.orders.settings import Settings
from svc.orders.store import carts as store
from svc.orders.store.carts import StoredCart
from svc.orders.views import Cart, cart_line_view, cart_subtotal

SKU_LENGTH_MAX = 64


class InvalidMerge(Refusal):
    """A guest's cart and loose goods at once, or neither."""

    code = "invalid_merge"


class CartController(Controller):
    path = "/api/v1/cart"
    tags = ("cart",)
    before_request = refuse_card_data

    @get("/")
    async def show(
        self,
        principal: NamedDependency[Principal],
        database: NamedDependency[Database],
        cart_reader: NamedDependency[CartReader],
        catalog: NamedDependency[SkipValidation[Catalog]],
    ) -> Cart:
        """The cart at today's prices; a changed one is shown beside the price seen last. What is not for sale any more
        is marked, and no part of the subtotal.

        While the catalog is away the prices seen last are repeated, and the answer says so.
        """
        customer_id = customer_of(principal)
        cart = await cart_reader.load(customer_id)
        if not cart.lines:
            return Cart(cart.version, [])
        try:
            variants = await catalog.variants([line.sku for line in cart.lines])
        except WorldError:
            return _cart(cart, prices_current=False)
        lines, changed = carts.refreshed(cart, variants)
        if changed:
            async with database.begin() as uow:
                await carts.show_prices(uow, customer_id, changed)
        shown = {line.sku: line.shown_price_minor for line in cart.lines}
        views = [
            cart_line_view(
                line,
                previous_minor=shown[line.sku] if line.shown_price_minor != shown[line.sku] else None,
                available=line.sku in variants and variants[line.sku].for_sale,
            )
            for line in lines
        ]
        buyable = [line for line, view in zip(lines, views, strict=True) if view.available]
        return Cart(cart.version, views, cart_subtotal(buyable))

    @post("/items")
    async def add(
        self,
        principal: NamedDependency[Principal],
        data: JSONBody[Item],
        database: NamedDependency[Database],
        catalog: NamedDependency[SkipValidation[Catalog]],
    ) -> Cart:
        """Put more of something into the cart."""
        customer_id = customer_of(principal)
        variants = await catalog.variants([data.sku])
        if data.sku not in variants:
            raise ProductUnavailable("there is no such product", items=[{"sku": data.sku}])
        async with database.begin() as uow:
            return _cart(
                await carts.add_item(
                    uow, customer_id, variants[data.sku], quantity=data.quantity, guest=principal.kind == GUEST
                )
            )

    @patch("/items/{sku:str}")
    async def change(
        self,
        principal: NamedDependency[Principal],
        sku: FromPath[str],
        data: JSONBody[QuantityChange],
        database: NamedDependency[Database],
    ) -> Cart:
        """Change how many of a line are wanted."""
        async with database.begin() as uow:
            return _cart(await carts.set_quantity(uow, customer_of(principal), _known(sku), quantity=data.quantity))

    @delete("/items/{sku:str}", status_code=200)
    async def remove(
        self, principal: NamedDependency[Principal], sku: FromPath[str], database: NamedDependency[Database]
    ) -> Cart:
        """Take a line out."""
        async with database.begin() as uow:
            return _cart(await carts.remove_item(uow, customer_of(principal), _known(sku)))

    @delete("/", status_code=200)
    async def clear(self, principal: NamedDependency[Principal], database: NamedDependency[Database]) -> Cart:
        """Take everything out."""
        async with database.begin() as uow:
            return _cart(await carts.clear(uow, customer_of(principal)))


class MergeController(Controller):
    path = "/api/v1/cart"
    tags = ("cart",)
    before_request = refuse_card_data

    @post("/merge", status_code=200)
    async def merge(
        self,
        principal: NamedDependency[Principal],
        data: JSONBody[CartMerge],
        database: NamedDependency[Database],
        catalog: NamedDependency[SkipValidation[Catalog]],
        parts: NamedDependency[SkipValidation[Parts]],
        config: NamedDependency[Settings],
    ) -> Cart:
        """Bring the goods of a guest's cart along at login; repeating it changes nothing."""
        customer_id = customer_of(principal)
        if (data.guest_token is None) == (data.items is None):
            raise InvalidMerge("give either guest_token or items")
        if data.guest_token is not None:
            guest_id = guest_of(config, data.guest_token)
            async with database.acquire() as connection:
                left = await store.load(connection, guest_id)
            variants = await _variants(catalog, left.lines)
            async with database.begin() as uow:
                return _cart(
                    await carts.adopt_cart(
                        uow, customer_id, guest_id, read=left, variants=variants, merge=parts.merge_lines
                    )
                )
        lines = [CartLine(item.sku, item.quantity) for item in data.items or ()]
        variants = await _variants(catalog, lines)
        async with database.begin() as uow:
            return _cart(await carts.merge_cart(uow, customer_id, lines, variants=variants, merge=parts.merge_lines))


async def _variants(catalog: Catalog, lines: Sequence[CartLine]) -> dict[str, Variant]:
    return await catalog.variants(sorted({line.sku for line in lines})) if lines else {}


def _known(sku: str) -> str:
    """A path may hold anything; what cannot be a SKU is not in the cart."""
    if len(sku) > SKU_LENGTH_MAX or not sku.isprintable():
        raise UnknownCartLine("there is no such line in the cart")
    return sku


def _cart(cart: StoredCart, *, prices_current: bool = True) -> Cart:
    return Cart(cart.version, [cart_line_view(line) for line in cart.lines], cart_subtotal(cart.lines), prices_current)
