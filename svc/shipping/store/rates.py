"""Rate tables: read on the hot path by plain statements, edited by people through the model."""

from datetime import datetime
from uuid import UUID

from advanced_alchemy.base import DefaultBase
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import CHAR, BigInteger, MetaData, Text
from sqlalchemy.orm import Mapped, mapped_column, registry
from sqlalchemy.types import DateTime

from shared.unit_of_work import Connection
from svc.shipping.domain.rates import Band

metadata = MetaData()

_BANDS = """
    SELECT zone, method, weight_g_max, amount_minor, currency, free_from_minor, days_max, carrier, cm3_per_kg
    FROM shipping_rates JOIN carriers ON carriers.code = carrier
    WHERE currency = $2 AND zone = coalesce((SELECT zone FROM zone_countries WHERE country = $1), 'world')
    ORDER BY method, carrier, weight_g_max
"""


class ShippingBase(DefaultBase):
    """Keeps the tables of shipping apart from those of other services in one process."""

    __abstract__ = True
    metadata = metadata
    registry = registry(metadata=metadata)


class RateRow(ShippingBase):
    """One row of the rate table; the migration makes the table and its constraints."""

    __tablename__ = "shipping_rates"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    zone: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(CHAR(3))
    weight_g_max: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    free_from_minor: Mapped[int | None] = mapped_column(BigInteger)
    days_max: Mapped[int]
    carrier: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class RateRepository(SQLAlchemyAsyncRepository[RateRow]):
    model_type = RateRow


async def bands(connection: Connection, country: str, currency: str) -> list[Band]:
    """The rate table that serves a country in a currency; empty when none does."""
    return [Band(**dict(row)) for row in await connection.fetch(_BANDS, country, currency)]
