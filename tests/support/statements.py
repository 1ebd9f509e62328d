"""Counts what a service asks of its database, while it runs in the test's own process."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
from sqlalchemy import Engine, event

import shared.database
from shared.database import Database
from shared.unit_of_work import Connection

API_ONLY: dict[str, Any] = {"role": "api"}
"""Settings of a service without relay, consumer and jobs, so that only the request is counted."""

HOUSEKEEPING = ("typeinfo_tree", "set_config( 'jit'", "set_config('jit'")
"""The driver's own: what a new connection asks about types once."""


class Statements:
    """Every statement of the services opened since, without the driver's own housekeeping."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Forget what came before; the list grows while the block runs."""
        self.seen.clear()
        yield self.seen

    def transactions(self) -> int:
        """Transactions begun with BEGIN since the last `counted`."""
        return sum(one.startswith("BEGIN") for one in self.seen)

    def writes(self) -> list[str]:
        """Tables written, in their order, but for the relay's marks."""
        verbs = ("INSERT INTO ", "UPDATE ")
        return [
            one.removeprefix(verb).split()[0]
            for one in self.seen
            for verb in verbs
            if one.startswith(verb) and "sent_at" not in one
        ]

    def note(self, query: str) -> None:
        """One more."""
        statement = " ".join(query.split())
        if not any(mark in statement for mark in HOUSEKEEPING):
            self.seen.append(statement)


@contextmanager
def noted_statements() -> Iterator[Statements]:
    """Listens on every connection that a `Database` opens inside the block, the ORM's too."""
    noted = Statements()
    prepare = shared.database.prepare_connection

    async def prepare_and_listen(connection: asyncpg.Connection) -> None:
        await prepare(connection)
        connection.add_query_logger(lambda record: noted.note(record.query))

    def note_orm(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        noted.note(statement)

    shared.database.prepare_connection = prepare_and_listen
    event.listen(Engine, "before_cursor_execute", note_orm)
    try:
        yield noted
    finally:
        event.remove(Engine, "before_cursor_execute", note_orm)
        shared.database.prepare_connection = prepare


@contextmanager
def noted_beside_the_orm(noted: Statements) -> Iterator[None]:
    """Notes as well what goes through an ORM session's raw connection, which the ORM does not see.

    Its own statements are prepared ones, which the driver's logger does not see, so that nothing is counted twice.
    """

    def listen(connection: Any, _record: Any) -> None:
        connection.driver_connection.add_query_logger(lambda record: noted.note(record.query))

    event.listen(Engine, "connect", listen)
    try:
        yield
    finally:
        event.remove(Engine, "connect", listen)


async def statements_of(database: Database, work: Callable[[Connection], Awaitable[Any]]) -> int:
    """How many statements `work(connection)` runs."""
    seen: list[str] = []
    async with database.acquire() as connection:
        with connection.query_logger(lambda record: seen.append(record.query)):
            await work(connection)
    return len(seen)
