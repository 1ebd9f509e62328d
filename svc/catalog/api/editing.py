"""Editing the catalog: every change names the version it was made from (If-Match)."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from litestar import Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from shared.database import Database
from shared.identity import Principal, requires_role
from shared.if_match import IfMatch, etag, expected_version
from shared.unit_of_work import OrmUnitOfWork
from shared.validated import Sku, in_path
from svc.catalog import handlers
from svc.catalog.api.wire import (
    CategoryCreate,
    CategoryMove,
    CategoryMoved,
    CategoryView,
    ProductCreate,
    ProductPatch,
    ProductView,
    StaffWrite,
    VariantWrite,
    edit_of,
    product_id_of,
    product_view,
    variant_of,
    wish_of,
)
from svc.catalog.domain import EDITOR_ROLES, Product
from svc.catalog.handlers import StaffFields
from svc.catalog.shelf import Shelf

EDITORS = (requires_role("seller", *EDITOR_ROLES),)
STAFF = (requires_role(*EDITOR_ROLES),)

SkuPath = Annotated[str, in_path(Sku)]


@post("/api/v1/products", guards=EDITORS, tags=["products"])
async def create(
    data: JSONBody[ProductCreate],
    database: NamedDependency[Database],
    shelf: NamedDependency[Shelf],
    principal: NamedDependency[Principal],
) -> Response[ProductView]:
    """A new product; a seller's own, to be approved by the staff."""
    wish = wish_of(data)
    return await _edited(database, shelf, lambda uow: handlers.create_product(uow, wish, principal), status_code=201)


@patch("/api/v1/products/{reference:str}", guards=EDITORS, tags=["products"])
async def edit(
    reference: FromPath[str],
    data: JSONBody[ProductPatch],
    database: NamedDependency[Database],
    shelf: NamedDependency[Shelf],
    principal: NamedDependency[Principal],
    if_match: IfMatch = None,
) -> Response[ProductView]:
    """Change the given fields of the product with this id."""
    product_id, version = product_id_of(reference), expected_version(if_match)
    edit = edit_of(data)
    return await _edited(
        database,
        shelf,
        lambda uow: handlers.edit_product(uow, product_id, edit, version=version, editor=principal),
    )


@delete("/api/v1/products/{reference:str}", status_code=204, guards=EDITORS, tags=["products"])
async def remove(
    reference: FromPath[str],
    database: NamedDependency[Database],
    shelf: NamedDependency[Shelf],
    principal: NamedDependency[Principal],
    if_match: IfMatch = None,
) -> None:
    """Take the product out of the shop for good."""
    product_id, version = product_id_of(reference), expected_version(if_match)
    await _edited(
        database,
        shelf,
        lambda uow: handlers.delete_product(uow, product_id, version=version, editor=principal),
    )


@put("/api/v1/products/{reference:str}/variants/{sku:str}", guards=EDITORS, tags=["products"])
async def put_variant(
    reference: FromPath[str],
    sku: SkuPath,
    data: JSONBody[VariantWrite],
    database: NamedDependency[Database],
    shelf: NamedDependency[Shelf],
    principal: NamedDependency[Principal],
    if_match: IfMatch = None,
) -> Response[ProductView]:
    """Add a variant, or give it these options and prices; the first price is in its home currency."""
    product_id, version = product_id_of(reference), expected_version(if_match)
    variant = variant_of(sku, data)
    return await _edited(
        database,
        shelf,
        lambda uow: handlers.put_variant(uow, product_id, variant, version=version, editor=principal),
    )


@delete("/api/v1/products/{reference:str}/variants/{sku:str}", status_code=200, guards=EDITORS, tags=["products"])
async def drop_variant(
    reference: FromPath[str],
    sku: SkuPath,
    database: NamedDependency[Database],
    shelf: NamedDependency[Shelf],
    principal: NamedDependency[Principal],
    if_match: IfMatch = None,
) -> Response[ProductView]:
    """Take a variant off the product."""
    product_id, version = product_id_of(reference), expected_version(if_match)
    return await _edited(
        database,
        shelf,
        lambda uow: handlers.drop_variant(uow, product_id, sku, version=version, editor=principal),
    )


@get("/api/v1/products/{reference:str}/staff", guards=STAFF, tags=["products"])
async def staff_fields(reference: FromPath[str], database: NamedDependency[Database]) -> StaffFields:
    """What only staff knows of the product."""
    async with database.begin_orm() as uow:
        return await handlers.staff_fields(uow, product_id_of(reference))


@put("/api/v1/products/{reference:str}/staff", guards=STAFF, tags=["products"])
async def set_staff_fields(
    reference: FromPath[str],
    data: JSONBody[StaffWrite],
    database: NamedDependency[Database],
    shelf: NamedDependency[Shelf],
    principal: NamedDependency[Principal],
    if_match: IfMatch = None,
) -> StaffFields:
    """Approve, feature, cost: all three at once."""
    product_id = product_id_of(reference)
    wanted = StaffFields(
        approved=data.approved,
        is_featured=data.is_featured,
        cost_minor=data.cost_minor,
        version=expected_version(if_match),
    )
    async with database.begin_orm() as uow:
        product, fields = await handlers.set_staff_fields(uow, product_id, wanted, editor=principal)
    await shelf.forget([product])
    return fields


@post("/api/v1/categories", guards=STAFF, tags=["categories"])
async def add_category(
    data: JSONBody[CategoryCreate], database: NamedDependency[Database], shelf: NamedDependency[Shelf]
) -> CategoryView:
    """Add a node below one that exists."""
    async with database.begin_orm() as uow:
        await handlers.add_category(uow, data.path, data.name)
    await shelf.forget_categories()
    return CategoryView(data.path, data.name, 0)


@post("/api/v1/categories/move", status_code=200, guards=STAFF, tags=["categories"])
async def move_category(
    data: JSONBody[CategoryMove], database: NamedDependency[Database], shelf: NamedDependency[Shelf]
) -> CategoryMoved:
    """Give a category, all below it and their products another path, at once.

    409 category_cycle below itself, 409 category_exists, 422 unknown_category, 422 category_too_deep. Product pages and
    the index follow within seconds.
    """
    async with database.begin() as uow:
        moved = await handlers.move_category(uow, data.path, data.to)
    await shelf.forget_categories()
    return CategoryMoved(moved.categories, moved.products)


async def _edited(
    database: Database,
    shelf: Shelf,
    change: Callable[[OrmUnitOfWork], Awaitable[Product]],
    *,
    status_code: int = 200,
) -> Response[ProductView]:
    """One transaction, then the shelf forgets what it had of the product."""
    async with database.begin_orm() as uow:
        product = await change(uow)
    await shelf.forget([product])
    return Response(product_view(product), status_code=status_code, headers={"ETag": etag(product.version)})
