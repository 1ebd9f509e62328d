"""Request bodies on their way through: small ones in one piece, larger ones streamed, none beyond the bound."""

from collections.abc import AsyncIterator

from litestar.types import Receive

from shared.errors import Kind, Refusal

BUFFERED_BYTES_MAX = 64 * 1024


class BodyTooLarge(Refusal):
    code = "body_too_large"
    kind = Kind.TOO_LARGE


class InvalidLength(Refusal):
    code = "invalid_length"
    kind = Kind.INVALID


class ClientDepartedError(Exception):
    """The client closed its connection before it had sent its whole body."""


class Body:
    """A request body: `content` when it was read in one piece, else a stream that can be sent once."""

    __slots__ = ("_limit", "_receive", "content", "failure", "length")

    def __init__(self, receive: Receive, *, length: int | None, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self.length = length
        self.content: bytes | None = None
        self.failure: Exception | None = None

    @property
    def is_stream(self) -> bool:
        return self.content is None

    async def read(self) -> None:
        """Take the whole body, which is known to be small. Raises `ClientDepartedError`, `BodyTooLarge`."""
        self.content = b"".join([chunk async for chunk in self._chunks()])

    async def stream(self) -> AsyncIterator[bytes]:
        """The body as it comes in; what went wrong on the client's side is kept in `failure`."""
        try:
            async for chunk in self._chunks():
                yield chunk
        except (BodyTooLarge, ClientDepartedError) as error:
            self.failure = error
            raise

    async def _chunks(self) -> AsyncIterator[bytes]:
        received = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDepartedError
            chunk: bytes = message.get("body", b"")
            more = bool(message.get("more_body", False))
            received += len(chunk)
            if received > self._limit:
                raise BodyTooLarge(f"a body has at most {self._limit} bytes")
            if chunk:
                yield chunk


async def open_body(receive: Receive, *, content_length: bytes | None, chunked: bool, limit: int) -> Body | None:
    """The body of a request, read already when it is small; None when there is none.

    Raises `BodyTooLarge` before anything is read when the announced length says so, `InvalidLength`.
    """
    if content_length is None and not chunked:
        return None
    length: int | None = None
    if content_length is not None:
        if not content_length.isdigit() or len(content_length) > 18:
            raise InvalidLength("Content-Length is not a number")
        length = int(content_length)
        if length == 0:
            return None
        if length > limit:
            raise BodyTooLarge(f"a body has at most {limit} bytes")
    body = Body(receive, length=length, limit=limit)
    if length is not None and length <= BUFFERED_BYTES_MAX:
        await body.read()
    return body
