"""Planted: a list of SKUs is put into the statement between quotation marks."""

from msgspec.structs import replace

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.catalog import store
from svc.catalog.domain import Product
from svc.catalog.shelf import Shelf

CARD = DefectCard(
    id="sku-list-as-sql",
    title="A list of SKUs is SQL",
    parts=("catalog.shelf",),
    root_cause="An IN list of unknown length was easier to write than to bind.",
    caught_by=("INV-23.sql-time",),
    exposed_by="A list of SKUs with a quotation mark in it.",
    symptoms="Single requests that hold a connection for seconds, until the pool is empty.",
    fix="Bind the list as one array.",
    origin="CWE-89; Juice Shop, blind SQL injection.",
)


def twin(_healthy: type[Shelf], _settings: ServiceSettings) -> type[Shelf]:
    """A shelf that joins lists."""
    return JoiningShelf


class JoiningShelf(Shelf):
    """Looks SKUs up by joining them."""

    async def products(self, wanted: store.ProductFilter, *, rows_max: int) -> list[Product]:
        if wanted.skus is None:
            return await super().products(wanted, rows_max=rows_max)
        listed = "', '".join(wanted.skus)
        statement = f"SELECT product_id FROM variants WHERE sku IN ('{listed}')"  # noqa: S608 -- the hole
        async with self._database.acquire() as connection:
            found = tuple(row["product_id"] for row in await connection.fetch(statement))
        return await super().products(replace(wanted, skus=None, ids=found), rows_max=rows_max)


TWINS: Twins = {"catalog.shelf": twin}
