"""Reads of the hot routes by asyncpg: a fixed number of statements whatever the size of the page."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from shared.unit_of_work import Connection
from svc.catalog.domain import Medium, Product, Variant

_STANDING_IN = """(
    SELECT w.price_minor FROM price_windows w
    WHERE w.sku = {0}.sku AND w.currency = {0}.currency AND w.valid @> statement_timestamp()
)"""
"""The price that holds for a while, by the clock of the database: no cache and no job decides what is charged."""
_PRODUCTS = """
    SELECT id, slug, title, description, category, status, tax_class, approved, seller_id, version,
        attributes::text AS attributes, media::text AS media, related, (
        SELECT coalesce(json_agg(json_build_object(
                   'sku', sku, 'options', options,
                   'prices', jsonb_build_array(jsonb_build_array(currency, coalesce(STANDING_IN_V, price_minor)))
                       || coalesce((
                           SELECT jsonb_agg(jsonb_build_array(currency, coalesce(STANDING_IN_P, price_minor))
                               ORDER BY currency)
                           FROM variant_prices p WHERE sku = v.sku), '[]'),
                   'available', (SELECT available FROM stock_seen s WHERE s.sku = v.sku)
               ) ORDER BY position, sku), '[]')::text
        FROM variants v WHERE product_id = page.id
    ) AS variants
    FROM (SELECT * FROM products WHERE {conditions} ORDER BY id LIMIT {rows_max}) page
""".replace("STANDING_IN_V", _STANDING_IN.format("v")).replace("STANDING_IN_P", _STANDING_IN.format("p"))
_PRICED = f"""
    SELECT v.sku, v.product_id, p.title, p.seller_id, p.tax_class,
           coalesce({_STANDING_IN.format("x")}, x.price_minor, {_STANDING_IN.format("v")}, v.price_minor)
               AS price_minor,
           coalesce(x.currency, v.currency) AS currency,
           CASE WHEN p.deleted_at IS NOT NULL THEN 'archived'
                WHEN p.status = 'active' AND NOT p.approved THEN 'draft' ELSE p.status END AS status
    FROM variants v JOIN products p ON p.id = v.product_id
    LEFT JOIN variant_prices x ON x.sku = v.sku AND x.currency = $2
    WHERE v.sku = ANY($1::text[]) ORDER BY v.sku
"""  # noqa: S608 constants
_CATEGORIES = """
    SELECT c.path, c.name, count(p.id) AS products
    FROM categories c LEFT JOIN products p ON p.category = c.path AND p.visible
    GROUP BY c.path ORDER BY c.path
"""

_variants_decoder = msgspec.json.Decoder(tuple[Variant, ...])
_attributes_decoder = msgspec.json.Decoder(dict[str, str])
_media_decoder = msgspec.json.Decoder(tuple[Medium, ...])


class ProductFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which products a list shows.

    `words` must all be in title or description; `category` takes the whole subtree; `after` is the id of the last one
    seen.
    """

    words: str | None = None
    category: str | None = None
    status: str | None = None
    ids: tuple[UUID, ...] | None = None
    skus: tuple[str, ...] | None = None
    seller_id: str | None = None
    visible_only: bool = True
    after: UUID | None = None


class Category(msgspec.Struct, frozen=True):
    """One node of the tree; `products` counts the visible ones right in it."""

    path: str
    name: str
    products: int


class PricedVariant(msgspec.Struct, frozen=True, kw_only=True):
    """What an order needs to know of a SKU."""

    sku: str
    product_id: UUID
    title: str
    price_minor: int
    currency: str
    status: str
    tax_class: str
    seller_id: str | None


async def list_products(connection: Connection, wanted: ProductFilter, *, rows_max: int) -> list[Product]:
    """Products by id; one statement."""
    conditions, values = _conditions(wanted)
    statement = _PRODUCTS.format(conditions=" AND ".join(conditions), rows_max=int(rows_max))
    return [_product(row) for row in await connection.fetch(statement, *values)]


async def product_by_id(connection: Connection, product_id: UUID) -> Product | None:
    """One product, visible or not; None when there is none."""
    return await _one(connection, "id = $1 AND deleted_at IS NULL", product_id)


async def product_by_slug(connection: Connection, slug: str) -> Product | None:
    """The same by its readable name."""
    return await _one(connection, "slug = $1 AND deleted_at IS NULL", slug)


async def variants_by_sku(connection: Connection, skus: Sequence[str], currency: str | None) -> list[PricedVariant]:
    """The known SKUs among those given, priced in `currency` where there is such a price; one statement."""
    rows = await connection.fetch(_PRICED, list(skus), currency)
    return [PricedVariant(**row) for row in rows]


async def categories(connection: Connection) -> list[Category]:
    """The whole tree in the order of its paths; one statement."""
    return [Category(**row) for row in await connection.fetch(_CATEGORIES)]


async def existing_products(connection: Connection, ids: Sequence[UUID]) -> list[UUID]:
    """Those of the ids that are products."""
    rows = await connection.fetch(
        "SELECT id FROM products WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL", list(ids)
    )
    return [row["id"] for row in rows]


async def related_products(connection: Connection, product: Product) -> list[Product]:
    """The related products that customers see, in the order their editor gave; one statement."""
    wanted = ProductFilter(ids=product.related)
    found = {one.id: one for one in await list_products(connection, wanted, rows_max=max(1, len(product.related)))}
    return [found[product_id] for product_id in product.related if product_id in found]


async def _one(connection: Connection, condition: str, key: object) -> Product | None:
    row = await connection.fetchrow(_PRODUCTS.format(conditions=condition, rows_max=1), key)
    return None if row is None else _product(row)


def _product(row: asyncpg.Record) -> Product:
    fields = dict(row)
    fields["variants"] = _variants_decoder.decode(fields["variants"])
    fields["attributes"] = _attributes_decoder.decode(fields["attributes"])
    fields["media"] = _media_decoder.decode(fields["media"])
    fields["related"] = tuple(fields["related"])
    return Product(**fields)


def _conditions(wanted: ProductFilter) -> tuple[list[str], list[object]]:
    """Fixed fragments and their values; nothing a caller sent ever becomes SQL text."""
    conditions = ["visible" if wanted.visible_only else "deleted_at IS NULL"]
    values: list[object] = []

    def bind(fragment: str, value: object) -> None:
        values.append(value)
        conditions.append(fragment.replace("?", f"${len(values)}"))

    if wanted.words is not None:
        bind("words @@ plainto_tsquery('english', ?)", wanted.words)
    if wanted.category is not None:
        # '0' is the character after '/', so the range is exactly the subtree
        bind("(category = ? OR (category > ? || '/' AND category < ? || '0'))", wanted.category)
    if wanted.status is not None:
        bind("status = ?", wanted.status)
    if wanted.seller_id is not None:
        bind("seller_id = ?", wanted.seller_id)
    if wanted.ids is not None:
        bind("id = ANY(?::uuid[])", list(wanted.ids))
    if wanted.skus is not None:
        bind("id IN (SELECT product_id FROM variants WHERE sku = ANY(?::text[]))", list(wanted.skus))
    if wanted.after is not None:
        bind("id > ?", wanted.after)
    return conditions, values
