"""The defects of incident 01, one file each: card and twin.

The cards are data; a twin's module, which imports the service it breaks, is loaded only when its defect is planted.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from scenarios.defects.flash_sale.cards import CARDS

__all__ = ["CARDS", "TWINS"]


class _Twins(Mapping[str, Callable[..., Any]]):
    """Defect id → twin factory, imported on demand."""

    def __getitem__(self, defect_id: str) -> Callable[..., Any]:
        if defect_id not in self:
            raise KeyError(defect_id)
        return import_module(f"{__name__}.{defect_id.replace('-', '_')}").twin

    def __contains__(self, defect_id: object) -> bool:
        return any(card.id == defect_id for card in CARDS)

    def __iter__(self) -> Iterator[str]:
        return iter(card.id for card in CARDS)

    def __len__(self) -> int:
        return len(CARDS)


TWINS: Mapping[str, Callable[..., Any]] = _Twins()
