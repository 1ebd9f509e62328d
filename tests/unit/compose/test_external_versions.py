"""Engines that are too old or too new, or no such engine at all, told from what a server answers."""

import asyncio
import struct
from contextlib import asynccontextmanager

import pytest

from compose.external import elasticsearch, kafka, kafka_version, postgres, redis
from compose.external.findings import judged
from compose.external.versions import SUPPORTED, parse
from compose.operator_error import OperatorError


@asynccontextmanager
async def server(*answers: bytes):
    """Somebody who answers each read with the next of `answers`, and then hangs up."""

    async def serve(reader, writer):
        for answer in answers:
            if not await reader.read(65_536):
                break
            writer.write(answer)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def code_of(look) -> OperatorError:
    with pytest.raises(OperatorError) as refused:
        await look
    return refused.value


def http(status: str, body: str) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    )
    return f"{head}\r\n{body}".encode()


@asynccontextmanager
async def old_redis(info: str):
    """Agrees with every command and tells `info` when asked."""
    body = info.replace("\n", "\r\n")

    async def serve(reader, writer):
        while said := await reader.read(65_536):
            told = (
                f"${len(body)}\r\n{body}\r\n".encode() if b"INFO\r\n" in said.upper().replace(b"SETINFO", b"") else b""
            )
            writer.write(b"+OK\r\n" * (said.count(b"*") - bool(told)) + told)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def postgres_message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">i", len(body) + 4) + body


def postgres_14() -> bytes:
    said = postgres_message(b"R", struct.pack(">i", 0))
    for name, value in (("server_version", "14.9"), ("client_encoding", "UTF8"), ("integer_datetimes", "on")):
        said += postgres_message(b"S", f"{name}\0{value}\0".encode())
    return said + postgres_message(b"K", struct.pack(">ii", 1, 1)) + postgres_message(b"Z", b"I")


def broker(level: int) -> bytes:
    """An answer to ApiVersions of a broker whose newest metadata version is `level`."""
    name = b"metadata.version"
    feature = bytes([len(name) + 1]) + name + struct.pack(">hh", 1, level) + b"\0"
    features = bytes([2]) + feature
    body = struct.pack(">ih", 1, 0) + bytes([2]) + struct.pack(">hhh", 18, 0, 4) + b"\0" + struct.pack(">i", 0)
    body += bytes([1, 0, len(features)]) + features
    return struct.pack(">i", len(body)) + body


async def test_an_old_postgres_is_named_with_what_it_takes():
    async with server(b"N", postgres_14()) as place:
        refused = await code_of(postgres.examine(f"postgresql://shop:word@{place}/postgres?sslmode=prefer", {}))
    assert refused.code == "external.postgres_version"
    assert refused.what == f"PostgreSQL 14.9 at {place} is too old: ShopStream runs on 15 to 18."
    assert "export SHOPSTREAM_POSTGRES_URL=" in refused.mend


async def test_an_old_elasticsearch_and_an_opensearch_are_named():
    async with server(http("200 OK", '{"version": {"number": "7.10.2"}}')) as place:
        refused = await code_of(elasticsearch.examine(f"http://{place}"))
    assert refused.code == "external.elasticsearch_version"
    body = '{"version": {"number": "2.11.0", "distribution": "opensearch"}}'
    async with server(http("200 OK", body)) as place:
        refused = await code_of(elasticsearch.examine(f"http://{place}"))
    assert refused.what == f"Elasticsearch at {place} is opensearch."


@pytest.mark.parametrize(
    ("status", "code", "mend"),
    [
        ("401 Unauthorized", "external.elasticsearch_login", "SHOPSTREAM_ELASTICSEARCH_URL"),
        ("403 Forbidden", "external.elasticsearch_right", "PUT _security/role/shopstream"),
        ("500 Oops", "external.elasticsearch_unfit", "Mend that"),
    ],
)
async def test_what_elasticsearch_refuses_is_told_apart(status, code, mend):
    body = '{"error": {"type": "security_exception", "reason": "action is unauthorized"}}'
    async with server(http(status, body)) as place:
        refused = await code_of(elasticsearch.examine(f"http://shop:word@{place}"))
    assert refused.code == code
    assert mend in refused.mend
    assert "word@" not in refused.what


@pytest.mark.parametrize(("level", "version"), [(29, (4, 2)), (27, (4, 1)), (25, (4, 0)), (21, (3, 9)), (19, (3, 7))])
def test_a_kafka_is_known_by_its_newest_metadata_version(level, version):
    assert kafka_version.release(broker(level)[4:]) == version


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", broker(27)[4:20], struct.pack(">ih", 2, 0)])
def test_what_is_no_kafka_is_not_read_as_one(said):
    with pytest.raises(ValueError, match="does not speak"):
        kafka_version.release(said)


async def test_an_old_kafka_is_named():
    async with server(broker(20)) as place:
        refused = await code_of(kafka.examine(place))
    assert refused.code == "external.kafka_version"
    assert refused.what.startswith(f"Kafka 3.8 at {place} is too old")


async def test_a_broker_that_asks_for_tls_is_away_with_the_likely_reason():
    async with server(b"\x15\x03") as place:
        refused = await code_of(kafka.examine(place))
    assert refused.code == "external.kafka_away"
    assert "TLS or SASL" in refused.what


def test_what_is_newer_than_tested_is_let_in_with_a_note():
    (note,) = judged("postgres", "postgresql://h/", (19, 1)).notes
    assert note == "PostgreSQL 19.1 is newer than what ShopStream is tested with (15 to 18)."
    assert judged("postgres", "postgresql://h/", (18, 4)).notes == ()


@pytest.mark.parametrize(
    ("kind", "version", "refused"),
    [
        ("redis", "6.2.14", True),
        ("redis", "7.0.15", False),
        ("valkey", "7.2.4", False),
        ("elasticsearch", "8.19.3", False),
    ],
)
def test_each_engine_has_an_oldest_version(kind, version, refused):
    assert SUPPORTED[kind].refuses(parse(version)) is refused


@pytest.mark.parametrize(("text", "version"), [("15.18 (Debian)", (15, 18)), ("8.0-rc1", (8, 0)), ("", ())])
def test_versions_are_read_from_what_servers_say(text, version):
    assert parse(text) == version


async def test_an_old_redis_is_named():
    info = "# Server\nredis_version:6.2.14\nredis_mode:standalone\nrole:master\n"
    async with old_redis(info) as place:
        refused = await code_of(redis.examine(f"redis://{place}/0"))
    assert refused.code == "external.redis_version"
    assert refused.what.startswith(f"Redis 6.2.14 at {place} is too old")
