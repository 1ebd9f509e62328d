"""The applications of the stack built but not opened, and their route tables: for tests that hold for every service."""

from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from litestar import Litestar

from compose import stack
from shared.contracts import REGISTRY
from tests.support.services import INTERNAL_SECRET, WEBHOOK_SECRET

STACK = stack.load()
SERVICES = tuple(service.name for service in STACK.services)
WITH_DATABASE = tuple(service.name for service in STACK.audited)
BEHIND = tuple(name for name in SERVICES if name != "gateway")
DECLARED = {service.name: service.declaration() for service in STACK.services}
FRAMEWORK_METHODS = frozenset({"OPTIONS", "HEAD"})


class Route(NamedTuple):
    """One method of one path; `roles` holds for each role guard the roles it lets pass."""

    service: str
    method: str
    path: str
    public: bool
    roles: tuple[frozenset[str], ...]

    def __str__(self) -> str:
        return f"{self.service}: {self.method} {self.path}"

    def admits(self, *roles: str) -> bool:
        """Whether a caller with these roles passes every guard."""
        return all(allowed.intersection(roles) for allowed in self.roles)


@cache
def built(service: str) -> Litestar:
    """The application as its composition root makes it; nothing connects before its lifespan starts."""
    settings = import_module(f"svc.{service}.settings").Settings(
        env="test",
        internal_secret=INTERNAL_SECRET,
        webhook_secrets=(WEBHOOK_SECRET,),
        database_url="postgresql://nobody@127.0.0.1:1/none" if service in WITH_DATABASE else "",
    )
    return import_module(f"svc.{service}.app").create_app(settings)


OF_THE_LIBRARY = (
    "/internal/contract",
    "/internal/dead-letters",
    "/internal/consumer",
    "/internal/outbox",
    "/internal/fault-controls",
)
"""How the paths begin that every service has from the shared library."""


@cache
def routes(service: str) -> tuple[Route, ...]:
    """Every route of the service that its authors declared, sorted."""
    found = {
        Route(service, method, _readable(route.path), bool(handler.opt.get("public")), _roles(handler))
        for route in built(service).routes
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods - FRAMEWORK_METHODS
    }
    return tuple(sorted(found))


async def subscribed(service: str) -> frozenset[str]:
    """The event types in the service's subscription, as it tells them to judges itself."""
    for route in built(service).routes:
        if route.path == "/internal/contract":
            (handler,) = (h for h in route.route_handlers if "GET" in h.http_methods)
            return frozenset((await handler.fn()).consumes)
    return frozenset()


def consumed(service: str) -> frozenset[str]:
    """The event types that the service declares it consumes."""
    return frozenset(DECLARED[service].event_types(REGISTRY))


def _roles(handler: Any) -> tuple[frozenset[str], ...]:
    """What the guards made by `requires_role` let pass, read from their closures."""
    functions = (getattr(guard, "func", guard) for guard in handler.resolve_guards())
    cells = (cell.cell_contents for function in functions for cell in function.__closure__ or ())
    return tuple(roles for roles in cells if isinstance(roles, frozenset))


def _readable(path: str) -> str:
    return path if path == "/" else path.rstrip("/")
