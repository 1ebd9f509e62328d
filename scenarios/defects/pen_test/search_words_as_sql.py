"""Planted: what a customer searches for becomes part of the statement."""

from msgspec.structs import replace

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.catalog import store
from svc.catalog.domain import Product
from svc.catalog.shelf import Shelf

CARD = DefectCard(
    id="search-words-as-sql",
    title="The words of a search are SQL",
    parts=("catalog.shelf",),
    root_cause="The statement is put together from text, the words of the search among it.",
    caught_by=("INV-23.sql-boolean",),
    exposed_by="A search with a quotation mark in it.",
    symptoms="Searches that find everything, others that end in a 500 with half a statement in the log.",
    fix="Bind the words as a parameter of a fixed statement.",
    origin="CWE-89; crAPI and VAmPI, SQL injection.",
)


def twin(_healthy: type[Shelf], _settings: ServiceSettings) -> type[Shelf]:
    """A shelf that trusts what is asked of it."""
    return TrustingShelf


class TrustingShelf(Shelf):
    """Looks for words by pasting them."""

    async def products(self, wanted: store.ProductFilter, *, rows_max: int) -> list[Product]:
        if wanted.words is None:
            return await super().products(wanted, rows_max=rows_max)
        statement = f"SELECT id FROM products WHERE visible AND title ILIKE '%{wanted.words}%'"  # noqa: S608 -- the hole
        async with self._database.acquire() as connection:
            found = tuple(row["id"] for row in await connection.fetch(statement))
        return await super().products(replace(wanted, words=None, ids=found), rows_max=rows_max)


TWINS: Twins = {"catalog.shelf": twin}
