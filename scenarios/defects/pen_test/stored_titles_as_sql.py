"""Planted: what goes with a product is looked for by its title, which comes out of the shop's own table."""

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.catalog import store
from svc.catalog.domain import Product
from svc.catalog.shelf import Shelf

CARD = DefectCard(
    id="stored-titles-as-sql",
    title="A stored title becomes part of a statement",
    parts=("catalog.shelf",),
    root_cause="What came in was bound as a parameter; what comes out of the table is thought to be the shop's own.",
    caught_by=("INV-23.sql-second-order",),
    exposed_by="A product whose title has a quotation mark, and a look at what goes with it.",
    symptoms="One seller's page offers the whole shop; the page of another has been a 500 since its title was changed.",
    fix="Bind every value, wherever it comes from.",
    origin="CWE-89; OWASP, second-order SQL injection.",
)


def twin(_healthy: type[Shelf], _settings: ServiceSettings) -> type[Shelf]:
    """A shelf that trusts its own table."""
    return SelfTrustingShelf


class SelfTrustingShelf(Shelf):
    """Relates products by their titles, pasted."""

    async def related(self, product: Product) -> list[Product]:
        statement = f"SELECT id FROM products WHERE visible AND title = '{product.title}'"  # noqa: S608 -- the hole
        async with self._database.acquire() as connection:
            found = tuple(row["id"] for row in await connection.fetch(statement) if row["id"] != product.id)
        wanted = store.ProductFilter(ids=found)
        return await self.products(wanted, rows_max=max(1, len(found))) if found else []


TWINS: Twins = {"catalog.shelf": twin}
