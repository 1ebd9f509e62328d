"""Planted: whatever stands in the body of a profile is written to the account."""

import asyncpg
import msgspec
from litestar.types import Receive, Scope, Send

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.edges import given_again, whole_body
from shared.identity import AuthenticationMiddleware
from shared.settings import ServiceSettings

CARD = DefectCard(
    id="profile-takes-roles",
    title="A profile sets its own roles",
    parts=("auth.authentication",),
    root_cause="The body is merged into the row: every field that the table has can be set by whoever may edit one.",
    caught_by=("INV-23.assign-role",),
    exposed_by="An edit of one's name that brings roles along.",
    symptoms="An administrator whom nobody appointed.",
    fix="Decode the body into a closed type of what may be edited; refuse the rest by name.",
    origin="OWASP API3:2023; VAmPI, mass assignment at registration (admin: true).",
)


def twin(_healthy: type[AuthenticationMiddleware], settings: ServiceSettings) -> type[AuthenticationMiddleware]:
    """An edit that takes what it is given."""

    class Merging(AuthenticationMiddleware):
        """Writes the roles of a body, then lets the handler see the name alone."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or (scope["method"], scope["path"]) != ("PATCH", "/api/v1/auth/me"):
                await super().__call__(scope, receive, send)
                return
            app, body = self._app, await whole_body(receive)
            wanted = msgspec.json.decode(body)

            async def entered(scope: Scope, receive: Receive, send: Send) -> None:
                if "roles" in wanted:
                    await _set_roles(settings.database_url, scope["user"].subject, wanted["roles"])
                await app(scope, receive, send)

            kept = msgspec.json.encode({"name": wanted["name"]}) if "name" in wanted else body
            scope["headers"] = [
                (name, str(len(kept)).encode() if name == b"content-length" else value)
                for name, value in scope["headers"]
            ]
            inner = AuthenticationMiddleware(entered, tokens=self._tokens, audience=self._audience)
            await inner(scope, given_again(kept, receive), send)

    return Merging


async def _set_roles(database_url: str, user_id: str, roles: list[str]) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE users SET roles = $2 WHERE id = $1::uuid", user_id, roles)
    finally:
        await connection.close()


TWINS: Twins = {"auth.authentication": twin}
