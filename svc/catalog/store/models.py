"""The editors' side: models and repositories over the tables the migrations make. Hot reads go past these."""

from datetime import datetime
from uuid import UUID

from advanced_alchemy.base import DefaultBase
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import CHAR, BigInteger, ForeignKey, LargeBinary, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, registry, relationship
from sqlalchemy.types import DateTime

from svc.catalog.domain import Medium, Price, Product, Variant

metadata = MetaData()


class CatalogBase(DefaultBase):
    """Keeps the catalog's tables apart from those of other services in one process."""

    __abstract__ = True
    metadata = metadata
    registry = registry(metadata=metadata)


class CategoryRow(CatalogBase):
    __tablename__ = "categories"

    path: Mapped[str] = mapped_column(Text, primary_key=True)
    parent_path: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)


class PriceRow(CatalogBase):
    __tablename__ = "variant_prices"

    sku: Mapped[str] = mapped_column(ForeignKey("variants.sku", ondelete="CASCADE"), primary_key=True)
    currency: Mapped[str] = mapped_column(CHAR(3), primary_key=True)
    price_minor: Mapped[int] = mapped_column(BigInteger)


class VariantRow(CatalogBase):
    __tablename__ = "variants"

    sku: Mapped[str] = mapped_column(Text, primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    position: Mapped[int] = mapped_column(default=0)
    options: Mapped[dict[str, str]] = mapped_column(JSONB)
    currency: Mapped[str] = mapped_column(CHAR(3))
    price_minor: Mapped[int] = mapped_column(BigInteger)
    prices: Mapped[list[PriceRow]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", passive_deletes=True, order_by=PriceRow.currency
    )

    def to_domain(self) -> Variant:
        return Variant(
            sku=self.sku,
            options=dict(self.options),
            prices=(
                Price(self.currency, self.price_minor),
                *(Price(price.currency, price.price_minor) for price in self.prices),
            ),
        )


class ProductRow(CatalogBase):
    __tablename__ = "products"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    tax_class: Mapped[str] = mapped_column(Text)
    seller_id: Mapped[str | None] = mapped_column(Text)
    approved: Mapped[bool] = mapped_column(default=False)
    is_featured: Mapped[bool] = mapped_column(default=False)
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    attributes: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    media: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list)
    related: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    variants: Mapped[list[VariantRow]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=(VariantRow.position, VariantRow.sku)
    )

    def to_domain(self) -> Product:
        return Product(
            id=self.id,
            slug=self.slug,
            title=self.title,
            description=self.description,
            category=self.category,
            status=self.status,
            tax_class=self.tax_class,
            approved=self.approved,
            seller_id=self.seller_id,
            version=self.version,
            variants=tuple(variant.to_domain() for variant in self.variants),
            attributes=dict(self.attributes),
            media=tuple(Medium(**medium) for medium in self.media),
            related=tuple(self.related),
        )


class CategoryRepository(SQLAlchemyAsyncRepository[CategoryRow]):
    model_type = CategoryRow
    id_attribute = "path"


class ProductRepository(SQLAlchemyAsyncRepository[ProductRow]):
    model_type = ProductRow
