"""Which Kafka answers on an address: no request names its release, its newest metadata version does (KIP-584).

One ApiVersions request, version 3, spoken on the wire: the client library reads the same answer only for its own use.
"""

import asyncio
import struct
from typing import Final

from compose.external.versions import Version

API_VERSIONS: Final = 18
REQUEST_VERSION: Final = 3
CORRELATION: Final = 1
ANSWER_BYTES_MAX: Final = 1 << 16
SUPPORTED_FEATURES_TAG: Final = 0
FEATURE: Final = "metadata.version"
RELEASES: Final = ((28, (4, 2)), (26, (4, 1)), (22, (4, 0)), (21, (3, 9)), (20, (3, 8)), (15, (3, 7)))
"""The first metadata version of each release (Kafka's MetadataVersion)."""
ANCIENT: Final = (3,)


async def ask(host: str, port: int, *, seconds_max: float) -> Version:
    """The release as (major, minor), (3,) for one that is older or runs on ZooKeeper.

    Raises OSError, TimeoutError, ValueError for what does not speak Kafka.
    """
    async with asyncio.timeout(seconds_max):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(_request())
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            if not 0 < size <= ANSWER_BYTES_MAX:
                raise ValueError("it does not speak Kafka's protocol")
            answer = await reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("it closed the connection (does it ask for TLS or SASL?)") from error
        finally:
            writer.close()
    return release(answer)


def release(answer: bytes) -> Version:
    """The release that an answer tells of. Raises ValueError for no such answer."""
    reader = _Reader(answer)
    if reader.number(">i") != CORRELATION:
        raise ValueError("it does not speak Kafka's protocol")
    if reader.number(">h") != 0:
        return ANCIENT
    for _ in range(reader.varint() - 1):
        reader.skip(6)
        reader.skip_tags()
    reader.skip(4)
    for _ in range(reader.varint()):
        tag, size = reader.varint(), reader.varint()
        if tag == SUPPORTED_FEATURES_TAG:
            newest = _features(reader).get(FEATURE, 0)
            return next((found for first, found in RELEASES if newest >= first), ANCIENT)
        reader.skip(size)
    return ANCIENT


def _request() -> bytes:
    name = b"shopctl"
    head = struct.pack(">hhih", API_VERSIONS, REQUEST_VERSION, CORRELATION, len(name)) + name + b"\0"
    body = bytes([len(name) + 1]) + name + bytes([2]) + b"1" + b"\0"
    return struct.pack(">i", len(head + body)) + head + body


def _features(reader: "_Reader") -> dict[str, int]:
    """Features by name with the newest version the broker knows."""
    found: dict[str, int] = {}
    for _ in range(reader.varint() - 1):
        name = reader.take(reader.varint() - 1).decode()
        reader.skip(2)
        found[name] = reader.number(">h")
        reader.skip_tags()
    return found


class _Reader:
    """Kafka's flexible encoding, as far as this answer needs it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise ValueError("it does not speak Kafka's protocol")
        self._at += count
        return self._data[self._at - count : self._at]

    def skip(self, count: int) -> None:
        self.take(count)

    def number(self, form: str) -> int:
        value: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def varint(self) -> int:
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def skip_tags(self) -> None:
        for _ in range(self.varint()):
            self.varint()
            self.skip(self.varint())
