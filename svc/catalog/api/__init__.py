"""The catalog over HTTP: reading for everyone, editing for admins and sellers, bulk routes for other services."""

from typing import Any

from svc.catalog.api.browsing import list_categories, list_products, list_related, show_product
from svc.catalog.api.editing import (
    add_category,
    create,
    drop_variant,
    edit,
    move_category,
    put_variant,
    remove,
    set_staff_fields,
    staff_fields,
)
from svc.catalog.api.feeding import bring_feed, feed_errors, show_feed
from svc.catalog.api.internal import import_products, most_viewed, variants, warm_up
from svc.catalog.api.windows import add_window, end_window, list_windows, prices_at

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
    most_viewed,
    list_related,
    move_category,
    prices_at,
    list_windows,
    add_window,
    end_window,
    bring_feed,
    show_feed,
    feed_errors,
    warm_up,
)
