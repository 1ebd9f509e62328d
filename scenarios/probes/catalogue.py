"""Every attack there is. A probe that is not listed here is never played; a test finds it."""

from typing import Final

from scenarios.probes import (
    bombs,
    door,
    functions,
    injection,
    keys,
    limits,
    mass_assignment,
    objects,
    orders,
    secrets_kept,
    sessions,
    ssrf,
    tokens,
    webhooks,
)
from scenarios.probes.card import ProbeCard
from scenarios.probes.probe import Probe

PROBES: Final[tuple[Probe, ...]] = (
    *injection.PROBES,
    *objects.PROBES,
    *functions.PROBES,
    *mass_assignment.PROBES,
    *tokens.PROBES,
    *sessions.PROBES,
    *keys.PROBES,
    *limits.PROBES,
    *door.PROBES,
    *ssrf.PROBES,
    *webhooks.PROBES,
    *orders.PROBES,
    *secrets_kept.PROBES,
    *bombs.PROBES,
)
CARDS: Final[tuple[ProbeCard, ...]] = tuple(probe.card for probe in PROBES)


def probe_of(probe_id: str) -> Probe:
    """Raises KeyError for an attack nobody knows."""
    for probe in PROBES:
        if probe.card.id == probe_id:
            return probe
    raise KeyError(probe_id)
