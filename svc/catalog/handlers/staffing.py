"""The fields only staff reads and writes: approval, featuring, cost. Nothing here reaches a public answer."""

from uuid import UUID

import msgspec

from shared.identity import Principal
from shared.unit_of_work import OrmUnitOfWork
from svc.catalog.domain import Product, UnknownProduct
from svc.catalog.handlers.editing import changed, editable
from svc.catalog.store import ProductRepository, ProductRow, views


class StaffFields(msgspec.Struct, frozen=True, kw_only=True):
    """`cost_minor` is in the home currency of each variant; `views` counts looks at the product's page."""

    approved: bool
    is_featured: bool
    cost_minor: int | None
    version: int
    views: int = 0


async def staff_fields(uow: OrmUnitOfWork, product_id: UUID) -> StaffFields:
    """The fields as they stand. Raises `UnknownProduct`."""
    row = await ProductRepository(session=uow.session).get_one_or_none(
        ProductRow.id == product_id, ProductRow.deleted_at.is_(None)
    )
    if row is None:
        raise UnknownProduct("there is no such product")
    return _fields(row, await views.of(uow.connection, product_id))


async def set_staff_fields(
    uow: OrmUnitOfWork, product_id: UUID, wanted: StaffFields, *, editor: Principal
) -> tuple[Product, StaffFields]:
    """Set all three; only an approval that changes what customers see is published.

    Raises `UnknownProduct`, `VersionChanged` (`wanted.version` is the one the editor read).
    """
    row = await editable(uow, product_id, version=wanted.version, editor=editor)
    before = row.to_domain()
    row.approved = wanted.approved
    row.is_featured = wanted.is_featured
    row.cost_minor = wanted.cost_minor
    product = await changed(uow, row, before)
    return product, _fields(row, await views.of(uow.connection, product_id))


def _fields(row: ProductRow, seen: int) -> StaffFields:
    return StaffFields(
        approved=row.approved,
        is_featured=row.is_featured,
        cost_minor=row.cost_minor,
        version=row.version,
        views=seen,
    )
