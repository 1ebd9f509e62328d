"""Whom an API key speaks for: asked of auth, remembered for half a minute, taken back within a second.

A key never reaches a service: behind the gateway its request carries the internal token of its owner.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from shared.bounded_map import BoundedMap
from shared.errors import Forbidden, RemoteRefusal, WorldError
from shared.identity import Principal
from shared.scopes import scope_of
from svc.gateway.revocations import Revocations
from svc.gateway.user_tokens import USER_ROLES, IdentityUnavailable, InvalidToken

MARK = "ssk_"
REMEMBERED_S = 30.0
"""The bound within which the owner's new rights count; what was taken back is announced and ends sooner."""
REMEMBERED_MAX = 20_000
REFUSED = 401


class ScopeMissing(Forbidden):
    """The key's owner might do this; the key may not. `scope` is the one it lacks."""

    code = "scope_missing"


class VerifiedKey(msgspec.Struct, frozen=True):
    """Auth's word about a key."""

    key_id: str
    user_id: str
    email: str
    roles: list[str]
    scopes: list[str]
    expires_at: datetime


class KeyHolder(msgspec.Struct, frozen=True):
    """Who comes with a key, and what the key allows."""

    principal: Principal
    scopes: frozenset[str]

    def check(self, area: str, *, reads: bool) -> None:
        """Raises `ScopeMissing`."""
        needed = scope_of(area, reads=reads)
        if needed not in self.scopes:
            raise ScopeMissing("this API key may not do this", scope=needed)


AskAuth = Callable[[str], Awaitable[VerifiedKey]]


class ApiKeys:
    """A bounded memory of keys that auth vouched for; of a refused one nothing is remembered."""

    def __init__(self, ask_auth: AskAuth, revocations: Revocations) -> None:
        self._ask_auth = ask_auth
        self._revoked = revocations.revoked
        self._known: BoundedMap[bytes, tuple[KeyHolder, float]] = BoundedMap(REMEMBERED_MAX)
        self._asking: dict[bytes, asyncio.Task[KeyHolder]] = {}

    async def verify(self, key: str) -> KeyHolder:
        """Raises `InvalidToken`, `IdentityUnavailable`."""
        digest = hashlib.sha256(key.encode()).digest()
        known = self._known.get(digest)
        if known is not None and time.time() < known[1]:
            holder = known[0]
        else:
            holder = await self._ask(digest, key)
        if holder.principal.session in self._revoked:
            raise InvalidToken("the API key is not valid")
        return holder

    async def _ask(self, digest: bytes, key: str) -> KeyHolder:
        """Callers at the same moment share one question."""
        task = self._asking.get(digest)
        if task is None:
            task = self._asking[digest] = asyncio.create_task(self._asked(digest, key), name="api-key")
            task.add_done_callback(lambda done: self._answered(digest, done))
        return await asyncio.shield(task)

    def _answered(self, digest: bytes, done: asyncio.Task[KeyHolder]) -> None:
        del self._asking[digest]
        if not done.cancelled():
            done.exception()  # it is told to those who wait, of whom there may be none left

    async def _asked(self, digest: bytes, key: str) -> KeyHolder:
        try:
            word = await self._ask_auth(key)
        except RemoteRefusal as error:
            if error.status == REFUSED:
                raise InvalidToken("the API key is not valid") from error
            raise IdentityUnavailable("API keys cannot be checked right now; try again") from error
        except (WorldError, OSError) as error:
            raise IdentityUnavailable("API keys cannot be checked right now; try again") from error
        principal = Principal(
            subject=word.user_id,
            roles=USER_ROLES.intersection(word.roles),
            kind="api_key",
            session=word.key_id,
            email=word.email,
        )
        holder = KeyHolder(principal, frozenset(word.scopes))
        self._known.put(digest, (holder, min(time.time() + REMEMBERED_S, word.expires_at.timestamp())))
        return holder
