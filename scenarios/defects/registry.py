"""Which twin stands for which defect at which seam. The fault overlay asks here; nothing else does."""

from collections.abc import Callable
from typing import Any

from scenarios.defects.flash_sale import CARDS, TWINS
from scenarios.plan import DefectCard

Twin = Callable[..., Any]


def twin_for(defect_id: str, seam: str) -> Twin | None:
    """The twin factory of a defect at a seam, None where it leaves the seam alone.

    Raises LookupError for a defect nobody knows.
    """
    return TWINS[defect_id] if card(defect_id).seam == seam else None


def card(defect_id: str) -> DefectCard:
    """The catalogue entry of a defect. Raises LookupError."""
    for known in CARDS:
        if known.id == defect_id:
            return known
    raise LookupError(f"no defect is called {defect_id!r}")
