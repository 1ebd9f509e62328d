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
from svc.catalog.store.moving import (
    Named,
    count_changes,
    lock_products,
    move_category,
    products_to_tell,
    renumbered,
    take_moved,
)
from svc.catalog.store.reads import (
    Category,
    PricedVariant,
    ProductFilter,
    categories,
    existing_products,
    list_products,
    product_by_id,
    product_by_slug,
    related_products,
    variants_by_sku,
)

__all__ = [
    "Category",
    "CategoryRepository",
    "CategoryRow",
    "ImportOutcome",
    "Named",
    "PriceRow",
    "PricedVariant",
    "ProductFilter",
    "ProductRepository",
    "ProductRow",
    "VariantRow",
    "categories",
    "count_changes",
    "existing_products",
    "import_products",
    "list_products",
    "lock_products",
    "metadata",
    "move_category",
    "product_by_id",
    "product_by_slug",
    "products_to_tell",
    "related_products",
    "renumbered",
    "take_moved",
    "variants_by_sku",
]
