"""How the fleet looks from the door: instances, readiness and breakers of every service, asked when somebody looks."""

import asyncio
import time
from typing import Any

import msgspec

from shared.circuit_breaker import Mode
from shared.errors import RemoteRefusal, WorldError
from shared.service_client import ServiceClient
from shared.service_registry import Instance, Registry
from svc.gateway.limits import RateLimits
from svc.gateway.proxy import Proxy
from svc.gateway.routes import Routes
from svc.gateway.upstreams import Upstreams

STATUS_CACHED_S = 1.0
PROBE_LIMIT_S = 0.8
CONTRACTS_CACHED_S = 30.0
CONTRACT_LIMIT_S = 3.0


class ServiceStatus(msgspec.Struct, frozen=True):
    name: str
    status: str
    instances: int
    breaker: str
    failing: list[str] = []


class PartStatus(msgspec.Struct, frozen=True):
    name: str
    status: str


class FleetStatus(msgspec.Struct, frozen=True):
    """`ok`, `degraded` (some of it does not work as it should) or `down`, for the whole and for each part."""

    status: str
    parts: list[PartStatus]
    services: list[ServiceStatus]
    limits_counted: bool


class _Check(msgspec.Struct):
    ok: bool = True


class _Ready(msgspec.Struct):
    status: str = ""
    checks: dict[str, _Check] = {}


class Fleet:
    """Answers are shared for a moment, so that looking at the fleet is no load on it."""

    def __init__(
        self,
        registry: Registry,
        client: ServiceClient,
        upstreams: Upstreams,
        *,
        routes: Routes,
        limits: RateLimits,
        proxy: Proxy,
    ) -> None:
        self._registry = registry
        self._client = client
        self._upstreams = upstreams
        self._routes = routes
        self._limits = limits
        self._proxy = proxy
        self._status: FleetStatus | None = None
        self._status_until = 0.0
        self._contracts: dict[str, dict[str, Any]] = {}
        self._contracts_until = 0.0
        self._looking = asyncio.Lock()

    async def status(self) -> FleetStatus:
        """Every service and every part of the shop, at most a second old."""
        async with self._looking:
            if self._status is None or time.monotonic() >= self._status_until:
                self._status = await self._look()
                self._status_until = time.monotonic() + STATUS_CACHED_S
            return self._status

    async def contracts(self) -> dict[str, dict[str, Any]]:
        """The OpenAPI document of every service that answers, at most half a minute old."""
        async with self._looking:
            if time.monotonic() >= self._contracts_until:
                services = self._routes.services
                fetched = await asyncio.gather(*(self._contract(service) for service in services))
                self._contracts |= {service: found for service, found in zip(services, fetched, strict=True) if found}
                whole = len(self._contracts) == len(services)
                self._contracts_until = time.monotonic() + (CONTRACTS_CACHED_S if whole else STATUS_CACHED_S)
            return self._contracts

    async def _look(self) -> FleetStatus:
        services = await asyncio.gather(*(self._service(service) for service in self._routes.services))
        by_name = {service.name: service.status for service in services}
        parts = [
            PartStatus(part, _worst([by_name[name] for name in needed])) for part, needed in self._routes.parts.items()
        ]
        counted = not self._limits.redis_away
        statuses = [part.status for part in parts]
        whole = "ok" if counted and set(statuses) == {"ok"} else "down" if set(statuses) == {"down"} else "degraded"
        return FleetStatus(whole, parts, list(services), limits_counted=counted)

    async def _service(self, service: str) -> ServiceStatus:
        instances = await self._registry.instances(service)
        breaker = self._upstreams.of(service).breaker.mode
        if not instances:
            return ServiceStatus(service, "down", 0, breaker)
        failing = await self._failing(instances[0])
        status = "degraded" if failing or breaker is not Mode.CLOSED else "ok"
        return ServiceStatus(service, status, len(instances), breaker, failing)

    async def _failing(self, instance: Instance) -> list[str]:
        """The names of an instance's failing checks, without their details."""
        report = await self._proxy.probe(instance.url + "/health/ready", limit_s=PROBE_LIMIT_S)
        if report is None:
            return ["no_answer"]
        try:
            ready = msgspec.json.decode(report, type=_Ready)
        except msgspec.MsgspecError:
            return ["unreadable"]
        return sorted(name for name, check in ready.checks.items() if not check.ok)

    async def _contract(self, service: str) -> dict[str, Any] | None:
        try:
            return await self._client.request(
                service, "GET", "/openapi/openapi.json", response_type=dict[str, Any], timeout_s=CONTRACT_LIMIT_S
            )
        except (WorldError, RemoteRefusal):
            return None


def _worst(statuses: list[str]) -> str:
    if "down" in statuses:
        return "down"
    return "degraded" if "degraded" in statuses else "ok"
