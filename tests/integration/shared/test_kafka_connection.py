"""A connection to the broker that has just died, on the loop that services run on."""

import asyncio

import pytest
import uvloop
from aiokafka import conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from shared import kafka_connection


async def send_into_a_dead_connection(kafka: str) -> None:
    host, _, port = kafka.partition(":")
    connection = await conn.create_conn(host, int(port))
    await connection.send(MetadataRequest(None))
    connection._writer.transport.abort()
    await asyncio.sleep(0)
    try:
        await connection.send(MetadataRequest(None))
    finally:
        connection.close()


def test_what_is_sent_into_a_connection_that_died_is_told_as_a_broken_connection(engines) -> None:
    kafka_connection.install()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, pytest.raises(KafkaConnectionError):
        runner.run(send_into_a_dead_connection(engines.kafka))


def test_without_the_mending_it_is_no_error_that_the_library_knows(engines, monkeypatch) -> None:
    """When this fails the library has mended it, and `shared.kafka_connection` can go."""
    monkeypatch.setattr(conn, "AIOKafkaConnection", kafka_connection.Connection.__base__)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, pytest.raises(RuntimeError):
        runner.run(send_into_a_dead_connection(engines.kafka))


def test_consumers_producers_and_the_witness_connect_so() -> None:
    import scenarios.world.tap  # noqa: F401, PLC0415
    import shared.kafka_consumer  # noqa: F401, PLC0415

    assert conn.AIOKafkaConnection is kafka_connection.Connection
