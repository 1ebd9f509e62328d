"""Products and categories edited by people: admins change any product, sellers only their own."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy.exc import IntegrityError

from shared.contracts.catalog import ProductDeleted
from shared.identity import Principal
from shared.ids import new_id
from shared.if_match import VersionChanged
from shared.unit_of_work import OrmUnitOfWork
from svc.catalog.domain import (
    EDITOR_ROLES,
    VARIANTS_MAX,
    CategoryExists,
    Medium,
    Product,
    ProductWish,
    SkuTaken,
    SlugTaken,
    TooManyVariants,
    UnknownCategory,
    UnknownProduct,
    UnknownRelated,
    UnknownVariant,
    Variant,
    checked_prices,
    parent_of,
    price_changes,
    tax_class_of,
)
from svc.catalog.handlers.announcing import Change, announce
from svc.catalog.store import (
    CategoryRepository,
    CategoryRow,
    PriceRow,
    ProductRepository,
    ProductRow,
    VariantRow,
    existing_products,
)

VIEWER_ROLES = (*EDITOR_ROLES, "support", "service")


class ProductEdit(msgspec.Struct, frozen=True, kw_only=True):
    """The fields people may change; None leaves one as it is."""

    title: str | None = None
    description: str | None = None
    category: str | None = None
    status: str | None = None
    tax_class: str | None = None
    attributes: dict[str, str] | None = None
    media: tuple[Medium, ...] | None = None
    related: tuple[UUID, ...] | None = None


def may_see(product: Product, viewer: Principal) -> bool:
    """Everyone sees visible products, staff all, sellers their own."""
    return product.visible or viewer.has_role(*VIEWER_ROLES) or owns(product.seller_id, viewer)


def owns(seller_id: str | None, editor: Principal) -> bool:
    """Whether it is this seller's."""
    return seller_id is not None and seller_id == editor.subject and editor.has_role("seller")


async def create_product(uow: OrmUnitOfWork, wish: ProductWish, editor: Principal) -> Product:
    """Store a new product; an admin's is approved at once, a seller's waits for the staff.

    Raises `UnknownCategory`, `UnknownRelated`, `SlugTaken`, `SkuTaken`, `CurrencyRepeated`.
    """
    await _require_category(uow, wish.category)
    await _require_related(uow, wish.related)
    is_staff = editor.has_role(*EDITOR_ROLES)
    row = ProductRow(
        id=new_id(),
        slug=wish.slug,
        title=wish.title,
        description=wish.description,
        category=wish.category,
        status=wish.status,
        tax_class=wish.tax_class,
        seller_id=None if is_staff else editor.subject,
        approved=is_staff,
        version=1,
        updated_at=datetime.now(UTC),
        attributes=dict(wish.attributes),
        media=_stored(wish.media),
        related=list(wish.related),
        variants=[_variant_row(variant, position) for position, variant in enumerate(wish.variants)],
    )
    await _saved(uow, row)
    product = row.to_domain()
    (told,) = await announce(uow, [Change(product)])
    return told


async def edit_product(
    uow: OrmUnitOfWork, product_id: UUID, edit: ProductEdit, *, version: int, editor: Principal
) -> Product:
    """Change the given fields; changing nothing publishes nothing.

    Raises `UnknownProduct` (also for another seller's), `VersionChanged`, `UnknownCategory`, `UnknownTaxClass`,
    `UnknownRelated`.
    """
    row = await editable(uow, product_id, version=version, editor=editor)
    before = row.to_domain()
    if edit.category is not None:
        await _require_category(uow, edit.category)
    if edit.tax_class is not None:
        tax_class_of(edit.tax_class)
    if edit.related is not None:
        await _require_related(uow, edit.related, product_id)
    for name in ProductEdit.__struct_fields__:
        value = getattr(edit, name)
        if value is not None:
            setattr(row, name, _stored(value))
    return await changed(uow, row, before)


async def put_variant(
    uow: OrmUnitOfWork, product_id: UUID, variant: Variant, *, version: int, editor: Principal
) -> Product:
    """Add the variant, or give the one with this SKU these options and prices.

    Raises `UnknownProduct`, `VersionChanged`, `SkuTaken`, `TooManyVariants`, `CurrencyRepeated`.
    """
    row = await editable(uow, product_id, version=version, editor=editor)
    before = row.to_domain()
    known = next((candidate for candidate in row.variants if candidate.sku == variant.sku), None)
    if known is None:
        if len(row.variants) >= VARIANTS_MAX:
            raise TooManyVariants(f"a product has at most {VARIANTS_MAX} variants")
        row.variants.append(_variant_row(variant, len(row.variants)))
    else:
        _rewrite(known, variant)
    return await changed(uow, row, before)


async def drop_variant(uow: OrmUnitOfWork, product_id: UUID, sku: str, *, version: int, editor: Principal) -> Product:
    """Take a variant off the product. Raises `UnknownProduct`, `UnknownVariant`, `VersionChanged`."""
    row = await editable(uow, product_id, version=version, editor=editor)
    before = row.to_domain()
    known = next((candidate for candidate in row.variants if candidate.sku == sku), None)
    if known is None:
        raise UnknownVariant("the product has no such variant")
    row.variants.remove(known)
    return await changed(uow, row, before)


async def delete_product(uow: OrmUnitOfWork, product_id: UUID, *, version: int, editor: Principal) -> Product:
    """Take the product out of the shop for good; its slug and SKUs stay taken.

    Raises `UnknownProduct`, `VersionChanged`.
    """
    row = await editable(uow, product_id, version=version, editor=editor)
    row.deleted_at = datetime.now(UTC)
    row.version += 1
    uow.publish(ProductDeleted(product_id=row.id), aggregate_id=row.id, aggregate_version=row.version)
    return row.to_domain()


async def add_category(uow: OrmUnitOfWork, path: str, name: str) -> None:
    """Add a node below one that exists. Raises `UnknownCategory` (no parent), `CategoryExists`."""
    parent = parent_of(path)
    if parent is not None:
        await _require_category(uow, parent)
    repository = CategoryRepository(session=uow.session, wrap_exceptions=False)
    try:
        await repository.add(CategoryRow(path=path, parent_path=parent, name=name))
    except IntegrityError as error:
        if "categories_parent_path_fkey" in str(error.orig):  # moved away since we looked
            raise UnknownCategory(f"there is no category {parent}", category=parent) from error
        raise CategoryExists("there is such a category already") from error


async def editable(uow: OrmUnitOfWork, product_id: UUID, *, version: int, editor: Principal) -> ProductRow:
    """The product, locked, if the editor may change it and read this very version."""
    repository = ProductRepository(session=uow.session)
    row = await repository.get_one_or_none(
        ProductRow.id == product_id, ProductRow.deleted_at.is_(None), with_for_update=True
    )
    if row is None or not (editor.has_role(*EDITOR_ROLES) or owns(row.seller_id, editor)):
        raise UnknownProduct("there is no such product")
    if row.version != version:
        raise VersionChanged("the product was changed since; read it again", version=row.version)
    return row


async def changed(uow: OrmUnitOfWork, row: ProductRow, before: Product) -> Product:
    """Count and publish what is different from before."""
    after = row.to_domain()
    if after == before:
        return after
    changes = price_changes(before.variants, after.variants)
    row.version += 2 if changes else 1
    row.updated_at = datetime.now(UTC)
    await _saved(uow, row)
    (told,) = await announce(uow, [Change(row.to_domain(), changes)])
    return told


async def _saved(uow: OrmUnitOfWork, row: ProductRow) -> None:
    try:
        await ProductRepository(session=uow.session, wrap_exceptions=False, auto_refresh=False).add(row)
    except IntegrityError as error:
        if "variants_pkey" in str(error.orig):
            raise SkuTaken("this SKU belongs to another product") from error
        if "products_slug_key" in str(error.orig):
            raise SlugTaken("another product has this slug") from error
        if "products_category_fkey" in str(error.orig):  # moved away since we looked
            raise UnknownCategory("there is no such category any more", category=row.category) from error
        raise


async def _require_related(uow: OrmUnitOfWork, ids: Sequence[UUID], product_id: UUID | None = None) -> None:
    known = set(await existing_products(uow.connection, ids)) if ids else set[UUID]()
    unknown = [str(one) for one in ids if one not in known or one == product_id]
    if unknown:
        raise UnknownRelated("there are no such products to go with this one", ids=unknown)


def _stored(value: object) -> Any:
    """As its column holds it."""
    if not isinstance(value, tuple):
        return value
    return [msgspec.to_builtins(one) if isinstance(one, Medium) else one for one in cast("tuple[object, ...]", value)]


async def _require_category(uow: OrmUnitOfWork, path: str) -> None:
    if not await CategoryRepository(session=uow.session).exists(CategoryRow.path == path):
        raise UnknownCategory(f"there is no category {path}", category=path)


def _variant_row(variant: Variant, position: int) -> VariantRow:
    row = VariantRow(sku=variant.sku, position=position, prices=[])
    _rewrite(row, variant)
    return row


def _rewrite(row: VariantRow, variant: Variant) -> None:
    home, *others = checked_prices(variant.prices)
    row.options = dict(variant.options)
    row.currency = home.currency
    row.price_minor = home.amount_minor
    known = {price.currency: price for price in row.prices}
    row.prices = [
        _price_row(known.get(price.currency), variant.sku, price.currency, price.amount_minor)
        for price in sorted(others)
    ]


def _price_row(known: PriceRow | None, sku: str, currency: str, amount_minor: int) -> PriceRow:
    row = known or PriceRow(sku=sku, currency=currency)
    row.price_minor = amount_minor
    return row
