"""Real engines, started and killed."""

import asyncio
import signal
import socket
import subprocess
import sys

import aiohttp
import aiokafka
import asyncpg
import pytest
import redis.asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from compose import http_probe, ports
from compose.engines import boot
from compose.engines.running import build, start
from compose.layout import Layout, default_cache, make_directories
from compose.operator_error import OperatorError
from compose.process import start_ticks
from compose.secrets_file import load_or_make

READY_S = 60.0


async def kill(running, name: str) -> None:
    process = running.engines[name].process
    process.send(signal.SIGKILL)
    await asyncio.wait_for(process.ended.wait(), READY_S)


async def start_again(running, name: str) -> None:
    running.engines[name] = await start(running.engines[name].engine, running.layout)


async def test_all_engines_boot_together_and_leave_nothing(layout):
    running = await boot(layout)
    pids = [engine.process.pid for engine in running.engines.values()]
    assert set(running.urls) == {"postgres", "redis", "kafka", "elasticsearch"}
    await running.stop()
    assert [pid for pid in pids if not _is_gone(pid)] == []


def test_engines_end_with_the_process_they_are_for_even_when_that_is_killed(layout):
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    engines = subprocess.Popen(
        [sys.executable, "-m", "compose.engines", "--home", str(layout.home), "--port-base", str(layout.port_base),
         "--only", "redis", "--while", str(owner.pid)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert engines.stdout.readline()
        assert not ports.is_free(layout.port("redis"))
        owner.kill()
        assert engines.wait(READY_S) == 0
        assert ports.is_free(layout.port("redis"))
    finally:
        for process in (owner, engines):
            process.kill()
            process.communicate()


async def test_acknowledged_writes_survive_kill_9_of_every_engine(layout):
    running = await boot(layout, only=("postgres", "redis", "kafka"))
    try:
        connection = await asyncpg.connect(running.urls["postgres"])
        await connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 100) AS n")
        store = redis.asyncio.Redis.from_url(running.urls["redis"])
        await store.set("kept", "100")
        await _make_topic(running.urls["kafka"], "kept")
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=running.urls["kafka"], acks="all")
        await producer.start()
        for number in range(100):
            await producer.send_and_wait("kept", str(number).encode(), partition=0)
        await producer.stop()

        for name in running.engines:
            await kill(running, name)
        await asyncio.gather(connection.close(timeout=1), store.aclose(), return_exceptions=True)
        for name in running.engines:
            await start_again(running, name)

        connection = await asyncpg.connect(running.urls["postgres"])
        assert await connection.fetchval("SELECT count(*) FROM kept") == 100
        await connection.close()
        async with redis.asyncio.Redis.from_url(running.urls["redis"]) as store:
            assert await store.get("kept") == b"100"
        consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=running.urls["kafka"])
        await consumer.start()
        partition = aiokafka.TopicPartition("kept", 0)
        assert (await consumer.end_offsets([partition]))[partition] == 100
        await consumer.stop()
    finally:
        await running.stop()


async def test_search_has_the_analysis_the_shop_needs(layout):
    running = await boot(layout, only=("elasticsearch",))
    try:
        url = running.urls["elasticsearch"]
        made = await _put(f"{url}/shop", INDEX)
        assert made["acknowledged"]
        assert await _tokens(url, "full", "<b>Running</b> Crème-Shoes") == ["run", "creme", "shoe"]
        assert await _tokens(url, "typed", "Shoe") == ["sh", "sho", "shoe"]
        assert await _tokens(url, "alike", "tv") == ["television", "tv"]
        assert await _tokens(url, "english", "the boxes") == ["box"]
        unknown = await _put(f"{url}/bad", {"settings": {"analysis": {"filter": {"x": {"type": "phonetic"}}}}})
        assert unknown["status"] == 400
    finally:
        await running.stop()


INDEX = {
    "settings": {
        "number_of_replicas": 0,
        "analysis": {
            "char_filter": {"plain": {"type": "html_strip"}},
            "filter": {
                "stem": {"type": "stemmer", "language": "english"},
                "prefixes": {"type": "edge_ngram", "min_gram": 2, "max_gram": 8},
                "words": {"type": "synonym_graph", "synonyms": ["tv, television"]},
            },
            "analyzer": {
                "full": {
                    "tokenizer": "standard",
                    "char_filter": ["plain"],
                    "filter": ["lowercase", "asciifolding", "stem"],
                },
                "typed": {"tokenizer": "standard", "filter": ["lowercase", "prefixes"]},
                "alike": {"tokenizer": "standard", "filter": ["lowercase", "words"]},
            },
            "normalizer": {"keyword": {"type": "custom", "filter": ["lowercase", "asciifolding"]}},
        },
    },
    "mappings": {"properties": {"sku": {"type": "keyword", "normalizer": "keyword"}}},
}


async def test_a_port_held_by_somebody_else_is_named(layout):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", layout.port("redis")))
        server.listen()
        with pytest.raises(OperatorError) as refusal:
            await boot(layout, only=("redis",))
    assert refusal.value.code == "port.taken"
    assert str(layout.port("redis")) in refusal.value.what


async def test_a_redis_of_somebody_else_on_the_port_is_not_taken_for_ours(layout):
    running = await boot(layout, only=("redis",))
    try:
        other = build(layout, "redis", secrets=load_or_make(layout), report=lambda *_: None)
        with pytest.raises(Exception, match="another redis"):
            await other.probe(_Impostor())  # type: ignore[arg-type]
    finally:
        await running.stop()


async def test_a_broker_of_another_cluster_on_the_port_is_noticed(layout):
    running = await boot(layout, only=("kafka",))
    try:
        elsewhere = Layout(layout.home / "second", default_cache(), layout.port_base)
        make_directories(elsewhere)
        other = build(elsewhere, "kafka", secrets=load_or_make(elsewhere), report=lambda *_: None)
        with pytest.raises(Exception, match="answered by Kafka cluster"):
            await other.probe(_Impostor())  # type: ignore[arg-type]
    finally:
        await running.stop()


async def test_kafka_data_of_another_cluster_are_an_operator_error(layout):
    running = await boot(layout, only=("kafka",))
    await running.stop()
    meta = layout.engines / "kafka" / "data" / "meta.properties"
    meta.write_text(meta.read_text().replace(load_or_make(layout).cluster_id, "MkU3OEVBNTcwNTJENDM2Qg"))
    layout.secrets_file.unlink()
    with pytest.raises(OperatorError) as refusal:
        await boot(layout, only=("kafka",))
    assert refusal.value.code == "kafka.other_cluster"
    assert "--wipe" in refusal.value.mend


async def test_the_wheels_alone_can_run_everything_with_a_database(layout, monkeypatch):
    monkeypatch.setenv("SHOPSTREAM_ENGINES", "wheels")
    running = await boot(layout, only=("postgres", "redis"))
    try:
        connection = await asyncpg.connect(running.urls["postgres"])
        assert (await connection.fetchval("SHOW server_version")).startswith("18")
        assert (await connection.fetchval("SHOW synchronous_commit")) == "on"
        await connection.close()
        assert "valkey" in running.engines["redis"].engine.describe()
    finally:
        await running.stop()


class _Impostor:
    pid = 1


async def _make_topic(address: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()


async def _tokens(url: str, analyzer: str, text: str) -> list[str]:
    answer = await _send("GET", f"{url}/shop/_analyze", {"analyzer": analyzer, "text": text})
    return [token["token"] for token in answer["tokens"]]


async def _put(url: str, body: object):
    return await _send("PUT", url, body)


async def _send(method: str, url: str, body: object):
    async with aiohttp.ClientSession() as session, session.request(method, url, json=body) as answer:
        return await answer.json()


def _is_gone(pid: int) -> bool:
    return start_ticks(pid) is None


async def test_a_probe_of_nobody_is_a_connection_error(layout):
    with pytest.raises(OSError):  # noqa: PT011
        await http_probe.get(f"http://127.0.0.1:{layout.port('elasticsearch')}/", seconds_max=2)
