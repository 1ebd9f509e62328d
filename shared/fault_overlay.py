"""Replaces healthy parts of a service by the broken twins of planted defects, as told by the overlay file.

Used by drills only; refused in production. Without an overlay nothing of the defect catalogue is imported.
"""

import functools
import importlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import FunctionType
from typing import Any, Literal, TypeVar

import msgspec
import structlog

from shared.sealing import SealBrokenError, seal, unseal
from shared.service_parts import ServiceParts
from shared.settings import ServiceSettings

CATALOGUE_MODULE = "scenarios.defects.catalogue"
DEFECTS_MAX = 32
SEAL_PURPOSE = "fault overlay"

P = TypeVar("P", bound=ServiceParts)
log = structlog.get_logger(__name__)


class OverlayRefusedError(Exception):
    """The overlay cannot be applied: production, malformed, or it names a defect or part nobody knows."""


class TriggerSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a defect shows itself: `always`, `once`, on the `nth` call of its parts, or the first n `times`."""

    kind: Literal["always", "once", "nth", "times"] = "always"
    n: int = 1

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError("n must be at least 1")


class PlantedDefect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One defect, wherever it has parts but in the services `healthy_in`, which run the release before."""

    id: str
    trigger: TriggerSpec = TriggerSpec()
    healthy_in: tuple[str, ...] = ()


class OverlayFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to be planted; `sealed` holds another such file that nobody should read, as in a drill."""

    defects: tuple[PlantedDefect, ...] = ()
    sealed: str = ""


class Planted(msgspec.Struct, frozen=True):
    """What a process says of a defect in it: the parts replaced, how often they were called, how often it struck."""

    defect: str
    parts: tuple[str, ...]
    calls: int
    fired: int


class Account(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that a process says of the defects in it; under a sealed overlay it says it sealed."""

    planted: tuple[Planted, ...] = ()
    sealed: str = ""

    def opened(self, secret: str) -> tuple[Planted, ...]:
        """What is planted. Raises SealBrokenError."""
        if not self.sealed:
            return self.planted
        return msgspec.json.decode(unseal(self.sealed, secret=secret, purpose=SEAL_PURPOSE), type=tuple[Planted, ...])


class Trigger:
    """Counts the calls of a defect's parts and tells which of them the twin takes; one counter per process."""

    def __init__(self, spec: TriggerSpec) -> None:
        self.spec = spec
        self.calls = 0
        self.fired = 0
        self._lock = threading.Lock()

    def fires(self) -> bool:
        """Count one call; True when the defect is due on this one."""
        with self._lock:
            self.calls += 1
            due = self._is_due(self.calls)
            self.fired += due
        return due

    def _is_due(self, call: int) -> bool:
        match self.spec.kind:
            case "always":
                return True
            case "once":
                return call == 1
            case "nth":
                return call == self.spec.n
            case "times":
                return call <= self.spec.n


class Overlay:
    """The defects of this process, applied at composition time."""

    def __init__(self, defects: tuple[PlantedDefect, ...] = (), *, secret: str = "") -> None:
        """With a secret, what is planted is told to nobody who lacks it."""
        self.defects = defects
        self._secret = secret
        self._triggers = {defect.id: Trigger(defect.trigger) for defect in defects}
        self._parts: dict[str, list[str]] = {}

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
            written = msgspec.json.decode(path.read_bytes(), type=OverlayFile)
            overlay = opened(written, settings.internal_secret) if written.sealed else written
        except (OSError, msgspec.MsgspecError, SealBrokenError) as error:
            raise OverlayRefusedError(f"fault overlay {path} cannot be read: {error}") from error
        if overlay.defects and settings.is_production:
            raise OverlayRefusedError(
                f"fault overlay {path} names {len(overlay.defects)} defect(s); "
                "planted defects are refused when SHOPSTREAM_ENV=production"
            )
        if len(overlay.defects) > DEFECTS_MAX:
            raise OverlayRefusedError(f"fault overlay {path} names more than {DEFECTS_MAX} defects")
        return cls(overlay.defects, secret=settings.internal_secret if written.sealed else "")

    def plant(self, settings: ServiceSettings, parts: P) -> P:
        """The parts with the twins of every defect that replaces some of this service's.

        Raises OverlayRefusedError for a defect nobody knows, a part the service does not have, and a trigger that the
        twin of a class cannot follow.
        """
        for defect in self.defects:
            if settings.service in defect.healthy_in:
                continue
            for name, twin in _twins_of(defect.id).items():
                owner, _, part = name.partition(".")
                if owner != settings.service:
                    continue
                if not hasattr(parts, part):
                    raise OverlayRefusedError(f"defect {defect.id} replaces {name}; {owner} has no such part")
                healthy = getattr(parts, part)
                part_of_both = switched(healthy, twin(healthy, settings), self._triggers[defect.id])
                parts = replace(parts, **{part: part_of_both})
                self._parts.setdefault(defect.id, []).append(name)
        return parts

    def account(self) -> Account:
        """What is in this process and what it did so far, for whoever planted it."""
        planted = tuple(
            Planted(defect, tuple(parts), self._triggers[defect].calls, self._triggers[defect].fired)
            for defect, parts in self._parts.items()
        )
        if not self._secret:
            return Account(planted)
        return Account(sealed=seal(msgspec.json.encode(planted), secret=self._secret, purpose=SEAL_PURPOSE))


def sealed(overlay: OverlayFile, secret: str) -> OverlayFile:
    """The same overlay, readable by the fleet only."""
    return OverlayFile(sealed=seal(msgspec.json.encode(overlay), secret=secret, purpose=SEAL_PURPOSE))


def opened(overlay: OverlayFile, secret: str) -> OverlayFile:
    """What a sealed overlay holds. Raises SealBrokenError."""
    return msgspec.json.decode(unseal(overlay.sealed, secret=secret, purpose=SEAL_PURPOSE), type=OverlayFile)


def switched(healthy: Any, broken: Any, trigger: Trigger) -> Any:
    """A part that is the `broken` one on the calls on which the trigger fires, and `healthy` on all others.

    A function is switched per call. A class is switched per call of a method that its twin, a subclass, overrides;
    both share the object's state, and the twin's constructor is always the one that runs.
    """
    if isinstance(healthy, type):
        if not (isinstance(broken, type) and issubclass(broken, healthy)):
            raise OverlayRefusedError(f"the twin of the class {healthy.__name__} is not a subclass of it")
        return _switched_class(healthy, broken, trigger)
    if not (callable(healthy) and callable(broken)):
        raise OverlayRefusedError(f"a part is a function or a class, not {healthy!r}")
    return _switched_function(healthy, broken, trigger)


def _switched_function(healthy: Callable[..., Any], broken: Callable[..., Any], trigger: Trigger) -> Callable[..., Any]:
    # a coroutine function needs no await here: calling it gives its coroutine
    @functools.wraps(healthy)
    def call(*args: Any, **kwargs: Any) -> Any:
        return broken(*args, **kwargs) if trigger.fires() else healthy(*args, **kwargs)

    return call


def _switched_class(healthy: type, broken: type, trigger: Trigger) -> type:
    methods: dict[str, Any] = {}
    for name, value in _overrides(healthy, broken).items():
        if isinstance(value, FunctionType):
            methods[name] = _switched_function(getattr(healthy, name), value, trigger)
        elif trigger.spec.kind != "always":
            raise OverlayRefusedError(f"{broken.__name__}.{name} is no method and cannot be switched from call to call")
    return type(broken.__name__, (broken,), methods)


def _overrides(healthy: type, broken: type) -> Mapping[str, object]:
    """What the twin puts in the place of something its parent has, but for the constructor."""
    found: dict[str, object] = {}
    for ancestor in broken.__mro__[: broken.__mro__.index(healthy)]:
        for name, value in vars(ancestor).items():
            named_by_python = name.startswith("__") and not isinstance(value, FunctionType)
            if name != "__init__" and not named_by_python and hasattr(healthy, name):
                found.setdefault(name, value)
    return found


def _twins_of(defect_id: str) -> Mapping[str, Callable[[Any, ServiceSettings], Any]]:
    catalogue = importlib.import_module(CATALOGUE_MODULE)
    try:
        return catalogue.twins_of(defect_id)
    except LookupError as error:
        raise OverlayRefusedError(f"unknown defect {defect_id!r}: {error}") from error
