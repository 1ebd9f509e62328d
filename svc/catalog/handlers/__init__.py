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
from svc.catalog.handlers.feeding import (
    PORTION_ROWS_MAX,
    FeedUnderWay,
    apply_rows,
    complete_feed,
    find_feed,
    open_feed,
    seller_of,
)
from svc.catalog.handlers.hearing import Forget, Forgetting, note_reservation, note_stock
from svc.catalog.handlers.importing import import_portion, portions
from svc.catalog.handlers.moving import move_category, tell_of_moved
from svc.catalog.handlers.staffing import StaffFields, set_staff_fields, staff_fields
from svc.catalog.handlers.windows import add_window, end_window, prices_at, turn_prices, windows_of

__all__ = [
    "PORTION_ROWS_MAX",
    "FeedUnderWay",
    "Forget",
    "Forgetting",
    "ProductEdit",
    "StaffFields",
    "add_category",
    "add_window",
    "announce",
    "apply_rows",
    "complete_feed",
    "create_product",
    "delete_product",
    "drop_variant",
    "edit_product",
    "end_window",
    "find_feed",
    "import_portion",
    "may_see",
    "move_category",
    "note_reservation",
    "note_stock",
    "open_feed",
    "portions",
    "prices_at",
    "put_variant",
    "seller_of",
    "set_staff_fields",
    "staff_fields",
    "tell_of_moved",
    "turn_prices",
    "windows_of",
]
