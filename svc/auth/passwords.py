"""Argon2id away from the event loop: bounded threads, a bounded queue, equal work for known and unknown accounts.

Passwords pass through here and are kept nowhere.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.errors import Kind, Refusal
from svc.auth.settings import Settings

WAITING_MAX = 64
RETRY_AFTER_S = 1
WEAK_MEMORY_KIB = 8
"""Cost of the hash that imported users share; production hashes them like everybody else."""

T = TypeVar("T")


class HashingOverloaded(Refusal):
    code = "overloaded"
    kind = Kind.UNAVAILABLE


class Passwords:
    """Hashes and verifies; at most `hashes_at_once` run, at most `WAITING_MAX` wait, the rest is refused."""

    def __init__(self, settings: Settings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_passes, memory_cost=settings.argon2_memory_kib, parallelism=1
        )
        weak = PasswordHasher(time_cost=1, memory_cost=WEAK_MEMORY_KIB, parallelism=1)
        self._seeding = self._hasher if settings.is_production else weak
        self._threads = ThreadPoolExecutor(settings.hashes_at_once, thread_name_prefix="argon2")
        self._waiting = 0
        self._decoy = ""

    async def open(self) -> None:
        """Make the hash that unknown accounts are verified against, at the same cost as a real one."""
        self._decoy = await self._run(self._hasher.hash, secrets.token_urlsafe(24))

    async def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Raises `HashingOverloaded`."""
        return await self._run(self._hasher.hash, password)

    async def hash_for_seed(self, password: str) -> str:
        """A hash for imported users; cheap outside production."""
        return await self._run(self._seeding.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Without a hash (unknown account) the same work is done and the answer is no. Raises `HashingOverloaded`."""
        matches = await self._run(self._matches, password_hash or self._decoy, password)
        return matches and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= WAITING_MAX:
            raise HashingOverloaded("too many logins at once; try again", retry_after_s=RETRY_AFTER_S)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._waiting -= 1
