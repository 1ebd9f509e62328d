"""On whose behalf this process works right now: told apart so that one caller's failures are not held against all.

Decides no access; identity.py does.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

CALLER_CHARACTERS_MAX = 80

_current: ContextVar[str] = ContextVar("caller", default="")


def current() -> str:
    """The caller of the request being served; empty in background work."""
    return _current.get()


@contextmanager
def serving(caller: str) -> Generator[None]:
    """Work for this caller inside the block."""
    token = _current.set(caller[:CALLER_CHARACTERS_MAX])
    try:
        yield
    finally:
        _current.reset(token)
