"""The application factory and the process of all ten services: what is wired, opened, run and closed, in one order.

Knows no service; a service's app.py gives it routes, dependencies, a subscription and jobs.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from importlib import import_module
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec
import structlog
import uvicorn
from litestar import Litestar, get, post
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import DefineMiddleware
from litestar.params import FromQuery, JSONBody
from litestar.types import ControllerRouterHandler

from shared import logging_setup, metrics, openapi, redis_gate, settings
from shared.cancellation import cancel_all
from shared.closed_structs import ClosedStructs
from shared.database import Database
from shared.fault_controls import LOOP_FACTORY, FaultControls
from shared.fault_overlay import Account, Overlay
from shared.health import Check, NotHealthyError, health_routes
from shared.http_methods import HttpMethods
from shared.identity import provide_principal, requires_role
from shared.kafka_consumer import ConsumerRunner, Subscription
from shared.loop_lag import LoopLag
from shared.outbox_repair import outbox_routes
from shared.problem_details import EXCEPTION_HANDLERS
from shared.pruning import LIBRARY_RULES, Rule, pruner
from shared.request_scope import Load, RequestScope
from shared.service_parts import ServiceParts
from shared.service_registry import Instance, stay_registered
from shared.strict_body import StrictBody
from shared.telemetry import telling

BODY_BYTES_MAX = 1024 * 1024
KEEP_ALIVE_S = 30
GRACEFUL_STOP_S = 4
REDRIVE_LETTERS_MAX = 5_000
REWIND_RECORDS_MAX = 1_000_000
TASK_RESTART_S = 0.5

P_co = TypeVar("P_co", bound=ServiceParts, covariant=True)
log = structlog.get_logger(__name__)


class Resource(Protocol):
    """Something a service opens before its first request and closes after its last."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...


class BackgroundJob(Protocol):
    """Work that runs for as long as the service does, such as a `Periodic` or a `WorkEngine`."""

    @property
    def name(self) -> str: ...
    async def run(self) -> None: ...


class Contract(Account, frozen=True, kw_only=True):
    """What a service says of itself to judges: the event types it consumes, and the defects planted in it."""

    consumes: list[str]


class Runtime(Generic[P_co]):
    """The unopened clients of one service instance, and the application built from them.

    `parts` are the healthy ones handed in, but for those that the fault overlay replaces.

    Nothing connects before the application's lifespan starts, so that a runtime can be made in any process and loop.
    """

    def __init__(self, config: settings.ServiceSettings, parts: P_co) -> None:
        self.settings = config
        self.controls = FaultControls(config)
        self.clock = self.controls.clock
        self._overlay = Overlay.load(config)
        self.parts = parts = self._overlay.plant(config, parts)
        self.redis = redis_gate.connect(config.redis_url)
        self.registry = parts.registry(self.redis, config.prefix)
        self.tokens = parts.tokens(config.internal_secret)
        self.client = parts.client(config, self.registry, self.tokens, self.redis)
        self.cache = parts.cache(self.redis, f"{config.prefix}cache:{config.service}:")
        self.producer = parts.producer(config.kafka_bootstrap, client_id=config.instance, prefix=config.prefix)
        self._database = parts.database(config.database_url, config.instance) if config.database_url else None
        self._load = Load()
        self._health = parts.health()
        self._health.add("redis", self._check_redis)
        if self._database is not None:
            self._health.add("database", self._database.check, needed=True)

    @property
    def database(self) -> Database:
        """The service's own database; a service without one must not ask."""
        assert self._database is not None, f"{self.settings.service} has no database"
        return self._database

    def add_check(self, name: str, check: Check) -> None:
        """Another dependency without which the service is not ready, though it may answer with less."""
        self._health.add(name, check)

    def application(
        self,
        *,
        route_handlers: Sequence[ControllerRouterHandler],
        dependencies: Mapping[str, object] | None = None,
        subscription: Subscription | None = None,
        jobs: Sequence[BackgroundJob] = (),
        pruning: Sequence[Rule] = (),
        resources: Sequence[Resource] = (),
        body_bytes_max: int = BODY_BYTES_MAX,
        authenticated: bool = True,
    ) -> Litestar:
        """The Litestar application; opens everything in its lifespan and closes it in reverse."""
        metrics.watch("cache_loads", lambda: self.cache.loads)
        if self._database is not None:
            metrics.watch("database_connections_used", self.database.connections_used)
            metrics.watch("database_connections_max", self.database.connections_max)
        loop_lag = LoopLag()
        metrics.watch("loop_looks", lambda: loop_lag.looks)
        metrics.watch("loop_blocked", lambda: loop_lag.blocked)
        tasks: list[tuple[str, Any]] = [(loop_lag.name, loop_lag.run)]
        operated: list[HTTPRouteHandler] = [self._contract_route(subscription or {}, authenticated=authenticated)]
        if not self.settings.is_production:
            operated.append(_controls_route(self.controls, self._authentication()))
        if self.settings.role != "api" and self._database is not None:
            relay = self.parts.relay(self._database, self.producer)
            tasks.append(("relay", relay.run))
            metrics.watch("outbox_backlog_rows", lambda: relay.backlog_rows)
            operated.extend(outbox_routes(self._database, self.settings.service))
            if subscription:
                runner = self.parts.consumer(
                    self._database,
                    subscription,
                    bootstrap=self.settings.kafka_bootstrap,
                    service=self.settings.service,
                    instance=self.settings.instance,
                    prefix=self.settings.prefix,
                )
                operated.extend((_redrive_route(runner), _rewind_route(runner)))
                tasks.append(("consumer", runner.run))
                metrics.watch("consumer_lag_records", runner.lag)
                self._health.add("kafka", _state_check(runner.health))
            pruning_job = pruner(self._database, [*LIBRARY_RULES, *pruning])
            tasks.extend((job.name, job.run) for job in (*jobs, pruning_job))

        @asynccontextmanager
        async def lifespan(_app: Litestar) -> AsyncGenerator[None]:
            async with AsyncExitStack() as stack:
                self.controls.apply()
                stack.enter_context(telling(self.settings))
                stack.push_async_callback(self.redis.aclose)
                for resource in (self._database, self.client, *resources):
                    if resource is not None:
                        await resource.open()
                        stack.push_async_callback(resource.close)
                stack.push_async_callback(self.producer.close)
                await stack.enter_async_context(self._background([*tasks, ("heartbeat", self._heartbeat)]))
                log.info("service_started", port=self.settings.port, role=self.settings.role)
                yield
                await self.registry.withdraw(self.settings.service, self.settings.instance)

        provided = {name: _provider(value) for name, value in (dependencies or {}).items()}
        if authenticated:
            provided["principal"] = Provide(provide_principal, sync_to_thread=False)
        middleware: list[Any] = [DefineMiddleware(RequestScope, service=self.settings.service, load=self._load)]
        if authenticated:
            middleware.append(self._authentication())
        app = Litestar(
            route_handlers=[
                *route_handlers,
                *health_routes(self._health),
                metrics.endpoint,
                *operated,
            ],
            dependencies=provided,
            lifespan=[lifespan],
            middleware=middleware,
            exception_handlers=EXCEPTION_HANDLERS,
            dto=StrictBody,
            return_dto=None,
            request_max_body_size=body_bytes_max,
            openapi_config=openapi.configuration(f"ShopStream {self.settings.service}"),
            on_app_init=[_bare],
            plugins=[ClosedStructs()],
        )
        openapi.declare(app)
        app.state.protocol = self.parts.protocol
        app.asgi_handler = HttpMethods(app)
        return app

    def _authentication(self) -> DefineMiddleware:
        return DefineMiddleware(self.parts.authentication, tokens=self.tokens, audience=self.settings.service)

    def _contract_route(self, subscription: Subscription, *, authenticated: bool) -> HTTPRouteHandler:
        """`/internal/contract`, for judges and the AsyncAPI document."""
        consumed = sorted(event.type for event in subscription)

        @get(
            "/internal/contract",
            guards=[requires_role("service")],
            middleware=[] if authenticated else [self._authentication()],
            include_in_schema=False,
        )
        async def contract() -> Contract:
            account = self._overlay.account()
            return Contract(consumes=consumed, planted=account.planted, sealed=account.sealed)

        return contract

    @asynccontextmanager
    async def _background(self, work: Sequence[tuple[str, Any]]) -> AsyncGenerator[None]:
        """Run the tasks until the block ends."""
        tasks = [asyncio.create_task(_kept_running(name, run), name=name) for name, run in work]
        try:
            yield
        finally:
            await cancel_all(tasks)

    async def _heartbeat(self) -> None:
        """Stay in the registry for as long as this process can serve."""
        config = self.settings
        await stay_registered(
            self.registry,
            Instance(config.service, config.instance, f"http://{config.reachable_host}:{config.port}"),
            load=lambda: self._load.in_flight,
            can_serve=self._health.can_serve,
        )

    async def _check_redis(self) -> str:
        await self.redis.ping()
        return "PONG"


def _controls_route(controls: FaultControls, authentication: DefineMiddleware) -> HTTPRouteHandler:
    """`/internal/fault-controls`: obey the controls file as it is now. Not there in production."""

    @post(
        "/internal/fault-controls",
        guards=[requires_role("service")],
        middleware=[authentication],
        include_in_schema=False,
        status_code=200,
    )
    async def apply() -> dict[str, object]:
        return {"connections_cut": controls.apply(), "now": controls.clock.now()}

    return apply


def _redrive_route(runner: ConsumerRunner) -> HTTPRouteHandler:
    """`/internal/dead-letters/redrive`: apply this service's dead letters again, after the cause is mended.

    `since` leaves alone what was buried earlier.
    """

    @post("/internal/dead-letters/redrive", guards=[requires_role("service")], include_in_schema=False, status_code=200)
    async def redrive(since: FromQuery[datetime | None] = None) -> dict[str, int]:
        return (await runner.redrive(letters_max=REDRIVE_LETTERS_MAX, since=since))._asdict()

    return redrive


class Rewind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far back every partition goes, at most; `topic` without the stack's prefix, all topics when empty."""

    records_max: Annotated[int, msgspec.Meta(ge=1, le=REWIND_RECORDS_MAX)]
    topic: str = ""


def _rewind_route(runner: ConsumerRunner) -> HTTPRouteHandler:
    """`/internal/consumer/rewind`: have events delivered again, as a lost commit or an operator would."""

    @post("/internal/consumer/rewind", guards=[requires_role("service")], include_in_schema=False, status_code=200)
    async def rewind(data: JSONBody[Rewind]) -> dict[str, int]:
        return {"records": await runner.rewind(records_max=data.records_max, topic=data.topic)}

    return rewind


def _state_check(state: Callable[[], tuple[bool, str]]) -> Check:
    async def check() -> str:
        healthy, detail = state()
        if not healthy:
            raise NotHealthyError(detail)
        return detail

    return check


def _provider(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)


def _bare(config: AppConfig) -> AppConfig:
    config.logging_config = None
    return config


async def _kept_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a task for as long as the process lives; one that fails, or that a library cancelled, starts again."""
    while True:
        try:
            await run()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            log.warning("background_task_interrupted", task=name)
        except Exception:
            log.exception("background_task_failed", task=name)
        await asyncio.sleep(TASK_RESTART_S)


def run(package: str) -> None:
    """Run the service `package` (such as `svc.orders`) in this process until SIGTERM or SIGINT."""
    service_settings = import_module(f"{package}.settings").Settings
    config = settings.read(service_settings, os.environ)
    logging_setup.setup(config)
    app = import_module(f"{package}.app").create_app(config)
    uvicorn.Server(server_config(app, config)).run()


def server_config(app: Litestar, config: settings.ServiceSettings) -> uvicorn.Config:
    """How every service is served; tests serve theirs with the same."""
    return uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        loop="uvloop" if config.is_production else LOOP_FACTORY,
        http=app.state.protocol,
        lifespan="on",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # its default believes any loopback peer's X-Forwarded-For
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_STOP_S,
    )
