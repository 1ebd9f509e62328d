"""Planted: a key may do whatever its owner may."""

from scenarios.defects.card import DefectCard, Twins
from shared.scopes import SCOPES
from shared.settings import ServiceSettings
from svc.gateway.api_keys import ApiKeys, KeyHolder

CARD = DefectCard(
    id="key-scopes-ignored",
    title="The scopes of an API key are decoration",
    parts=("gateway.api_keys",),
    root_cause="Scopes are stored and shown, and the check at the door was left for later.",
    caught_by=("INV-23.key-scope",),
    exposed_by="A key for reading that is used to write.",
    symptoms="A partner's reporting program has changed prices.",
    fix="Compare each request with the key's scopes before it is forwarded.",
    origin="OWASP API5:2023; CWE-285.",
)


def twin(_healthy: type[ApiKeys], _settings: ServiceSettings) -> type[ApiKeys]:
    """Keys without limits."""
    return LimitlessKeys


class LimitlessKeys(ApiKeys):
    """Every key has every scope."""

    async def verify(self, key: str) -> KeyHolder:
        holder = await super().verify(key)
        return KeyHolder(holder.principal, SCOPES)


TWINS: Twins = {"gateway.api_keys": twin}
