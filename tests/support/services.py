"""Run real services inside a test: a migrated database, topics of the test's own, the app on a free port."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import asyncpg
import uvicorn
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from compose import stack
from shared import contracts, migrate
from shared.contracts import Envelope, Event, encode
from shared.database import Database
from shared.identity import HEADER, InternalTokens, Principal, operator_principal
from shared.ids import new_id
from shared.kafka_producer import Message, Producer
from shared.service import server_config
from tests.support.engines import EngineUrls

INTERNAL_SECRET = "test-internal-secret-0123456789abcdef"
WEBHOOK_SECRET = "test-webhook-secret-0123456789abcdef"
DEADLINE_S = 20.0

_templates: dict[tuple[str, str, str], str] = {}
_templates_lock = threading.Lock()


async def until(condition: Any, *, deadline_s: float = DEADLINE_S, every_s: float = 0.02) -> Any:
    """Await `condition()` until it gives something true, and give that; fails at the deadline."""
    async with asyncio.timeout(deadline_s):
        while True:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return result
            await asyncio.sleep(every_s)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def database_of(
    engines: EngineUrls, service: str, *, suffix: str = "", revision: str = "head"
) -> AsyncIterator[str]:
    """The URL of a fresh, migrated database of one service, `<service>_<suffix>`; dropped afterwards."""
    template = await asyncio.to_thread(_template, engines, service, revision)
    name = f"{service}_{suffix or uuid4().hex[:12]}"
    await _admin(engines, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield _with_database(engines.postgres, name)
    finally:
        await _admin(engines, f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def opened_database(engines: EngineUrls, service: str) -> AsyncIterator[Database]:
    """A fresh database of one service with its pool open."""
    async with database_of(engines, service) as url:
        database = Database(url, "test")
        await database.open()
        try:
            yield database
        finally:
            await database.close()


@asynccontextmanager
async def topics(engines: EngineUrls, prefix: str) -> AsyncIterator[None]:
    """The fleet's topics under the prefix, one partition each; deleted afterwards."""
    admin = AIOKafkaAdminClient(bootstrap_servers=engines.kafka)
    await admin.start()
    names = [prefix + topic.name for topic in contracts.topics(service.name for service in stack.load().audited)]
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1) for name in names])
        yield
        await admin.delete_topics(names)
    finally:
        await admin.close()


@dataclass
class Served:
    """A running service and ways to talk to it."""

    name: str
    url: str
    settings: Any
    app: Any
    http: aiohttp.ClientSession
    tokens: InternalTokens

    def headers(self, principal: Principal | None = None) -> dict[str, str]:
        return {HEADER: self.tokens.mint(principal or operator_principal(), self.name)}

    async def call(
        self, method: str, path: str, *, principal: Principal | None = None, headers: dict[str, str] | None = None,
        anonymous: bool = False, **kwargs: Any,
    ) -> tuple[int, Any]:  # fmt: skip
        """Status and JSON body; as the operator unless told otherwise."""
        sent = {} if anonymous else self.headers(principal)
        async with self.http.request(method, self.url + path, headers={**sent, **(headers or {})}, **kwargs) as answer:
            body = await answer.read()
            return answer.status, (await answer.json(content_type=None) if body else None)


@asynccontextmanager
async def served(
    engines: EngineUrls, service: str, *, prefix: str, parts: Mapping[str, Any] | None = None, **overrides: Any
) -> AsyncIterator[Served]:
    """One service on real engines: own database, keys and topics under `prefix`. Kafka topics are the caller's.

    `parts` replace healthy ones, `overrides` change settings.
    """
    module = import_module(f"svc.{service}.settings")
    async with database_of(engines, service) if stack.load().get(service).database else _nothing() as database_url:
        port = free_port()
        settings = module.Settings(
            **{
                "env": "test",
                "instance": f"{service}-1",
                "port": port,
                "database_url": database_url,
                "redis_url": engines.redis,
                "kafka_bootstrap": engines.kafka,
                "elasticsearch_url": engines.elasticsearch,
                "internal_secret": INTERNAL_SECRET,
                "webhook_secrets": (WEBHOOK_SECRET,),
                "prefix": prefix,
                **({"services": stack.load().packages} if service == "gateway" else {}),
                **overrides,
            }
        )
        healthy = import_module(f"svc.{service}.parts").HEALTHY
        app = import_module(f"svc.{service}.app").create_app(settings, replace(healthy, **(parts or {})))
        server = uvicorn.Server(server_config(app, settings))
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve())
        try:
            await until(lambda: server.started or task.done())
            if task.done():
                task.result()
            async with aiohttp.ClientSession() as http:
                yield Served(service, f"http://127.0.0.1:{port}", settings, app, http, InternalTokens(INTERNAL_SECRET))
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def _nothing() -> AsyncIterator[str]:
    yield ""


async def publish(engines: EngineUrls, prefix: str, *envelopes: Envelope[Event]) -> None:
    """Put events on their topics as another service's relay would."""
    producer = Producer(engines.kafka, client_id="test", prefix=prefix)
    try:
        await producer.send([Message(e.data.topic.name, e.aggregate_id, encode(e)) for e in envelopes])
    finally:
        await producer.close()


def envelope(event: Event, aggregate_id: object, version: int = 1) -> Envelope[Event]:
    """An event in its envelope, ready for `publish`."""
    return Envelope(
        id=new_id(), type=event.type, version=event.schema_version, aggregate_id=str(aggregate_id),
        aggregate_version=version, occurred_at=datetime.now(UTC), data=event,
    )  # fmt: skip


def _template(engines: EngineUrls, service: str, revision: str) -> str:
    """A migrated database to copy, made once per process, service and revision."""
    with _templates_lock:
        key = (engines.postgres, service, revision)
        if key not in _templates:
            name = f"template_{service}_{uuid4().hex[:8]}"
            asyncio.run(_admin(engines, f'CREATE DATABASE "{name}"'))
            migrate.upgrade(f"svc.{service}", _with_database(engines.postgres, name), revision)
            _templates[key] = name
        return _templates[key]


async def _admin(engines: EngineUrls, statement: str) -> None:
    connection = await asyncpg.connect(engines.postgres)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _with_database(url: str, name: str) -> str:
    parts = urlsplit(url)
    return parts._replace(path=f"/{name}").geturl()
