import asyncio
import gc

import pytest

from shared.kafka_producer import Message, Producer


async def test_a_producer_that_is_stopped_while_it_connects_leaves_nothing_open():
    """What is left open is told when it is collected, which fails the test."""
    came = asyncio.Event()

    async def say_nothing(reader, writer):
        came.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        producer = Producer(f"127.0.0.1:{port}", client_id="test")
        sending = asyncio.create_task(producer.send([Message("topic", "key", b"")]))
        await came.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await producer.close()
    del sending, producer
    gc.collect()
