"""The use cases of the catalog. Each runs inside the caller's transaction and never commits."""

from svc.catalog.handlers.announcing import announce
from svc.catalog.handlers.editing import (
    ProductEdit,
    add_category,
    create_product,
    delete_product,
    drop_variant,
    edit_product,
    may_see,
    put_variant,
)
from svc.catalog.handlers.importing import import_portion, portions
from svc.catalog.handlers.staffing import StaffFields, set_staff_fields, staff_fields

__all__ = [
    "ProductEdit",
    "StaffFields",
    "add_category",
    "announce",
    "create_product",
    "delete_product",
    "drop_variant",
    "edit_product",
    "import_portion",
    "may_see",
    "portions",
    "put_variant",
    "set_staff_fields",
    "staff_fields",
]
