"""Where an attacker in another process gets credentials from: each request for one gives a person of her own.

A tool logs out, changes passwords and deletes accounts as it goes: with one person it would soon talk to closed doors.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

from aiohttp import web

from shared.identity import Principal
from tests.support.services import Served

EVERY_ROLE = ("customer", "seller", "support", "admin")
INSIDE = ("service", "operator")
"""What nobody can be who comes through the gateway."""
PASSWORD = "a password of an attacker's 9"


@asynccontextmanager
async def desk(issue: Callable[[], Awaitable[str]]) -> AsyncIterator[str]:
    """The address at which `issue` is called for everybody who asks."""

    async def give(_: web.Request) -> web.Response:
        return web.Response(text=await issue())

    app = web.Application()
    app.router.add_get("/", give)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def internal_token(service: Served) -> str:
    """Somebody new with every role there is, so that every route of this service is reached."""
    who = Principal(str(uuid4()), frozenset((*EVERY_ROLE, *INSIDE)), "customer", str(uuid4()), "attacker@example.com")
    if service.name == "auth":
        user_id = await _account(service)
        who = Principal(user_id, who.roles, who.kind, who.session, who.email)
    return service.tokens.mint(who, service.name)


async def access_token(auth: Served) -> str:
    """Somebody new with every role, signed in."""
    wanted = {"subjects": [await _account(auth)], "ttl_s": 300}
    status, issued = await auth.call("POST", "/internal/tokens", json=wanted)
    assert status < 300, issued
    return issued["items"][0]["access_token"]


async def _account(auth: Served) -> str:
    email = f"attacker-{uuid4().hex}@example.com"
    item = {"email": email, "name": "Mallory", "password": PASSWORD, "roles": list(EVERY_ROLE)}
    status, imported = await auth.call("POST", "/internal/users/import", json={"items": [item]})
    assert status < 300, imported
    return imported["items"][0]["user_id"]
