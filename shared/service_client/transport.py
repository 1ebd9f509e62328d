"""The HTTP session of internal calls, and how an answer's bytes become a value or a refusal."""

from typing import Any

import aiohttp
import msgspec

from shared.errors import RemoteRefusal

CONNECT_LIMIT_S = 0.5
KEEP_ALIVE_S = 15  # shorter than the 30 s of our servers, so that we never write into a closing connection
CONNECTIONS_MAX = 256
CONNECTIONS_PER_INSTANCE_MAX = 64
RESPONSE_BYTES_MAX = 8 * 1024 * 1024


class _Problem(msgspec.Struct):
    code: str = "refused"
    detail: str = ""


def new_session() -> aiohttp.ClientSession:
    """Return the HTTP client session all internal traffic uses; must be called inside a running loop."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=CONNECTIONS_MAX,
            limit_per_host=CONNECTIONS_PER_INSTANCE_MAX,
            keepalive_timeout=KEEP_ALIVE_S,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT_S),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )
    # it repeats a GET on a dead connection by itself, at the same instance: a second retry layer without a budget
    session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return session


async def read_bounded(response: aiohttp.ClientResponse, *, bytes_max: int = RESPONSE_BYTES_MAX) -> bytes:
    """Return the whole body; more than `bytes_max` is a ClientPayloadError."""
    length = response.content_length
    if length is not None:
        if length > bytes_max:
            raise aiohttp.ClientPayloadError("the answer is too large")
        return await response.read()
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > bytes_max:
            raise aiohttp.ClientPayloadError("the answer is too large")
    return bytes(content)


def refusal_of(status: int, content: bytes) -> RemoteRefusal:
    """Read a 4xx answer's problem details, or do without them."""
    try:
        members: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
        problem = msgspec.convert(members, _Problem)
    except msgspec.MsgspecError:
        return RemoteRefusal(status, "refused", "")
    standard = ("type", "title", "status", "detail", "code", "trace_id")
    extra = {name: value for name, value in members.items() if name not in standard}
    return RemoteRefusal(status, problem.code, problem.detail, extra=extra)
