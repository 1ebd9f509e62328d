"""Planted: a seller's webhook may lead anywhere."""

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.notifications.clients.sellers import SellerEndpoints

CARD = DefectCard(
    id="webhook-urls-unchecked",
    title="A webhook may lead inside",
    parts=("notifications.sellers",),
    root_cause="The URL is stored as it comes; where it leads is looked at when it is too late, or never.",
    caught_by=("INV-23.ssrf-webhook",),
    exposed_by="A webhook to an address of the shop's own network.",
    symptoms="Requests from the notifications service at ports where nobody expects it.",
    fix="Resolve the host, refuse what is not public, connect to what was checked.",
    origin="OWASP API7:2023; crAPI, SSRF by contacting the mechanic.",
)


def twin(_healthy: type[SellerEndpoints], _settings: ServiceSettings) -> type[SellerEndpoints]:
    """Endpoints nobody looks at."""
    return UncheckedEndpoints


class UncheckedEndpoints(SellerEndpoints):
    """Takes every URL."""

    async def check(self, url: str) -> None:
        del url


TWINS: Twins = {"notifications.sellers": twin}
