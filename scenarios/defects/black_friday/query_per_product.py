"""Planted: a list that is read one by one."""

from typing import Any

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.catalog import store
from svc.catalog.domain import Product
from svc.catalog.shelf import Shelf

CARD = DefectCard(
    id="query-per-product",
    title="The product list asks once more for each product (N+1)",
    parts=("catalog.shelf",),
    root_cause="The page is selected, and then each of its products is read by itself.",
    caught_by=("INV-21",),
    exposed_by="Any list of more than a few.",
    symptoms="A response of twenty products makes more than forty queries; the database is the first to be full.",
    fix="One statement for the page and one per relation, whatever the page's size; a test counts them.",
    origin="Bullet, the Ruby gem that exists for nothing else; the incident's own review: 47 queries a response.",
)


def twin(healthy: Any, _settings: ServiceSettings) -> Any:
    """A shelf that goes back for each product."""
    shelf: type[Shelf] = healthy

    class OneByOne(shelf):
        """The page, then its products."""

        async def products(self, wanted: store.ProductFilter, *, rows_max: int) -> list[Product]:
            page = await super().products(wanted, rows_max=rows_max)
            return [await self._load(str(product.id)) for product in page]

    return OneByOne


TWINS: Twins = {"catalog.shelf": twin}
