"""Swaps a healthy part for its planted-defect twin at a named seam, as told by the overlay file.

Used by drills only; refused in production. Without an overlay nothing of the defect catalogue is imported.
"""

import importlib
import inspect
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import msgspec

from shared.settings import ServiceSettings

REGISTRY_MODULE = "scenarios.defects.registry"
DEFECTS_MAX = 32

T = TypeVar("T")


class OverlayRefusedError(Exception):
    """The overlay cannot be applied: production, malformed, or it names a defect nobody knows."""


class TriggerSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a defect shows itself: `always`, `once`, on the `nth` call, or the first n `times`."""

    kind: Literal["always", "once", "nth", "times"] = "always"
    n: int = 1

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError("n must be at least 1")


class Defect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    trigger: TriggerSpec = TriggerSpec()


class OverlayFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    defects: tuple[Defect, ...] = ()


class Trigger:
    """Counts the calls a twin sees and tells on which of them to misbehave; one counter per process."""

    def __init__(self, spec: TriggerSpec) -> None:
        self.spec = spec
        self.calls = 0
        self._lock = threading.Lock()

    def fires(self) -> bool:
        """Count one call; True when the defect is due on this one."""
        with self._lock:
            self.calls += 1
            calls = self.calls
        match self.spec.kind:
            case "always":
                return True
            case "once":
                return calls == 1
            case "nth":
                return calls == self.spec.n
            case "times":
                return calls <= self.spec.n


class Overlay:
    """The defects of this process, applied at composition time."""

    def __init__(self, defects: tuple[Defect, ...] = ()) -> None:
        self.defects = defects
        self.applied: list[tuple[str, str]] = []
        self._triggers = {defect.id: Trigger(defect.trigger) for defect in defects}

    @classmethod
    def load(cls, settings: ServiceSettings) -> "Overlay":
        """Read settings.overlay_file (an absent file is an empty overlay).

        Raises OverlayRefusedError when the file names a defect in production, or cannot be read as one.
        """
        if not settings.overlay_file:
            return cls()
        path = Path(settings.overlay_file)
        if not path.exists():
            return cls()
        try:
            overlay = msgspec.json.decode(path.read_bytes(), type=OverlayFile)
        except (OSError, msgspec.MsgspecError) as error:
            raise OverlayRefusedError(f"fault overlay {path} cannot be read: {error}") from error
        if overlay.defects and settings.is_production:
            raise OverlayRefusedError(
                f"fault overlay {path} names {len(overlay.defects)} defect(s); "
                "planted defects are refused when SHOPSTREAM_ENV=production"
            )
        if len(overlay.defects) > DEFECTS_MAX:
            raise OverlayRefusedError(f"fault overlay {path} names more than {DEFECTS_MAX} defects")
        return cls(overlay.defects)

    def trigger(self, defect_id: str) -> Trigger:
        """Return the trigger all twins of one defect share in this process."""
        return self._triggers[defect_id]

    def seam(self, name: str, healthy: T) -> T:
        """Return the healthy object, wrapped in the twin of every defect that has one at this seam.

        A twin factory is called as `twin(healthy)`; one that has a `trigger` parameter is given the Trigger.
        """
        current = healthy
        for defect in self.defects:
            twin = _twin_for(defect.id, name)
            if twin is None:
                continue
            current = cast("T", self._build(twin, current, defect))
            self.applied.append((defect.id, name))
        return current

    def _build(self, twin: Callable[..., Any], healthy: object, defect: Defect) -> object:
        if "trigger" in inspect.signature(twin).parameters:
            return twin(healthy, trigger=self.trigger(defect.id))
        if defect.trigger.kind != "always":
            raise OverlayRefusedError(
                f"defect {defect.id} has the trigger {defect.trigger.kind!r}, "
                "but its twin takes no trigger and would misbehave always"
            )
        return twin(healthy)


def _twin_for(defect_id: str, seam_name: str) -> Callable[..., Any] | None:
    registry = importlib.import_module(REGISTRY_MODULE)
    try:
        return registry.twin_for(defect_id, seam_name)
    except LookupError as error:
        raise OverlayRefusedError(f"unknown defect {defect_id!r}: {error}") from error
