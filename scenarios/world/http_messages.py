"""Requests and answers of the world's HTTP servers; nothing here touches a socket."""

from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

T = TypeVar("T")


class ApiError(Exception):
    """An answer that is a refusal: status, stable code, words."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


class Request:
    """One request with its whole body; header names are lower case."""

    __slots__ = ("_query", "body", "headers", "method", "parameters", "path", "raw_query")

    def __init__(self, method: str, path: str, raw_query: str, *, headers: dict[str, str], body: bytes) -> None:
        self.method = method
        self.path = path
        self.raw_query = raw_query
        self.headers = headers
        self.body = body
        self.parameters: dict[str, str] = {}
        self._query: dict[str, str] | None = None

    @property
    def query(self) -> dict[str, str]:
        """Query parameters; the last of equal names wins."""
        if self._query is None:
            self._query = dict(parse_qsl(self.raw_query))
        return self._query

    @property
    def trace_id(self) -> str:
        """The trace id of the W3C traceparent header, "" without one."""
        parts = self.headers.get("traceparent", "").split("-")
        return parts[1] if len(parts) == 4 else ""

    def json(self, shape: type[T]) -> T:
        """The body decoded as `shape`. Raises ApiError 400 invalid_body."""
        try:
            return msgspec.json.decode(self.body, type=shape)
        except msgspec.MsgspecError as error:
            raise ApiError(400, "invalid_body", str(error)) from error

    def integer(self, name: str, *, default: int, at_most: int) -> int:
        """A query parameter between 0 and `at_most`. Raises ApiError 400 invalid_parameter."""
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isdigit():
            raise ApiError(400, "invalid_parameter", f"{name} must be a whole number")
        return min(int(text), at_most)


class Response:
    """Status, body and headers; `hang` instead holds the connection and closes it without an answer."""

    __slots__ = ("body", "content_type", "hang_s", "headers", "status")

    def __init__(self, status: int, body: bytes, *, content_type: str = "application/json") -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers: dict[str, str] = {}
        self.hang_s = -1.0

    @classmethod
    def json(cls, value: object, *, status: int = 200) -> "Response":
        """`value` encoded by msgspec."""
        return cls(status, msgspec.json.encode(value))

    @classmethod
    def empty(cls) -> "Response":
        """204."""
        return cls(204, b"")

    @classmethod
    def silence(cls, seconds: float) -> "Response":
        """No answer at all: the connection stays open for `seconds` and is closed then."""
        response = cls(0, b"")
        response.hang_s = seconds
        return response
