"""A connection that has just died, as uvloop tells it to a library that writes to it all the same."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

SAID: Final = "the handler is closed"
"""uvloop's UVHandle._ensure_alive; asyncio's own transports log and go on."""


@contextmanager
def lost_connections() -> Generator[None]:
    """Its RuntimeError is the `ConnectionResetError` that it means; every other passes."""
    try:
        yield
    except RuntimeError as error:
        if SAID not in str(error):
            raise
        raise ConnectionResetError(str(error)) from error
