"""What the catalogue says of one planted defect, and what a defect puts in the place of healthy parts."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shared.settings import ServiceSettings

Twin = Callable[[Any, ServiceSettings], Any]
"""Makes the broken part from the healthy one and from what its process was told at its start.

Of a function it makes another, of a class a subclass. Whether it is due is not its business: the overlay calls the
healthy part on every call on which the defect's trigger does not fire.
"""
Twins = Mapping[str, Twin]
"""`service.part` → twin; several parts, of several services, where the defect needs them."""


class DefectCard(msgspec.Struct, frozen=True, kw_only=True):
    """One planted defect, as the catalogue shows it.

    `parts` are those it replaces, as `service.part`. `caught_by` are the invariants of which at least one must fail,
    `exposed_by` is the load that makes it show, `form` the scenario's form that is such a load, `origin` where the kind
    is known from in public.
    """

    id: str
    title: str
    parts: tuple[str, ...]
    root_cause: str
    caught_by: tuple[str, ...]
    exposed_by: str
    form: str = "quick"
    symptoms: str
    fix: str
    origin: str

    @property
    def services(self) -> tuple[str, ...]:
        """Those with a part that is replaced: they start anew when the defect is planted or healed."""
        return tuple(sorted({part.partition(".")[0] for part in self.parts}))
