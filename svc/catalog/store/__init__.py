"""The tables of the catalog: fast reads, the editors' repository and the bulk statements of the import."""

from svc.catalog.store.bulk import ImportOutcome, import_products
from svc.catalog.store.models import (
    CategoryRepository,
    CategoryRow,
    PriceRow,
    ProductRepository,
    ProductRow,
    VariantRow,
    metadata,
)
from svc.catalog.store.reads import (
    Category,
    PricedVariant,
    ProductFilter,
    categories,
    list_products,
    product_by_id,
    product_by_slug,
    variants_by_sku,
)

__all__ = [
    "Category",
    "CategoryRepository",
    "CategoryRow",
    "ImportOutcome",
    "PriceRow",
    "PricedVariant",
    "ProductFilter",
    "ProductRepository",
    "ProductRow",
    "VariantRow",
    "categories",
    "import_products",
    "list_products",
    "metadata",
    "product_by_id",
    "product_by_slug",
    "variants_by_sku",
]
