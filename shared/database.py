"""One service's PostgreSQL: a bounded asyncpg pool for the hot paths, a SQLAlchemy engine for the edges.

Nobody commits but the context managers here; handlers receive an open unit of work.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import msgspec
import structlog
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from shared.errors import DatabaseBusyError, DatabaseUnavailableError, InvalidValue, WorldError
from shared.unit_of_work import Connection, OrmUnitOfWork, UnitOfWork

POOL_SIZE_MAX = 6
ORM_POOL_SIZE = 1
ORM_POOL_OVERFLOW = 3
ACQUIRE_TIMEOUT_S = 5.0
STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 4_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000
IDLE_CONNECTION_LIFETIME_S = 10.0
ANSWER_BELIEVED_S = 1.0

log = structlog.get_logger(__name__)

GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,
)
"""The server's own word that it cannot be used now, also where the driver has read it and seen no end yet."""
CONTENDED = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""The server is there and stopped the transaction: others were in its way, or it takes too long by itself."""


async def prepare_connection(connection: asyncpg.Connection) -> None:
    """Speak JSON columns as Python values."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=_encode_json, decoder=msgspec.json.decode, format="text"
        )


@contextmanager
def _at_the_pool() -> Generator[None]:
    """No connection can be had or given back: that is the world's doing."""
    try:
        yield
    except (TimeoutError, PoolTimeoutError) as error:
        raise DatabaseUnavailableError(f"no connection within {ACQUIRE_TIMEOUT_S} s") from error
    except (OSError, asyncpg.InterfaceError, DBAPIError, *GONE) as error:
        raise DatabaseUnavailableError(repr(error)) from error


@contextmanager
def _using(connection: Connection) -> Generator[None]:
    """With a connection in hand, only its loss and the server's own word are the world's doing.

    An `OSError`, a time-out or a misuse of the driver in the block is a bug of the block like any other.
    """
    try:
        yield
    except Exception as error:
        meaning = _meaning(error, connection)
        if meaning is None:
            raise
        raise meaning from error


def _meaning(error: Exception, connection: Connection) -> InvalidValue | WorldError | None:
    cause = error
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig is not None else None
    if isinstance(cause, CONTENDED):
        return DatabaseBusyError(repr(cause))
    if isinstance(cause, Exception) and _is_of_value(cause):
        log.warning("value_not_taken", error=type(cause).__name__, exc_info=error)
        return InvalidValue("a value of this request cannot be stored or compared")
    if isinstance(cause, GONE) or (
        isinstance(error, OSError | asyncpg.InterfaceError | DBAPIError) and _is_lost(connection)
    ):
        return DatabaseUnavailableError(repr(error))
    return None


def _is_lost(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken it back already, which it does with those that broke
        return True


def _is_of_value(error: Exception) -> bool:
    """Whether the server (class 22) or the driver before it could not take a value: the request's fault.

    The driver's own error has no public name; it is the `InterfaceError` that is a `ValueError` too.
    """
    return isinstance(error, asyncpg.DataError) or (
        isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    )


def _refuse_lost(connection: Any, *_: object) -> None:
    """Have the pool replace a connection that was lost while nobody used it."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _encode_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _keep_session(connection: asyncpg.Connection) -> None:
    """Nothing of a session is changed on a connection of the pool, so that there is nothing to reset.

    asyncpg's own reset costs a round trip each time a connection is given back. A transaction that was left open is
    rolled back before this is called; session locks and LISTEN belong on a connection of one's own (`connect`).
    """
    del connection


class Database:
    """The connections of one service instance; open it before use, close it after.

    Waiting for a connection is bounded (`ACQUIRE_TIMEOUT_S`), and so are statements, lock waits and idle
    transactions, so that one stuck holder cannot stop the service for ever.
    """

    def __init__(self, url: str, application: str, *, pool_size_max: int = POOL_SIZE_MAX) -> None:
        self.url = url
        self._application = application
        self._pool_size_max = pool_size_max
        self._pool: asyncpg.Pool | None = None
        self._answered_at = -ANSWER_BELIEVED_S
        self._engine: AsyncEngine | None = None
        self._sessions: async_sessionmaker[AsyncSession] | None = None

    async def open(self) -> None:
        """Connect. Raises what asyncpg raises when the server is not there."""
        self._pool = await asyncpg.create_pool(
            self.url,
            min_size=1,
            max_size=self._pool_size_max,
            max_inactive_connection_lifetime=IDLE_CONNECTION_LIFETIME_S,
            init=prepare_connection,
            reset=_keep_session,
            server_settings=self._server_settings(),
        )

    async def close(self) -> None:
        """Give every connection back to the server."""
        if self._engine is not None:
            await self._engine.dispose()
        if self._pool is not None:
            await self._pool.close()

    def _server_settings(self) -> dict[str, str]:
        return {
            "application_name": self._application,
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "lock_timeout": str(LOCK_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
            "jit": "off",
        }

    @property
    def pool(self) -> asyncpg.Pool:
        """The open pool; using it before `open` is a bug."""
        assert self._pool is not None, "the database is not open"
        return self._pool

    def connections_max(self) -> int:
        """The bound of the pool."""
        return self._pool_size_max

    def connections_used(self) -> int:
        """How many of the pool's connections somebody holds now; 0 while it is not open."""
        return 0 if self._pool is None else self._pool.get_size() - self._pool.get_idle_size()

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Connection]:
        """A connection outside any transaction, for reads of one statement.

        Raises `DatabaseUnavailableError`, `DatabaseBusyError`, `InvalidValue`.
        """
        with _at_the_pool():
            connection = await self.pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
        try:
            with _using(connection):
                yield connection
                self._answered_at = time.monotonic()
        finally:
            with _at_the_pool():
                await self.pool.release(connection)

    async def check(self) -> str:
        """Whether the server answers. A pool that is merely busy proves it by what it has just done."""
        if time.monotonic() - self._answered_at < ANSWER_BELIEVED_S:
            return "answers"
        async with self.acquire() as connection:
            await connection.fetchval("SELECT 1")
        return "SELECT 1"

    async def connect(self) -> asyncpg.Connection:
        """A connection of one's own, for LISTEN and session locks; the caller closes it."""
        connection: asyncpg.Connection = await asyncpg.connect(
            self.url,
            timeout=ACQUIRE_TIMEOUT_S,
            server_settings={"application_name": f"{self._application}:own", "jit": "off"},
        )
        await prepare_connection(connection)
        return connection

    async def answers(self) -> bool:
        """Whether the server takes a connection of its own and answers on it, now."""
        try:
            async with asyncio.timeout(ACQUIRE_TIMEOUT_S):
                connection = await self.connect()
                try:
                    await connection.fetchval("SELECT 1")
                finally:
                    connection.terminate()
        except (OSError, asyncpg.InterfaceError, *GONE):
            return False
        return True

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[UnitOfWork]:
        """One transaction: committed when the block ends, undone when it raises.

        Raises `DatabaseUnavailableError` when the connection is lost or none can be had (at the commit itself: whether
        it took effect is unknown), `DatabaseBusyError` when the server stopped the transaction, `InvalidValue`.
        """
        async with self.acquire() as connection, connection.transaction():
            uow = UnitOfWork(connection)
            yield uow
            await uow.flush()
        uow.committed()

    @asynccontextmanager
    async def begin_orm(self) -> AsyncGenerator[OrmUnitOfWork]:
        """The same with a SQLAlchemy session; its raw connection shares the one transaction."""
        async with self._session() as session:
            with _at_the_pool():
                connection = await session.connection()
                raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            with _using(raw):
                await connection.exec_driver_sql("SELECT 1")  # it begins with its first statement, raw ones do not
                uow = OrmUnitOfWork(raw, session)
                yield uow
                await session.flush()
                await uow.flush()
                await session.commit()
                self._answered_at = time.monotonic()
        self._answered_at = time.monotonic()
        uow.committed()

    @asynccontextmanager
    async def _session(self) -> AsyncGenerator[AsyncSession]:
        """Closing it undoes what is not committed, and gives its connection back."""
        session = self._session_factory()
        try:
            yield session
        finally:
            with _at_the_pool():
                await session.__aexit__(None, None, None)  # to its end, even when cancelled

    def _session_factory(self) -> AsyncSession:
        if self._sessions is None:
            self._engine = create_async_engine(
                self.url.replace("postgresql://", "postgresql+asyncpg://", 1),
                poolclass=AsyncAdaptedQueuePool,
                pool_size=ORM_POOL_SIZE,
                max_overflow=ORM_POOL_OVERFLOW,
                pool_timeout=ACQUIRE_TIMEOUT_S,
                connect_args={"server_settings": self._server_settings()},
            )
            event.listen(self._engine.sync_engine, "checkout", _refuse_lost)
            self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        return self._sessions()
