"""A deadline that travels with the request and only ever shrinks.

Carried between services as remaining milliseconds, because clocks differ between machines.
"""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar, Token

import msgspec

from shared.errors import Kind, Refusal

HEADER = "X-Deadline-Ms"
NETWORK_ALLOWANCE_S = 0.01  # the callee must give up before the caller stops listening


class DeadlineExceeded(Refusal):
    """The request's time is up; its caller has left, so the work is dropped."""

    code = "deadline_exceeded"
    kind = Kind.TIMEOUT


class Deadline(msgspec.Struct, frozen=True):
    """A moment on this process's monotonic clock, in seconds."""

    expires_at_s: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return the deadline that lies the given seconds ahead, or the current one if that is earlier."""
        wanted = time.monotonic() + seconds
        outer = _current.get()
        return outer if outer is not None and outer.expires_at_s < wanted else cls(wanted)

    @property
    def remaining_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.expires_at_s - time.monotonic())

    @property
    def expired(self) -> bool:
        return time.monotonic() >= self.expires_at_s

    def header_value(self) -> str:
        """Remaining milliseconds for the callee, less an allowance for the way."""
        return str(max(0, int((self.remaining_s - NETWORK_ALLOWANCE_S) * 1000)))


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current() -> Deadline | None:
    """Return the deadline of the running request, if it has one."""
    return _current.get()


def remaining_s(limit_s: float) -> float:
    """Seconds this piece of work may take: its own limit or what the request has left, whichever is less."""
    deadline = _current.get()
    return limit_s if deadline is None else min(limit_s, deadline.remaining_s)


def check() -> None:
    """Raise DeadlineExceeded when the request's time is up; call it before costly or irreversible work."""
    deadline = _current.get()
    if deadline is not None and deadline.expired:
        raise DeadlineExceeded("the request ran out of time")


def bind(deadline: Deadline | None) -> Token[Deadline | None]:
    """Make this the current deadline; give the token to unbind. For the edge, which runs once per request."""
    return _current.set(deadline)


def unbind(token: Token[Deadline | None]) -> None:
    _current.reset(token)


@contextmanager
def within(seconds: float) -> Generator[Deadline, None, None]:
    """Shrink the current deadline for a block; does not interrupt it (use `limit` for that)."""
    deadline = Deadline.after(seconds)
    token = _current.set(deadline)
    try:
        yield deadline
    finally:
        _current.reset(token)


def limit(seconds: float) -> asyncio.Timeout:
    """Return an `async with` block that raises TimeoutError after its limit or at the request's deadline."""
    return asyncio.timeout(remaining_s(seconds))
