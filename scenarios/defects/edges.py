"""What twins at the edge of a service do: another caller than the token says, a body read before its handler."""

from collections.abc import Callable
from typing import Final

from litestar.types import ASGIApp, Receive, Scope, Send

from shared.identity import AuthenticationMiddleware, InternalTokens, Principal

BODY_CHUNKS_MAX: Final = 1_000


def as_staff(principal: Principal) -> Principal:
    """A customer whom nobody asks whose things these are: of the staff nobody does."""
    return with_roles(principal, "support") if principal.kind == "customer" else principal


def with_roles(principal: Principal, *roles: str) -> Principal:
    """The same caller with more rights."""
    return Principal(
        principal.subject,
        principal.roles | set(roles),
        principal.kind,
        session=principal.session,
        email=principal.email,
    )


def mistaken(
    app: ASGIApp, change: Callable[[Principal], Principal], *, tokens: InternalTokens, audience: str
) -> AuthenticationMiddleware:
    """An authentication that takes callers for somebody else before they come in."""

    async def entered(scope: Scope, receive: Receive, send: Send) -> None:
        scope["user"] = change(scope["user"])
        await app(scope, receive, send)

    return AuthenticationMiddleware(entered, tokens=tokens, audience=audience)


async def whole_body(receive: Receive) -> bytes:
    """All of it."""
    body = b""
    for _ in range(BODY_CHUNKS_MAX):
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message["body"]
        if not message.get("more_body"):
            break
    return body


def given_again(body: bytes, receive: Receive) -> Receive:
    """A body for the handler to read, once, and after it whatever comes."""
    given = False

    async def read():  # noqa: ANN202 -- one of the server's messages
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return read  # type: ignore[return-value]
