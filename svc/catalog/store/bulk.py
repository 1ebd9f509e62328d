"""The import: many products by a handful of statements, whatever their number."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from shared.unit_of_work import Connection
from svc.catalog.domain import (
    Price,
    Product,
    ProductWish,
    SkuTaken,
    SlugTaken,
    Variant,
    ancestors,
    category_name,
    fingerprint,
    parent_of,
    price_changes,
    product_id_of,
)
from svc.catalog.store.reads import ProductFilter, list_products

IMPORT_LOCK = 7_262_001
"""Advisory lock: imports run one after another, so that none meets half of another's products."""

_ENSURE_CATEGORIES = """
    INSERT INTO categories (path, parent_path, name)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING
"""
_KNOWN = """
    SELECT slug, id, version, fingerprint, approved, seller_id, deleted_at IS NOT NULL AS deleted FROM products
    WHERE slug = ANY($1::text[]) ORDER BY id FOR UPDATE
"""
_UPSERT_PRODUCTS = """
    INSERT INTO products AS p
        (id, slug, title, description, category, status, tax_class, seller_id, approved, version, fingerprint,
         attributes, media)
    SELECT id, slug, title, description, category, status, tax_class, seller_id, approved, version, fingerprint,
        attributes::jsonb, media::jsonb
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::bigint[], $10::bytea[], $11::boolean[], $12::text[], $13::text[])
        AS new (id, slug, title, description, category, status, tax_class, seller_id, version, fingerprint, approved,
                attributes, media)
    ON CONFLICT (id) DO UPDATE SET
        title = excluded.title, description = excluded.description, category = excluded.category,
        status = excluded.status, tax_class = excluded.tax_class, seller_id = excluded.seller_id,
        approved = excluded.approved, attributes = excluded.attributes, media = excluded.media,
        version = excluded.version, fingerprint = excluded.fingerprint, deleted_at = NULL,
        updated_at = clock_timestamp()
"""
_DROP_VARIANTS = """
    DELETE FROM variants WHERE product_id = ANY($1::uuid[]) AND sku <> ALL($2::text[])
"""
_UPSERT_VARIANTS = """
    INSERT INTO variants AS v (sku, product_id, position, options, currency, price_minor)
    SELECT sku, product_id, position, options::jsonb, currency, price_minor
    FROM unnest($1::text[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::bigint[])
        AS new (sku, product_id, position, options, currency, price_minor)
    ON CONFLICT (sku) DO UPDATE SET position = excluded.position, options = excluded.options,
        currency = excluded.currency, price_minor = excluded.price_minor
        WHERE v.product_id = excluded.product_id
    RETURNING sku
"""
_DROP_PRICES = "DELETE FROM variant_prices WHERE sku = ANY($1::text[])"
_INSERT_PRICES = """
    INSERT INTO variant_prices (sku, currency, price_minor)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
"""


class Imported(msgspec.Struct, frozen=True):
    """One product that is new or changed. Its version already counts the event of its new prices before it."""

    product: Product
    price_changes: list[tuple[str, Price]]


class ImportOutcome(msgspec.Struct, frozen=True):
    created: list[Imported]
    updated: list[Imported]
    unchanged: int


async def import_products(
    connection: Connection, wishes: Sequence[ProductWish], *, seller_id: str | None = None
) -> ImportOutcome:
    """Make the products as wished; equal content changes nothing. Slugs and SKUs are unique among the wishes.

    With a `seller_id` they are that seller's: new ones wait for approval, others' are not touched. Raises `SlugTaken`
    then, and `SkuTaken` when a SKU belongs to a product that is not among them.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", IMPORT_LOCK)
    known = {row["slug"]: row for row in await connection.fetch(_KNOWN, [wish.slug for wish in wishes])}
    foreign = [slug for slug, row in known.items() if seller_id is not None and row["seller_id"] != seller_id]
    if foreign:
        raise SlugTaken("another product has this slug", slugs=foreign[:10])
    prints = {wish.slug: fingerprint(wish) for wish in wishes}
    changed = [
        wish
        for wish in wishes
        if wish.slug not in known or known[wish.slug]["deleted"] or known[wish.slug]["fingerprint"] != prints[wish.slug]
    ]
    if not changed:
        return ImportOutcome([], [], len(wishes))
    existing_ids = [known[wish.slug]["id"] for wish in changed if wish.slug in known]
    before = await _variants_of(connection, existing_ids)
    created: list[Imported] = []
    updated: list[Imported] = []
    for wish in changed:
        row = known.get(wish.slug)
        product_id = row["id"] if row else product_id_of(wish.slug)
        changes = price_changes(before.get(product_id, ()), wish.variants)
        version = (row["version"] if row else 0) + (2 if changes else 1)
        approved = seller_id is None or bool(row and row["approved"])
        product = _product(wish, product_id, version, approved=approved)
        (updated if row else created).append(Imported(product, changes))
    products = [imported.product for imported in (*created, *updated)]
    await _write(connection, products, prints)
    return ImportOutcome(created, updated, len(wishes) - len(changed))


async def _write(connection: Connection, products: Sequence[Product], prints: dict[str, bytes]) -> None:
    paths = sorted({path for product in products for path in ancestors(product.category)})
    await connection.execute(
        _ENSURE_CATEGORIES, paths, [parent_of(path) for path in paths], [category_name(path) for path in paths]
    )
    await connection.execute(
        _UPSERT_PRODUCTS,
        [product.id for product in products],
        [product.slug for product in products],
        [product.title for product in products],
        [product.description for product in products],
        [product.category for product in products],
        [product.status for product in products],
        [product.tax_class for product in products],
        [product.seller_id for product in products],
        [product.version for product in products],
        [prints[product.slug] for product in products],
        [product.approved for product in products],
        [_json(product.attributes) for product in products],
        [_json(product.media) for product in products],
    )
    variants = [
        (product.id, position, variant) for product in products for position, variant in enumerate(product.variants)
    ]
    skus = [variant.sku for _, _, variant in variants]
    await connection.execute(_DROP_VARIANTS, [product.id for product in products], skus)
    written = await connection.fetch(
        _UPSERT_VARIANTS,
        skus,
        [product_id for product_id, _, _ in variants],
        [position for _, position, _ in variants],
        [msgspec.json.encode(variant.options).decode() for _, _, variant in variants],
        [variant.prices[0].currency for _, _, variant in variants],
        [variant.prices[0].amount_minor for _, _, variant in variants],
    )
    if len(written) != len(skus):
        taken = sorted(set(skus) - {row["sku"] for row in written})
        raise SkuTaken(f"SKU {taken[0]} belongs to another product", skus=taken[:10])
    others = [(variant.sku, price) for _, _, variant in variants for price in variant.prices[1:]]
    await connection.execute(_DROP_PRICES, skus)
    if others:
        await connection.execute(
            _INSERT_PRICES,
            [sku for sku, _ in others],
            [price.currency for _, price in others],
            [price.amount_minor for _, price in others],
        )


async def _variants_of(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, tuple[Variant, ...]]:
    if not ids:
        return {}
    wanted = ProductFilter(ids=tuple(ids), visible_only=False)
    return {product.id: product.variants for product in await list_products(connection, wanted, rows_max=len(ids))}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _product(wish: ProductWish, product_id: UUID, version: int, *, approved: bool) -> Product:
    return Product(
        id=product_id,
        slug=wish.slug,
        title=wish.title,
        description=wish.description,
        category=wish.category,
        status=wish.status,
        tax_class=wish.tax_class,
        approved=approved,
        seller_id=wish.seller_id,
        version=version,
        variants=wish.variants,
        attributes=wish.attributes,
        media=wish.media,
    )
