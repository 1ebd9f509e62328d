"""Many products at once, for seeding and feeds."""

from collections import Counter
from collections.abc import Sequence

from shared.errors import Kind, Refusal
from shared.unit_of_work import EVENTS_MAX, UnitOfWork
from svc.catalog import store
from svc.catalog.domain import ProductWish
from svc.catalog.handlers.announcing import Change, announce

EVENTS_PER_PRODUCT = 2
"""At most: its new prices, and the product whole."""


class ImportAmbiguous(Refusal):
    """A slug or SKU comes twice in one import."""

    code = "import_ambiguous"
    kind = Kind.UNPROCESSABLE


def portions(wishes: Sequence[ProductWish]) -> list[list[ProductWish]]:
    """The import cut so that no portion can publish more events than one transaction may.

    Raises `ImportAmbiguous`.
    """
    _refuse_repeated("slug", [wish.slug for wish in wishes])
    _refuse_repeated("sku", [variant.sku for wish in wishes for variant in wish.variants])
    cut: list[list[ProductWish]] = [[]]
    events = 0
    for wish in wishes:
        events += EVENTS_PER_PRODUCT
        if events > EVENTS_MAX:
            cut.append([])
            events = EVENTS_PER_PRODUCT
        cut[-1].append(wish)
    return cut


async def import_portion(
    uow: UnitOfWork, wishes: Sequence[ProductWish], *, seller_id: str | None = None
) -> store.ImportOutcome:
    """Make all products as wished or none; what is so already is left alone and not published.

    People's edits survive a repeated import of equal content. Raises `SkuTaken`, and for a seller `SlugTaken`.
    """
    outcome = await store.import_products(uow.connection, wishes, seller_id=seller_id)
    made = (*outcome.created, *outcome.updated)
    if made:
        await announce(uow, [Change(imported.product, imported.price_changes) for imported in made])
    return outcome


def _refuse_repeated(name: str, values: Sequence[str]) -> None:
    repeated = [value for value, times in Counter(values).items() if times > 1]
    if repeated:
        raise ImportAmbiguous(f"{name} {repeated[0]} comes more than once", field=name, values=repeated[:10])
