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
    inside,
    keys,
    limits,
    mass_assignment,
    numbers,
    objects,
    orders,
    secrets_kept,
    sessions,
    slow_clients,
    ssrf,
    stored,
    texts,
    things,
    timing,
    tokens,
    webhooks,
    words,
)
from scenarios.probes.card import ProbeCard
from scenarios.probes.probe import Probe

PROBES: Final[tuple[Probe, ...]] = (
    *injection.PROBES,
    *stored.PROBES,
    *words.PROBES,
    *objects.PROBES,
    *things.PROBES,
    *numbers.PROBES,
    *functions.PROBES,
    *mass_assignment.PROBES,
    *tokens.PROBES,
    *sessions.PROBES,
    *timing.PROBES,
    *keys.PROBES,
    *limits.PROBES,
    *door.PROBES,
    *between.PROBES,
    *inside.PROBES,
    *ssrf.PROBES,
    *webhooks.PROBES,
    *orders.PROBES,
    *flows.PROBES,
    *texts.PROBES,
    *secrets_kept.PROBES,
    *erasure.PROBES,
    *bombs.PROBES,
    *slow_clients.PROBES,
)
CARDS: Final[tuple[ProbeCard, ...]] = tuple(probe.card for probe in PROBES)


def probe_of(probe_id: str) -> Probe:
    """Raises KeyError for an attack nobody knows."""
    for probe in PROBES:
        if probe.card.id == probe_id:
            return probe
    raise KeyError(probe_id)
