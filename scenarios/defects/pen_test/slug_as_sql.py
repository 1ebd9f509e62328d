"""Planted: the name of a product in an address becomes part of the statement."""

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.catalog import store
from svc.catalog.domain import Product, UnknownProduct
from svc.catalog.shelf import Shelf

CARD = DefectCard(
    id="slug-as-sql",
    title="The name of a product is SQL",
    parts=("catalog.shelf",),
    root_cause="What stands in a path was taken for the shop's own words.",
    caught_by=("INV-23.sql-path",),
    exposed_by="A product page whose name has a quotation mark.",
    symptoms="Pages of products that are not for sale yet.",
    fix="Bind the slug; refuse what is none before asking.",
    origin="CWE-89; VAmPI, SQL injection in the path of a user.",
)


def twin(_healthy: type[Shelf], _settings: ServiceSettings) -> type[Shelf]:
    """A shelf that pastes names."""
    return PastingShelf


class PastingShelf(Shelf):
    """Looks a slug up by pasting it."""

    async def product(self, reference: str) -> Product:
        statement = f"SELECT id FROM products WHERE visible AND slug = '{reference}'"  # noqa: S608 -- the hole
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(statement)
            product = await store.product_by_id(connection, row["id"]) if row else None
        if product is None:
            raise UnknownProduct("there is no such product")
        return product


TWINS: Twins = {"catalog.shelf": twin}
