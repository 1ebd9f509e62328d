"""The rate table, edited by people: every change names the version it was made from."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from advanced_alchemy.exceptions import AdvancedAlchemyError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from shared.ids import new_id
from shared.if_match import VersionChanged
from shared.unit_of_work import OrmUnitOfWork
from svc.shipping.domain.rates import RateExists, UnknownCarrier, UnknownRate, UnknownZone
from svc.shipping.store.rates import RateRepository, RateRow


class RateWish(msgspec.Struct, frozen=True, kw_only=True):
    """A new row of the rate table; amounts in minor units of `currency`, weight in grams."""

    zone: str
    method: str
    currency: str
    weight_g_max: int
    amount_minor: int
    free_from_minor: int | None
    days_max: int
    carrier: str


class RateEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What of a row may change; None leaves a figure as it is, `free_from_minor` 0 ends the free-shipping rule."""

    amount_minor: int | None = None
    free_from_minor: int | None = None
    days_max: int | None = None


async def list_rates(
    uow: OrmUnitOfWork, *, zone: str | None, currency: str | None, after: UUID | None, rows_max: int
) -> list[RateRow]:
    """Rows in order of their ids."""
    statement = select(RateRow).order_by(RateRow.id).limit(rows_max)
    if zone is not None:
        statement = statement.where(RateRow.zone == zone)
    if currency is not None:
        statement = statement.where(RateRow.currency == currency)
    if after is not None:
        statement = statement.where(RateRow.id > after)
    return list((await uow.session.scalars(statement)).all())


async def create_rate(uow: OrmUnitOfWork, wish: RateWish) -> RateRow:
    """Store a new row. Raises `RateExists`, `UnknownZone`, `UnknownCarrier`."""
    row = RateRow(id=new_id(), version=1, updated_at=datetime.now(UTC), **msgspec.structs.asdict(wish))
    try:
        return await RateRepository(session=uow.session).add(row)
    except (AdvancedAlchemyError, IntegrityError) as error:
        if "one_rate" in _root(error):
            raise RateExists("there is a rate for this zone, method, currency, carrier and weight") from error
        if "shipping_rates_carrier_fkey" in _root(error):
            raise UnknownCarrier(f"there is no carrier {wish.carrier}") from error
        raise UnknownZone(f"there is no zone {wish.zone}") from error


async def edit_rate(uow: OrmUnitOfWork, rate_id: UUID, edit: RateEdit, *, version: int) -> RateRow:
    """Change a row that is still at `version`. Raises `UnknownRate`, `VersionChanged`."""
    row = await _locked(uow, rate_id, version)
    if edit.amount_minor is not None:
        row.amount_minor = edit.amount_minor
    if edit.free_from_minor is not None:
        row.free_from_minor = edit.free_from_minor or None
    if edit.days_max is not None:
        row.days_max = edit.days_max
    row.version += 1
    row.updated_at = datetime.now(UTC)
    return await RateRepository(session=uow.session).update(row)


async def delete_rate(uow: OrmUnitOfWork, rate_id: UUID, *, version: int) -> None:
    """Take a row that is still at `version` out of the table. Raises `UnknownRate`, `VersionChanged`."""
    row = await _locked(uow, rate_id, version)
    await RateRepository(session=uow.session).delete(row.id)


async def _locked(uow: OrmUnitOfWork, rate_id: UUID, version: int) -> RateRow:
    row = await uow.session.get(RateRow, rate_id, with_for_update=True)
    if row is None:
        raise UnknownRate("there is no such rate")
    if row.version != version:
        raise VersionChanged(f"the rate is at version {row.version} now", version=row.version)
    return row


def _root(error: BaseException) -> str:
    texts = [str(error)]
    while (cause := error.__cause__) is not None:
        error = cause
        texts.append(str(error))
    return " ".join(texts)
