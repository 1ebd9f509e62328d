"""Every attack there is. A probe that is not listed here is never played; a test finds it."""

from typing import Final

from scenarios.probes import (
    between,
    bombs,
    door,
    erasure,
    flows,
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
    texts,
    things,
    tokens,
    webhooks,
    words,
)
from scenarios.probes.card import ProbeCard
from scenarios.probes.probe import Probe

PROBES: Final[tuple[Probe, ...]] = (
    *injection.PROBES,
    *words.PROBES,
    *objects.PROBES,
    *things.PROBES,
    *functions.PROBES,
    *mass_assignment.PROBES,
    *tokens.PROBES,
    *sessions.PROBES,
    *keys.PROBES,
    *limits.PROBES,
    *door.PROBES,
    *between.PROBES,
    *ssrf.PROBES,
    *webhooks.PROBES,
    *orders.PROBES,
    *flows.PROBES,
    *texts.PROBES,
    *secrets_kept.PROBES,
    *erasure.PROBES,
    *bombs.PROBES,
)
CARDS: Final[tuple[ProbeCard, ...]] = tuple(probe.card for probe in PROBES)


def probe_of(probe_id: str) -> Probe:
    """Raises KeyError for an attack nobody knows."""
    for probe in PROBES:
        if probe.card.id == probe_id:
            return probe
    raise KeyError(probe_id)
