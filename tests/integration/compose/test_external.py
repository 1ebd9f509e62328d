"""A stack on engines that it did not start, and every way in which such an engine can be unfit."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from redis.asyncio import Redis

from compose import launch, state
from compose.control import Control
from compose.engines import kafka as kafka_engine
from compose.engines.running import boot
from compose.external import elasticsearch, kafka, postgres, redis, wiping
from compose.external.findings import VARIABLES
from compose.operator_error import OperatorError
from tests.integration.compose.conftest import free_base
from tests.support.command_line import shopctl

__all__ = ["shopctl"]

BOOT_S = 120
NAMES = ("postgres", "redis", "kafka", "elasticsearch")
ALLOW, DENY = 3, 2
ALL, WRITE, CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, IDEMPOTENT_WRITE = 2, 4, 5, 7, 8, 9, 12
TOPIC, GROUP, CLUSTER = 2, 3, 4
LITERAL = 3
WORD = "secret-word"


@pytest.fixture(scope="module")
def running():
    """Engines of somebody else, by name."""
    home = Path(tempfile.mkdtemp(prefix="shopstream-others-"))
    engines = subprocess.Popen(
        [sys.executable, "-m", "compose.engines", "--home", str(home), "--port-base", str(free_base())],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        told = ""
        while not told.endswith("}\n"):
            told += engines.stdout.readline()
        yield json.loads(told)
    finally:
        engines.terminate()
        engines.communicate(timeout=BOOT_S)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def named(running, monkeypatch):
    """The same, as an operator names them."""
    for name, variable in VARIABLES.items():
        monkeypatch.setenv(variable, running[name])
    monkeypatch.setenv("SHOPSTREAM_PROFILE", "external")
    return running


async def refusal(doing) -> OperatorError:
    with pytest.raises(OperatorError) as refused:
        await doing
    assert "\n" not in refused.value.what + refused.value.mend
    assert "secret-word" not in refused.value.what
    return refused.value


async def ask(url: str, *statements: str):
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            answer = await connection.fetch(statement)
    finally:
        await connection.close()
    return answer


def login(url: str, name: str, password: str = WORD) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()


def test_a_stack_comes_up_on_them_leaves_them_running_and_takes_out_what_it_made(
    named, tiny_stack, shopctl, monkeypatch
):
    monkeypatch.setenv("SHOPSTREAM_HOME", str(tiny_stack.home))
    said = shopctl("up", "--port-base", str(tiny_stack.port_base), "--only", "inventory,gateway,world", "--json")
    assert said.code == 0, said
    rows = {row["name"]: row for row in json.loads(said.out)["processes"]}
    assert {rows[name]["state"] for name in ("postgres", "redis", "kafka")} == {"ready"}
    assert {rows[name]["pid"] for name in ("postgres", "redis", "kafka")} == {None}
    assert rows["inventory-1"]["pid"]
    known = state.load(tiny_stack)
    assert known.profile == "external"
    assert known.urls["postgres"] == named["postgres"]
    assert asyncio.run(ask(known.urls["database_inventory"], "SELECT 1"))
    assert not any((tiny_stack.engines / name).exists() for name in NAMES)
    for refused in (lambda: Control(tiny_stack).signal("redis", "KILL"), lambda: Control(tiny_stack).restart("kafka")):
        with pytest.raises(OperatorError) as told:
            refused()
        assert told.value.code == "process.elsewhere"
    with pytest.raises(OperatorError) as other:
        launch.up(tiny_stack.home, profile="local")
    assert other.value.code == "stack.other_profile"
    assert shopctl("down").code == 0
    assert shopctl("up", "--only", "inventory").code == 0, "again, on what the first had made"
    assert shopctl("down", "--wipe").code == 0
    names = {row["datname"] for row in asyncio.run(ask(named["postgres"], "SELECT datname FROM pg_database"))}
    roles = {row["rolname"] for row in asyncio.run(ask(named["postgres"], "SELECT rolname FROM pg_roles"))}
    assert not {"inventory", "audit"} & (names | roles)


def test_all_four_must_be_named(named, tiny_stack, shopctl, monkeypatch):
    monkeypatch.setenv("SHOPSTREAM_HOME", str(tiny_stack.home))
    monkeypatch.delenv("SHOPSTREAM_KAFKA_BOOTSTRAP")
    said = shopctl("up", "--port-base", str(tiny_stack.port_base))
    assert said.code == 2
    what, mend = said.lines
    assert what.endswith("SHOPSTREAM_KAFKA_BOOTSTRAP is not set.")
    assert "export SHOPSTREAM_POSTGRES_URL=…" in mend


@pytest.mark.parametrize("name", NAMES)
def test_a_dead_engine_is_two_lines_and_nothing_is_left(named, name, layout, shopctl, monkeypatch):
    place = f"127.0.0.1:{layout.port(name)}"
    dead = place if name == "kafka" else urlsplit(named[name])._replace(netloc=f"shop:secret-word@{place}").geturl()
    monkeypatch.setenv(VARIABLES[name], dead)
    monkeypatch.setenv("SHOPSTREAM_HOME", str(layout.home))
    said = shopctl("up", "--port-base", str(layout.port_base), "--only", name)
    assert said.code == 3
    what, mend = said.lines
    assert what.startswith(f"{'PostgreSQL' if name == 'postgres' else name.capitalize()} does not answer at {place}: ")
    assert f"export {VARIABLES[name]}=" in mend
    assert not Control(layout).answers
    launch.delete(layout)


def test_the_doctor_looks_at_all_of_them_at_once(named, layout, shopctl, monkeypatch):
    monkeypatch.setenv("SHOPSTREAM_HOME", str(layout.home))
    monkeypatch.setenv("SHOPSTREAM_REDIS_URL", f"redis://127.0.0.1:{layout.port('redis')}/0")
    said = shopctl("doctor", "--json")
    found = {finding["name"]: finding for finding in json.loads(said.out)}
    assert said.code == 3
    assert found["redis"]["verdict"] == "fail"
    assert "export SHOPSTREAM_REDIS_URL" in found["redis"]["mend"]
    assert [found[name]["verdict"] for name in ("postgres", "kafka", "elasticsearch")] == ["ok"] * 3
    assert found["kafka"]["detail"].startswith("Kafka 4.1 at 127.0.0.1:")


@pytest.fixture
def plain_role(running):
    """A login without any right; gone afterwards."""
    name = "shop_plain"
    asyncio.run(ask(running["postgres"], f"CREATE ROLE {name} LOGIN PASSWORD '{WORD}'"))
    yield name
    asyncio.run(ask(running["postgres"], f"DROP ROLE {name}"))


async def test_rights_that_postgres_misses_are_named_and_the_grant_mends_it(running, plain_role):
    url = login(running["postgres"], plain_role)
    refused = await refusal(postgres.examine(url, {}))
    assert refused.code == "external.postgres_right"
    assert "make databases or make roles" in refused.what
    await ask(running["postgres"], refused.mend.removeprefix("Grant it there: "))
    assert "PostgreSQL" in (await postgres.examine(url, {})).described


async def test_a_shop_starts_with_just_these_rights(running, plain_role, tiny_stack, monkeypatch):
    await ask(running["postgres"], f"ALTER ROLE {plain_role} CREATEDB CREATEROLE")
    for name, variable in VARIABLES.items():
        monkeypatch.setenv(variable, running[name])
    monkeypatch.setenv("SHOPSTREAM_POSTGRES_URL", login(running["postgres"], plain_role))
    up = {"profile": "external", "port_base": tiny_stack.port_base, "names": ["inventory"]}
    assert (await asyncio.to_thread(lambda: launch.up(tiny_stack.home, **up)))["healthy"]
    await asyncio.to_thread(lambda: launch.down(tiny_stack.home, wipe=True))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda url: login(url, "postgres"), "external.postgres_login"),
        (lambda url: urlsplit(url)._replace(path="/nowhere").geturl(), "external.postgres_unfit"),
        (lambda url: f"{url}?sslmode=verify-everything", "external.postgres_away"),
    ],
)
async def test_a_postgres_url_that_leads_nowhere_is_told_apart(running, change, code):
    assert (await refusal(postgres.examine(change(running["postgres"]), {}))).code == code


async def test_a_role_or_database_of_somebody_else_is_never_taken_over(running, layout):
    await ask(running["postgres"], "CREATE ROLE orders LOGIN PASSWORD 'theirs'")
    try:
        refused = await refusal(postgres.examine(running["postgres"], {"orders": "ours"}))
        assert refused.code == "external.postgres_taken"
        assert 'DROP ROLE "orders"' in refused.mend
        await ask(running["postgres"], "CREATE DATABASE orders")
        refused = await refusal(postgres.examine(running["postgres"], {"orders": "theirs"}))
        assert refused.what.startswith("The database orders at ")
    finally:
        await ask(running["postgres"], "DROP DATABASE IF EXISTS orders", "DROP ROLE orders")


async def test_a_wipe_touches_nothing_that_somebody_else_made(running, layout):
    await ask(running["postgres"], "CREATE ROLE orders LOGIN PASSWORD 'theirs'")
    try:
        urls = {
            "postgres": running["postgres"],
            "kafka_bootstrap": running["kafka"],
            "elasticsearch": running["elasticsearch"],
        }
        await wiping.wipe(urls, roles={"orders": "ours"}, topics=[])
        assert await ask(running["postgres"], "SELECT 1 FROM pg_roles WHERE rolname = 'orders'")
    finally:
        await ask(running["postgres"], "DROP ROLE orders")


async def test_rights_that_redis_misses_are_named_and_the_grant_mends_it(running):
    url = login(running["redis"], "shop")
    async with Redis.from_url(running["redis"]) as admin:
        await admin.execute_command(
            "ACL", "SETUSER", "shop", "on", ">secret-word", "~*", "+@read", "+info", "+@connection"
        )
        try:
            refused = await refusal(redis.examine(url))
            assert refused.code == "external.redis_right"
            await admin.execute_command(*refused.mend.removeprefix("Grant it there: ").split(" "))
            assert "at 127.0.0.1:" in (await redis.examine(url)).described
            assert (
                await refusal(redis.examine(login(running["redis"], "shop", "wrong")))
            ).code == "external.redis_login"
        finally:
            await admin.execute_command("ACL", "DELUSER", "shop")


async def test_a_redis_replica_is_unfit_and_evicting_is_told(running):
    async with Redis.from_url(running["redis"]) as admin:
        await admin.execute_command("REPLICAOF", "127.0.0.1", "1")
        try:
            assert (await refusal(redis.examine(running["redis"]))).code == "external.redis_unfit"
        finally:
            await admin.execute_command("REPLICAOF", "NO", "ONE")
        await admin.config_set("maxmemory-policy", "allkeys-lru")
        try:
            assert "noeviction" in (await redis.examine(running["redis"])).notes[0]
        finally:
            await admin.config_set("maxmemory-policy", "noeviction")


async def test_an_elasticsearch_that_takes_no_writes_is_named_and_the_mend_works(running):
    url = running["elasticsearch"]
    async with aiohttp.ClientSession() as http:
        block = {"persistent": {"cluster.blocks.read_only": True}}
        async with http.put(f"{url}/_cluster/settings", json=block) as answer:
            assert answer.status == 200
        refused = await refusal(elasticsearch.examine(url))
        assert refused.code == "external.elasticsearch_right"
        method, path, body = refused.mend.removeprefix("Grant it there: ").split(" ", 2)
        async with http.request(method, f"{url}/{path}", json=json.loads(body)) as answer:
            assert answer.status == 200
    assert "Elasticsearch 7.17" in (await elasticsearch.examine(url)).described


AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


async def test_rights_that_kafka_misses_are_named_each_by_itself(layout, monkeypatch):
    monkeypatch.setattr(kafka_engine, "SETTINGS", {**kafka_engine.SETTINGS, **AUTHORIZER})
    running = await boot(layout, only=("kafka",))
    try:
        url = running.urls["kafka"]
        assert (await kafka.examine(url)).described.startswith("Kafka 4.1 ")
        await rule(url, CLUSTER, "kafka-cluster", ALTER, CLUSTER_ACTION, DESCRIBE, CREATE, IDEMPOTENT_WRITE)
        for resource, name, operation, what in (
            (GROUP, "*", ALL, "read as a group"),
            (TOPIC, "*", WRITE, "write to topics"),
            (CLUSTER, "kafka-cluster", CREATE, "make topics"),
        ):
            await rule(url, resource, name, operation, permission=DENY)
            refused = await until_refused(url, what)
            assert refused.code == "external.kafka_right"
            assert "kafka-acls.sh --add" in refused.mend
    finally:
        await running.stop()


async def until_refused(url: str, what: str) -> OperatorError:
    """Access lists reach the broker a moment after they are acknowledged."""
    async with asyncio.timeout(20):
        while True:
            try:
                await kafka.examine(url)
            except OperatorError as refused:
                if what in refused.what:
                    return refused
            await asyncio.sleep(0.1)


class Rules(CreateAclsRequest):
    """Several rules at once: the first alone would deny the broker what the second allows."""

    def __init__(self, rules: list[tuple]) -> None:
        self._rules = rules

    def build(self, request_struct_class):
        return request_struct_class(self._rules)


async def rule(url: str, resource: int, name: str, *operations: int, permission: int = ALLOW) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=url)
    await admin.start()
    try:
        rules = [(resource, name, LITERAL, "User:ANONYMOUS", "*", operation, permission) for operation in operations]
        made = await admin._send_request(Rules(rules))
        assert {code for code, _ in made.creation_responses} == {0}, made
    finally:
        await admin.close()
