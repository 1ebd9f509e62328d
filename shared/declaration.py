"""What a service declares of itself, once: its public routes, events, audit views, open work and story.

A file `service.toml` in the service's package. Everybody who needs to know reads it as data, found by the package
that the stack definition names, and never imports the service: the gateway routes by it, the boot makes topics by it,
judges read and wait by it, the operator is told an order's story by it.
"""

import tomllib
from collections.abc import Iterable
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import msgspec

FILE_NAME = "service.toml"
EVERYTHING = "*"
PREFIX = "/api/v1/"


class RouteClass(StrEnum):
    """Decides limit, deadline and when a request is shed."""

    CHECKOUT = "checkout"
    WEBHOOK = "webhook"
    ACCOUNT = "account"
    AUTH = "auth"
    BROWSE = "browse"
    RECOMMENDATIONS = "recommendations"


Access = Literal["signed_in", "read_freely", "open"]


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public path and everything below it; the longest one that fits a request decides.

    `path` begins with `/api/v1/` and has one or two segments more, or is a whole well-known path. `read_freely` asks
    for an access token only where something is changed; on an `open` route none is even looked at. `vouches` makes the
    gateway sign the address of a caller without a token for the service.

    `keyed` are the paths whose POST does its work once per Idempotency-Key, with `*` for one segment: only these are
    repeated when an answer was lost. `recommends` are paths below that only suggest, of the class `recommendations`.
    """

    path: str
    kind: RouteClass = msgspec.field(name="class")
    access: Access = "signed_in"
    vouches: bool = False
    keyed: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.path.startswith("/.well-known/") and self._depth not in (1, 2):
            raise ValueError(f"{self.path}: a public path is {PREFIX}segment or {PREFIX}segment/segment")
        for path in (*self.keyed, *self.recommends):
            if not f"{path}/".startswith(f"{self.path}/"):
                raise ValueError(f"{path} is said of {self.path}, but not below it")

    @property
    def _depth(self) -> int:
        segments = self.path.removeprefix(PREFIX).split("/")
        return len(segments) if self.path.startswith(PREFIX) and all(segments) else 0


class Declaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One service's word about itself.

    `part` is what customers call the part of the shop that needs it. `consumes` are event types, or `*`. `audit` names
    the columns of each of its own views in the schema `audit`; those of the library's tables every database has.
    `open_work` counts what is not done yet, each a query with at most `$1`, the start of a run. `next_due` gives the
    moment at which the service moves next by itself, null for never: of open work by its name, which is then known to
    wait for that moment or for an event, and of whatever else may set something going. `story` gives rows
    `at, what, detail` about the order `$1`.
    """

    part: str = ""
    routes: tuple[Route, ...] = ()
    publishes: tuple[str, ...] = ()
    consumes: tuple[str, ...] = ()
    audit: dict[str, tuple[str, ...]] = {}
    open_work: dict[str, str] = {}
    next_due: dict[str, str] = {}
    story: dict[str, str] = {}

    def event_types(self, known: Iterable[str]) -> tuple[str, ...]:
        """The consumed event types among all `known` ones."""
        return tuple(known) if self.consumes == (EVERYTHING,) else self.consumes


class DeclarationError(Exception):
    """A package without a declaration, or one that cannot be read; names the file."""


def load(package: str) -> Declaration:
    """The declaration of a service package such as `svc.orders`, which is not imported.

    Raises `DeclarationError`.
    """
    try:
        path = _directory(package) / FILE_NAME
        read: dict[str, Any] = tomllib.loads(path.read_text())
        return msgspec.convert(read, Declaration)
    except (OSError, ValueError, ModuleNotFoundError) as error:  # what msgspec and tomllib raise are ValueErrors
        raise DeclarationError(f"the declaration of {package}: {error}") from error


def _directory(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is no package")
    return Path(spec.submodule_search_locations[0])
