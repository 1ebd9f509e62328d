from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

from asyncpg import Connection

# no subclass at run time, but it has every call of a connection
class PoolConnectionProxy(Connection): ...

class PoolAcquireContext(AbstractAsyncContextManager[PoolConnectionProxy]):
    def __await__(self) -> Generator[Any, None, PoolConnectionProxy]: ...

class Pool:
    def acquire(self, *, timeout: float | None = None) -> PoolAcquireContext: ...
    async def release(self, connection: PoolConnectionProxy) -> None: ...
    async def close(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exc: object) -> None: ...
    def __await__(self) -> Generator[Any, None, Self]: ...

def create_pool(
    dsn: str | None = None,
    *,
    min_size: int = 10,
    max_size: int = 10,
    max_inactive_connection_lifetime: float = 300.0,
    init: Callable[[Connection], Awaitable[None]] | None = None,
    timeout: float = 60,
    command_timeout: float | None = None,
    server_settings: Mapping[str, str] | None = None,
) -> Pool: ...
