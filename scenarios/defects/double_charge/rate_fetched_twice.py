"""Planted: the rate is fetched for the price on the screen, and fetched again for the order."""

from uuid import UUID

import msgspec

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.orders.clients import ExchangeClient
from svc.orders.pricing import Conversion

CARD = DefectCard(
    id="rate-fetched-twice",
    title="The rate is fetched twice in one checkout",
    parts=("orders.exchange",),
    root_cause="The page and the order each ask for the rate of now; the quote is looked up and its rate is not used.",
    caught_by=("INV-06",),
    exposed_by="Checkouts in another currency than that of the goods, while the rate moves.",
    symptoms="$50 shown, $52.37 charged; the log says rate 0.92, a concurrent update, and then 0.89. All books agree.",
    fix="Pin one quoted rate to the checkout, with an id and an end; show and charge by that id alone.",
    origin="Time of check to time of use (CWE-367), with a price in the place of a file.",
)


def twin(healthy: type[ExchangeClient], _settings: ServiceSettings) -> type[ExchangeClient]:
    """An exchange that is asked once more."""

    class FreshRates(healthy):
        """The quote is valid; the rate is another."""

        async def quoted(self, quote_id: UUID, customer_id: UUID) -> Conversion:
            shown = await super().quoted(quote_id, customer_id)
            now = await self.offer(customer_id, from_currency=shown.from_currency, to_currency=shown.to_currency)
            return msgspec.structs.replace(shown, rate_nano=now.rate_nano)

    return FreshRates


TWINS: Twins = {"orders.exchange": twin}
