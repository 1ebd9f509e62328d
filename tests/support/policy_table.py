"""Who may call what: every route of every service × every kind of caller, made of what the services declare.

Run as a module it writes the table: `python -m tests.support.policy_table docs/policy.md` (`nox -s policy`).
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from shared.identity import Principal
from shared.scopes import SCOPES, scope_of
from svc.gateway.routes import READ, Routes, UnknownRoute
from tests.support.apps import BEHIND, DECLARED, Route, routes
from tests.support.probes import filled

ROLES: Final = ("customer", "seller", "support", "admin")
INSIDE: Final = ("service", "operator")
CALLERS: Final = ("anonymous", *ROLES, "API key", *INSIDE)
TABLE: Final = Routes({name: DECLARED[name] for name in BEHIND})
IN, UNKNOWN_CALLER, FORBIDDEN, ABSENT = "yes", "401", "403", "404"
HEAD: Final = """# Who may call what

Made by `nox -s policy` of what services declare; a test compares it. `yes` lets the caller reach the handler, who then
asks whose things they are: another's are answered with 404 like things that are not there. `401` and `403` are refused
before that, `404` is what the gateway says of paths that are not for the public. An API key needs its owner's role and
the scope that is named. Services and the operator come past the gateway, with a token for that service.
"""


class Line(NamedTuple):
    """One route; `cells` say for each of `CALLERS` what comes of a call."""

    route: Route
    cells: tuple[str, ...]


def lines() -> Iterator[Line]:
    """Every route of every service, sorted."""
    for service in BEHIND:
        for route in routes(service):
            yield Line(route, tuple(cell(route, caller) for caller in CALLERS))


def cell(route: Route, caller: str) -> str:
    """What comes of a call: by the gateway's table, then by the service's own guards."""
    if caller in INSIDE:
        return _within(route, *INSIDES[caller])
    if not is_public_path(route):
        return ABSENT
    door = TABLE.of(filled(route.path).encode())
    if caller == "anonymous":
        return IN if route.public and route.method in door.public_methods else UNKNOWN_CALLER
    if caller == "API key":
        needed = scope_of(door.service, reads=route.method in READ)
        if door.ignores_token:
            return IN
        return needed if needed in SCOPES else FORBIDDEN
    return _within(route, caller)


INSIDES: Final = {"service": ("service",), "operator": ("operator", "admin", "service")}


def is_public_path(route: Route) -> bool:
    """Whether the gateway knows the path at all."""
    try:
        return TABLE.of(filled(route.path).encode()).service == route.service
    except UnknownRoute:
        return False


def _within(route: Route, *roles: str) -> str:
    who = Principal("somebody", frozenset(roles))
    return IN if route.admits(*who.roles) else FORBIDDEN


def page() -> str:
    """The table as Markdown."""
    said = [HEAD]
    for service in BEHIND:
        own = [line for line in lines() if line.route.service == service]
        said += [f"\n## {service}\n", f"| route | {' | '.join(CALLERS)} |", f"|---|{'---|' * len(CALLERS)}"]
        said += [f"| `{one.route.method} {one.route.path}` | {' | '.join(one.cells)} |" for one in own]
    return "\n".join(said) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
