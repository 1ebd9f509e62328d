"""The way to sellers' endpoints: signed, bounded, and never to an address inside.

The address is looked at where the socket is made for it, after all names are resolved: what was checked is what is
connected to, whatever the name leads to a moment later. Redirects are not followed, and no answer is read or shown.
"""

import asyncio
import socket
from typing import Any, Protocol
from uuid import UUID

import aiohttp

from shared.webhook_signatures import HEADER
from svc.notifications.domain.sellers import UrlRefused, check_addresses, check_url, is_inside

TIMEOUT_S = 5.0
RESOLVE_TIMEOUT_S = 2.0
EVENT_HEADER = "X-Shopstream-Event"
DELIVERY_HEADER = "X-Shopstream-Delivery"


class AddressInsideError(OSError):
    """The name leads to an address that is not public."""


class Sellers(Protocol):
    """Tells an endpoint something. `post` gives the status of the answer, or raises `EndpointAwayError`."""

    async def check(self, url: str) -> None: ...
    async def post(self, url: str, body: bytes, *, event: str, delivery_id: UUID, signature: str) -> int: ...


class EndpointAwayError(Exception):
    """No answer from the endpoint."""


class SellerEndpoints:
    """Open it inside the loop, close it at the end. `loopback`: this machine is allowed, for a simulated world."""

    def __init__(self, *, loopback: bool) -> None:
        self._loopback = loopback
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the session; connects to nothing yet."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                force_close=True, use_dns_cache=False, socket_factory=self._socket, limit_per_host=2
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        )

    async def close(self) -> None:
        """Drop the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def check(self, url: str) -> None:
        """Whether the URL leads to a public address now. Raises `UrlRefused`."""
        host, port = check_url(url, loopback=self._loopback)
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise UrlRefused("the host of the URL cannot be found") from error
        check_addresses({str(sockaddr[0]) for *_, sockaddr in found}, loopback=self._loopback)

    async def post(self, url: str, body: bytes, *, event: str, delivery_id: UUID, signature: str) -> int:
        """The status of the endpoint's answer. Raises `UrlRefused`, `EndpointAwayError`."""
        assert self._session is not None, "the way to the endpoints is not open"
        check_url(url, loopback=self._loopback)
        headers = {
            "Content-Type": "application/json",
            HEADER: signature,
            EVENT_HEADER: event,
            DELIVERY_HEADER: str(delivery_id),
        }
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EndpointAwayError(type(error).__name__) from error

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, sockaddr = address
        if is_inside(str(sockaddr[0]), loopback=self._loopback):
            raise AddressInsideError("not a public address")
        return socket.socket(family, kind, protocol)
