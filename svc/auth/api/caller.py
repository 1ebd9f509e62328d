"""Who calls and from where, as far as auth's own routes need it."""

from typing import Any
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from shared.errors import Unauthenticated
from shared.identity import ADDRESS_HEADER, HEADER, Principal

ADDRESS_LENGTH_MAX = 64


def requires_user(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Litestar guard: a signed-in person; raises Unauthenticated for the gateway's anonymous callers too."""
    user_id_of(connection.scope["user"])


def user_id_of(principal: Principal) -> UUID:
    """Raises Unauthenticated when the caller is not a person with an account."""
    if principal.kind == "anonymous":
        raise Unauthenticated("sign in first")
    try:
        return UUID(principal.subject)
    except ValueError as error:
        raise Unauthenticated("this is for people with an account") from error


def session_id_of(principal: Principal) -> UUID | None:
    return UUID(principal.session) if principal.session else None


def address_of(request: Request[Any, Any, Any]) -> str:
    """The client's address: the gateway's word for it when the gateway vouches for the request, else the socket's."""
    told = request.headers.get(ADDRESS_HEADER)
    if told and HEADER in request.headers:
        return told[:ADDRESS_LENGTH_MAX]
    return request.client.host if request.client else "unknown"
