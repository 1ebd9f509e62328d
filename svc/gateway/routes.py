"""The routing table: which service answers a path, how important it is, and who may come without a token.

Made of the services' declarations; a path must have passed paths.check before it comes here.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import msgspec

from shared import declaration
from shared.bounded_map import BoundedMap
from shared.declaration import PREFIX, Access, Declaration, RouteClass
from shared.declaration import Route as DeclaredRoute
from shared.errors import Kind, Refusal

REMEMBERED_MAX = 4_096


DEADLINE_S = {
    RouteClass.CHECKOUT: 10.0,
    RouteClass.WEBHOOK: 10.0,
    RouteClass.ACCOUNT: 10.0,
    RouteClass.AUTH: 10.0,
    RouteClass.BROWSE: 5.0,
    RouteClass.RECOMMENDATIONS: 3.0,
}
"""The longest a client can make a request of the class last."""

SHARE_OF_PLACES = {
    RouteClass.CHECKOUT: 1.0,
    RouteClass.WEBHOOK: 1.0,
    RouteClass.ACCOUNT: 0.8,
    RouteClass.AUTH: 0.8,
    RouteClass.BROWSE: 0.6,
    RouteClass.RECOMMENDATIONS: 0.4,
}
"""How full the gateway may be before requests of the class are refused: suggestions go first, checkout last."""


class UnknownRoute(Refusal):
    """No service answers this path."""

    code = "unknown_route"
    kind = Kind.NOT_FOUND


class Route(msgspec.Struct, frozen=True):
    """`label` names the route in spans and logs without ids; `public_methods` need no token.

    `vouches`: a caller without a token is sent on with a token of nobody's, so that the service believes the address.
    `keyed`: a POST here does its work once per Idempotency-Key, so that it may be repeated.
    """

    service: str
    kind: RouteClass
    label: str
    public_methods: frozenset[str] = frozenset()
    ignores_token: bool = False
    vouches: bool = False
    keyed: bool = False


Patterns = list[tuple[str, ...]]
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
READ = frozenset({"GET", "HEAD", "OPTIONS"})
_PUBLIC: dict[Access, frozenset[str]] = {"signed_in": frozenset(), "read_freely": READ, "open": METHODS}


class Routes:
    """The routing table, made of what the services declare."""

    def __init__(self, declarations: Mapping[str, Declaration]) -> None:
        """`declarations` by the service's name. Raises ValueError for a path that two services declare."""
        self._routes: dict[str, Route] = {}
        self._keyed: Patterns = []
        self._recommending: Patterns = []
        self.parts: dict[str, list[str]] = {}
        """What customers call the parts of the shop, and which services each one needs."""
        for service, word in declarations.items():
            for declared in word.routes:
                if declared.path in self._routes:
                    raise ValueError(f"{service} declares {declared.path}, which is another route already")
                self._routes[declared.path] = _route(service, declared)
                self._keyed += (tuple(path.split("/")) for path in declared.keyed)
                self._recommending += (tuple(path.split("/")) for path in declared.recommends)
            if word.part:
                self.parts.setdefault(word.part, []).append(service)
        self.services = tuple(sorted({route.service for route in self._routes.values()}))
        self._remembered: BoundedMap[bytes, Route] = BoundedMap(REMEMBERED_MAX)

    def of(self, path: bytes) -> Route:
        """The route of a checked path. Raises `UnknownRoute`."""
        route = self._remembered.get(path)
        if route is None:
            route = self._find(path)
            self._remembered.put(path, route)
        return route

    def _find(self, path: bytes) -> Route:
        # services decode before they route, so an encoded letter must not lead to another class than the plain one
        text = path.decode("ascii")
        if not text.startswith(PREFIX):
            found = self._routes.get(text)
        else:
            first, _, rest = unquote(text.removeprefix(PREFIX)).strip("/").partition("/")
            second = rest.partition("/")[0]
            found = self._routes.get(f"{PREFIX}{first}/{second}") or self._routes.get(PREFIX + first)
        if found is None:
            raise UnknownRoute("nothing answers at this path")
        segments = unquote(text).rstrip("/").split("/")
        kind = RouteClass.RECOMMENDATIONS if _is_one_of(self._recommending, segments) else found.kind
        return msgspec.structs.replace(found, kind=kind, keyed=_is_one_of(self._keyed, segments))


def _is_one_of(patterns: Patterns, segments: list[str]) -> bool:
    return any(
        len(pattern) == len(segments)
        and all(part in ("*", segment) for part, segment in zip(pattern, segments, strict=True))
        for pattern in patterns
    )


def load(packages: Iterable[str]) -> Routes:
    """The table of the service packages, such as `svc.orders`. Raises `DeclarationError`, ValueError."""
    return Routes({package.rpartition(".")[2]: declaration.load(package) for package in packages})


def _route(service: str, declared: DeclaredRoute) -> Route:
    return Route(
        service,
        declared.kind,
        declared.path,
        public_methods=_PUBLIC[declared.access],
        ignores_token=declared.access == "open",
        vouches=declared.vouches,
    )
