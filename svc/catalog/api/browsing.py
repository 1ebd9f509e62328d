"""Reading the catalog: the hot routes. Nobody needs a token; what one sees depends on who one is."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, QueryParameter

from shared.currencies import Currency
from shared.identity import Principal
from shared.if_match import etag
from shared.pagination import Page, PageLimit, decode_cursor, encode_cursor, page_size
from shared.validated import STORABLE, CategoryPath, in_query
from svc.catalog.api.wire import (
    CategoryList,
    CategoryView,
    ProductList,
    ProductView,
    listed,
    listed_ids,
    none_match,
    product_view,
)
from svc.catalog.domain import ProductStatus, UnknownProduct
from svc.catalog.handlers import may_see
from svc.catalog.handlers.editing import VIEWER_ROLES
from svc.catalog.shelf import Shelf
from svc.catalog.store import ProductFilter
from svc.catalog.views import Views

PRODUCTS_ORDER = "products:id"

CurrencyWish = Annotated[Currency | None, QueryParameter(required=False)]
WordsWish = Annotated[str | None, QueryParameter(min_length=1, max_length=200, pattern=STORABLE, required=False)]
CategoryWish = Annotated[str | None, in_query(CategoryPath, required=False)]
Batch = Annotated[str | None, QueryParameter(max_length=7_000, pattern=STORABLE, required=False)]


@get("/api/v1/products", opt={"public": True}, tags=["products"])
async def list_products(  # noqa: PLR0913 one per query parameter
    *,
    shelf: NamedDependency[Shelf],
    principal: NamedDependency[Principal],
    q: WordsWish = None,
    category: CategoryWish = None,
    status: FromQuery[ProductStatus | None] = None,
    ids: Batch = None,
    skus: Batch = None,
    currency: CurrencyWish = None,
    cursor: FromQuery[str | None] = None,
    limit: PageLimit = None,
) -> Page[ProductView]:
    """Products by id, a page at a time; `q` looks for words (the search service does that better),
    `category` takes its whole subtree, `ids` and `skus` up to 100 each.

    Customers see active products only. Staff may ask for another status, sellers for that of their own.
    """
    rows = page_size(limit, default=20)
    id_batch, sku_batch = listed_ids("ids", ids), listed("skus", skus)
    if limit is None and (id_batch or sku_batch):
        rows = len(id_batch or sku_batch or ())
    staff = principal.has_role(*VIEWER_ROLES)
    wanted = ProductFilter(
        words=q,
        category=category,
        status=status,
        ids=id_batch,
        skus=sku_batch,
        visible_only=status is None or not (staff or principal.has_role("seller")),
        seller_id=principal.subject if status is not None and not staff and principal.has_role("seller") else None,
        after=decode_cursor(cursor, PRODUCTS_ORDER, tuple[UUID])[0] if cursor else None,
    )
    found = await shelf.products(wanted, rows_max=rows + 1)
    shown = [product_view(product, currency) for product in found[:rows]]
    more = len(found) > rows
    return Page(shown, encode_cursor(PRODUCTS_ORDER, [str(shown[-1].id)]) if more else None)


@get("/api/v1/products/{reference:str}", opt={"public": True}, tags=["products"])
async def show_product(
    reference: FromPath[str],
    shelf: NamedDependency[Shelf],
    principal: NamedDependency[Principal],
    views: NamedDependency[Views],
    currency: CurrencyWish = None,
    if_none_match: Annotated[str | None, HeaderParameter(name="If-None-Match", required=False)] = None,
) -> Response[ProductView | None]:
    """One product by its id or slug, with its version as ETag; 304 for the version the client has."""
    product = await shelf.product(reference)
    if not may_see(product, principal):
        raise UnknownProduct("there is no such product")
    counted = BackgroundTask(views.count, product.id) if product.visible else None
    headers = {"ETag": etag(product.version), "Cache-Control": "private, no-cache"}
    if currency is None and not none_match(if_none_match, headers["ETag"]):
        return Response(None, status_code=304, headers=headers, background=counted)
    return Response(product_view(product, currency), headers=headers, background=counted)


@get("/api/v1/products/{reference:str}/related", opt={"public": True}, tags=["products"])
async def list_related(
    reference: FromPath[str],
    shelf: NamedDependency[Shelf],
    principal: NamedDependency[Principal],
    currency: CurrencyWish = None,
) -> ProductList:
    """What goes with the product, in the order its editor gave; at most 20, only what customers see."""
    product = await shelf.product(reference)
    if not may_see(product, principal):
        raise UnknownProduct("there is no such product")
    return ProductList([product_view(one, currency) for one in await shelf.related(product)])


@get("/api/v1/categories", opt={"public": True}, tags=["categories"])
async def list_categories(shelf: NamedDependency[Shelf]) -> CategoryList:
    """The whole tree in the order of its paths; the parent of `a/b` is `a`."""
    return CategoryList(
        [CategoryView(category.path, category.name, category.products) for category in await shelf.categories()]
    )
