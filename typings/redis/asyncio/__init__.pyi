from collections.abc import AsyncIterator
from typing import Any, Self

from redis.asyncio.client import Pipeline
from redis.asyncio.lock import Lock
from redis.asyncio.retry import Retry
from redis.commands.core import AsyncScript

class BlockingConnectionPool:
    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        decode_responses: bool = False,
        socket_timeout: float | None = None,
        socket_connect_timeout: float | None = None,
        max_connections: int = 50,
        timeout: float | None = 20,
        retry: Retry | None = None,
    ) -> Self: ...

class Redis:
    @classmethod
    def from_pool(cls, connection_pool: BlockingConnectionPool) -> Self: ...
    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        decode_responses: bool = False,
        socket_timeout: float | None = None,
        socket_connect_timeout: float | None = None,
        max_connections: int | None = None,
        retry: Retry | None = None,
    ) -> Self: ...
    async def aclose(self) -> None: ...
    async def ping(self) -> bool: ...
    async def get(self, name: str) -> Any: ...
    async def set(
        self, name: str, value: str | bytes | int, *, ex: int | None = None, px: int | None = None, nx: bool = False
    ) -> bool | None: ...
    async def incrby(self, name: str, amount: int) -> int: ...
    async def decrby(self, name: str, amount: int) -> int: ...
    async def delete(self, *names: str) -> int: ...
    async def dbsize(self) -> int: ...
    async def flushall(self) -> bool: ...
    def scan_iter(self, match: str | None = None, count: int | None = None) -> AsyncIterator[bytes]: ...
    async def unlink(self, *names: str | bytes) -> int: ...
    async def exists(self, *names: str) -> int: ...
    async def hdel(self, name: str, *keys: str) -> int: ...
    async def zrangebyscore(
        self,
        name: str,
        min: float | str,
        max: float | str,
        *,
        start: int | None = None,
        num: int | None = None,
        withscores: bool = False,
    ) -> list[Any]: ...
    def pipeline(self, *, transaction: bool = True) -> Pipeline: ...
    def register_script(self, script: str) -> AsyncScript: ...
    def lock(
        self,
        name: str,
        *,
        timeout: float | None = None,
        sleep: float = 0.1,
        blocking: bool = True,
        blocking_timeout: float | None = None,
        thread_local: bool = True,
    ) -> Lock: ...
