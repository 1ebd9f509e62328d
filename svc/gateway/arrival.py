"""What one look over a request's headers tells the gateway."""

from collections.abc import Callable

from litestar.types import HTTPScope

from shared.errors import Kind, Refusal
from shared.tracing import parse

DEADLINE_DIGITS_MAX = 6


class AmbiguousRequest(Refusal):
    """A header that may stand once stands twice: two readers could take different ones."""

    code = "ambiguous_request"
    kind = Kind.INVALID


class Arrival:
    """The headers that decide something, as they came; nothing here is believed yet."""

    __slots__ = (
        "authorization", "chunked", "connection", "content_length", "deadline_ms", "duplicated", "forwarded_for",
        "host", "origin", "preflight", "traceparent",
    )  # fmt: skip

    def __init__(self, scope: HTTPScope) -> None:
        self.authorization: bytes | None = None
        self.host: bytes | None = None
        self.origin: bytes | None = None
        self.connection: bytes | None = None
        self.content_length: bytes | None = None
        self.forwarded_for: bytes | None = None
        self.deadline_ms = 0
        self.traceparent = ""
        self.chunked = False
        self.preflight = False
        self.duplicated = False
        for name, value in scope["headers"]:
            read = _READERS.get(name)
            if read is not None:
                read(self, value)

    def check(self) -> None:
        """Raises `AmbiguousRequest`."""
        if self.duplicated:
            raise AmbiguousRequest("a header that may stand once stands twice")


def _once(slot: str) -> Callable[[Arrival, bytes], None]:
    def read(arrival: Arrival, value: bytes) -> None:
        if getattr(arrival, slot) is not None:
            arrival.duplicated = True
        setattr(arrival, slot, value)

    return read


def _read_connection(arrival: Arrival, value: bytes) -> None:
    arrival.connection = value if arrival.connection is None else arrival.connection + b"," + value


def _read_forwarded_for(arrival: Arrival, value: bytes) -> None:
    arrival.forwarded_for = value if arrival.forwarded_for is None else arrival.forwarded_for + b"," + value


def _read_traceparent(arrival: Arrival, value: bytes) -> None:
    text = value.decode("latin-1")
    if parse(text) is not None:
        arrival.traceparent = text


def _read_deadline(arrival: Arrival, value: bytes) -> None:
    if value.isdigit() and len(value) <= DEADLINE_DIGITS_MAX:
        arrival.deadline_ms = int(value)


def _read_transfer_encoding(arrival: Arrival, _value: bytes) -> None:
    arrival.chunked = True


def _read_preflight(arrival: Arrival, _value: bytes) -> None:
    arrival.preflight = True


_READERS = {
    b"host": _once("host"),
    b"authorization": _once("authorization"),
    b"origin": _once("origin"),
    b"content-length": _once("content_length"),
    b"connection": _read_connection,
    b"x-forwarded-for": _read_forwarded_for,
    b"traceparent": _read_traceparent,
    b"x-deadline-ms": _read_deadline,
    b"transfer-encoding": _read_transfer_encoding,
    b"access-control-request-method": _read_preflight,
}
