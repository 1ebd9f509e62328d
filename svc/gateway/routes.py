"""The routing table: which service answers a path, how important it is, and who may come without a token.

Data and look-ups only; a path must have passed paths.check before it comes here.
"""

from enum import StrEnum
from urllib.parse import unquote

import msgspec

from shared.bounded_map import BoundedMap
from shared.errors import Kind, Refusal

PREFIX = b"/api/v1/"
JWKS_PATH = b"/.well-known/jwks.json"
REMEMBERED_MAX = 4_096


class RouteClass(StrEnum):
    """Decides limit, deadline and when a request is shed."""

    CHECKOUT = "checkout"
    WEBHOOK = "webhook"
    ACCOUNT = "account"
    AUTH = "auth"
    BROWSE = "browse"


DEADLINE_S = {
    RouteClass.CHECKOUT: 10.0,
    RouteClass.WEBHOOK: 10.0,
    RouteClass.ACCOUNT: 10.0,
    RouteClass.AUTH: 10.0,
    RouteClass.BROWSE: 5.0,
}
"""The longest a client can make a request of the class last."""

SHARE_OF_PLACES = {
    RouteClass.CHECKOUT: 1.0,
    RouteClass.WEBHOOK: 1.0,
    RouteClass.ACCOUNT: 0.8,
    RouteClass.AUTH: 0.8,
    RouteClass.BROWSE: 0.6,
}
"""How full the gateway may be before requests of the class are refused: browsing goes first, checkout last."""


class UnknownRoute(Refusal):
    """No service answers this path."""

    code = "unknown_route"
    kind = Kind.NOT_FOUND


class Route(msgspec.Struct, frozen=True):
    """`label` names the route in spans and logs without ids; `public_methods` need no token."""

    service: str
    kind: RouteClass
    label: str
    public_methods: frozenset[str] = frozenset()
    ignores_token: bool = False


_ALL = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_READ = frozenset({"GET", "HEAD", "OPTIONS"})

_SEGMENTS: dict[str, tuple[str, RouteClass, frozenset[str]]] = {
    "auth": ("auth", RouteClass.ACCOUNT, frozenset()),
    "users": ("auth", RouteClass.ACCOUNT, frozenset()),
    "products": ("catalog", RouteClass.BROWSE, _READ),
    "categories": ("catalog", RouteClass.BROWSE, _READ),
    "stock": ("inventory", RouteClass.BROWSE, _READ),
    "cart": ("orders", RouteClass.CHECKOUT, frozenset()),
    "orders": ("orders", RouteClass.CHECKOUT, frozenset()),
    "coupons": ("orders", RouteClass.CHECKOUT, frozenset()),
    "payments": ("payments", RouteClass.CHECKOUT, frozenset()),
    "refunds": ("payments", RouteClass.CHECKOUT, frozenset()),
    "shipping": ("shipping", RouteClass.ACCOUNT, frozenset()),
    "shipments": ("shipping", RouteClass.ACCOUNT, frozenset()),
    "search": ("search", RouteClass.BROWSE, _READ),
    "notifications": ("notifications", RouteClass.ACCOUNT, frozenset()),
    "reports": ("analytics", RouteClass.ACCOUNT, frozenset()),
}

# whole paths, or paths and what lies below them, that differ from their first segment
_EXCEPTIONS: dict[str, Route] = {
    "auth/register": Route("auth", RouteClass.AUTH, "/api/v1/auth/register", _ALL, ignores_token=True),
    "auth/login": Route("auth", RouteClass.AUTH, "/api/v1/auth/login", _ALL, ignores_token=True),
    "auth/refresh": Route("auth", RouteClass.AUTH, "/api/v1/auth/refresh", _ALL, ignores_token=True),
    "auth/password": Route("auth", RouteClass.AUTH, "/api/v1/auth/password"),
    "shipping/rates": Route("shipping", RouteClass.BROWSE, "/api/v1/shipping/rates", _READ),
    "webhooks/psp": Route("payments", RouteClass.WEBHOOK, "/api/v1/webhooks/psp", _ALL, ignores_token=True),
    "webhooks/carrier": Route("shipping", RouteClass.WEBHOOK, "/api/v1/webhooks/carrier", _ALL, ignores_token=True),
}
_JWKS = Route("auth", RouteClass.BROWSE, "/.well-known/jwks.json", _READ, ignores_token=True)

SERVICES = tuple(sorted({service for service, _, _ in _SEGMENTS.values()}))
METHODS = _ALL

_remembered: BoundedMap[bytes, Route] = BoundedMap(REMEMBERED_MAX)


def route_of(path: bytes) -> Route:
    """The route of a checked path. Raises `UnknownRoute`."""
    route = _remembered.get(path)
    if route is None:
        route = _find(path)
        _remembered.put(path, route)
    return route


def _find(path: bytes) -> Route:
    if path == JWKS_PATH:
        return _JWKS
    if not path.startswith(PREFIX):
        raise UnknownRoute("nothing answers at this path")
    # services decode before they route, so an encoded letter must not lead to another class than the plain one
    first, _, rest = unquote(path[len(PREFIX) :].decode("ascii")).strip("/").partition("/")
    exception = _EXCEPTIONS.get(f"{first}/{rest.partition('/')[0]}")
    if exception is not None:
        return exception
    found = _SEGMENTS.get(first)
    if found is None:
        raise UnknownRoute("nothing answers at this path")
    service, kind, public = found
    return Route(service, kind, f"/api/v1/{first}", public)
