"""Planted: a service reads from a header what the caller may do, and the door lets the header in."""

from collections.abc import Callable

from litestar.types import Receive, Scope, Send
from multidict import CIMultiDict

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.edges import mistaken, with_roles
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings
from svc.gateway.headers import RawHeaders

CARD = DefectCard(
    id="identity-from-headers",
    title="A header says what its sender may do",
    parts=("gateway.forwarded_headers", "catalog.authentication"),
    root_cause="Roles travel in a plain header, and the gateway leaves there what clients wrote.",
    caught_by=("INV-23.spoofed-identity",),
    exposed_by="A client that sends the header itself.",
    symptoms="Products and categories made by customers; the audit log calls them administrators.",
    fix="Sign what the gateway says; take identity headers of clients away.",
    origin="CWE-290; CVE-2025-29927 (Next.js middleware header).",
)


Filter = Callable[[RawHeaders, bytes | None], CIMultiDict[str]]
ROLES_HEADER = b"x-user-roles"


def letting_in(healthy: Filter, _settings: ServiceSettings) -> Filter:
    """Headers with what clients say of themselves."""

    def forwarded(received: RawHeaders, connection: bytes | None) -> CIMultiDict[str]:
        pairs = list(received)
        headers = healthy(pairs, connection)
        for name, value in pairs:
            if name == ROLES_HEADER:
                headers.add(name.decode("latin-1"), value.decode("latin-1"))
        return headers

    return forwarded


def believing(_healthy: type[AuthenticationMiddleware], _settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """An authentication that reads the header."""
    return BelievesHeaders


class BelievesHeaders(AuthenticationMiddleware):
    """Adds the roles of the header to those of the token."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = [value.decode("latin-1").split(",") for name, value in scope["headers"] if name == ROLES_HEADER]
        roles = [role for one in named for role in one]
        inner = mistaken(self._app, lambda it: with_roles(it, *roles), tokens=self._tokens, audience=self._audience)
        await inner(scope, receive, send)


TWINS: Twins = {"gateway.forwarded_headers": letting_in, "catalog.authentication": believing}
