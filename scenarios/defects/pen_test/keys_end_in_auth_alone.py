"""Planted: the gateway never hears of API keys that were taken back."""

from scenarios.defects.card import DefectCard, Twins
from shared.settings import ServiceSettings
from svc.gateway.api_keys import ApiKeys, KeyHolder

CARD = DefectCard(
    id="keys-end-in-auth-alone",
    title="A key that was taken back goes on",
    parts=("gateway.api_keys",),
    root_cause="The gateway remembers a key that auth vouched for and asks again only when that memory ends.",
    caught_by=("INV-23.revoked-key",),
    exposed_by="A leaked key after its owner has taken it back.",
    symptoms="A seller revokes a leaked key, and for half a minute orders are read with it.",
    fix="Announce keys that were taken back to the gateways, who refuse them within a second.",
    origin="CWE-613; CWE-524, a cached credential outlives its revocation.",
)


def twin(_healthy: type[ApiKeys], _settings: ServiceSettings) -> type[ApiKeys]:
    """A memory that hears nothing."""
    return DeafKeys


class DeafKeys(ApiKeys):
    """What auth said, for as long as it is remembered."""

    async def verify(self, key: str) -> KeyHolder:
        self._revoked = {}
        return await super().verify(key)


TWINS: Twins = {"gateway.api_keys": twin}
