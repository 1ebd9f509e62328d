"""The catalog over HTTP: reading for everyone, editing for admins and sellers, bulk routes for other services."""

from typing import Any

from svc.catalog.api.browsing import list_categories, list_products, show_product
from svc.catalog.api.editing import (
    add_category,
    create,
    drop_variant,
    edit,
    put_variant,
    remove,
    set_staff_fields,
    staff_fields,
)
from svc.catalog.api.internal import import_products, variants

ROUTES: tuple[Any, ...] = (
    list_products,
    show_product,
    list_categories,
    create,
    edit,
    remove,
    put_variant,
    drop_variant,
    staff_fields,
    set_staff_fields,
    add_category,
    variants,
    import_products,
)
