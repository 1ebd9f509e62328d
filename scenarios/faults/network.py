"""What can happen to a link: every byte between one service (or all) and one engine, partner or other service.

A link is written `orders:postgres`, `payments:psp`, `all:kafka`, `gateway:orders`. The world opens a proxy for it, the
service is told to go through it (shared.fault_controls), which cuts its direct connections and restarts nothing.
"""

import asyncio
from typing import Any, Final

import msgspec

from compose.addresses import place_of
from compose.operator_error import OperatorError
from scenarios.faults import controls
from scenarios.faults.fault import FaultValue, Milliseconds, Number
from scenarios.faults.knocking import HEAVY_BYTES, knock
from scenarios.fleet import Fleet
from shared.fault_controls import ServiceControls

BEHIND: Final = {
    "postgres": "postgres", "redis": "redis", "kafka": "kafka_bootstrap", "elasticsearch": "elasticsearch",
    "smtp": "smtp", "psp": "psp", "carrier": "carrier", "sms": "catcher",
}  # fmt: skip
"""Where a link can lead, and the name of its address in the stack's state; besides these, to any service."""
EVERYBODY: Final = "all"
SURELY: Final = 0.8
"""The share of the delay asked for that a probe must see: timers and clocks are not exact."""
SILENCE_S: Final = 1.0
KNOCKS: Final = 5


class Route(msgspec.Struct, frozen=True):
    """One proxied address: `name` in the world's list."""

    service: str
    behind: str
    address: str

    @property
    def name(self) -> str:
        return f"{self.service}:{self.behind}:{self.address.rpartition(':')[2]}"


class _LinkFault(FaultValue, frozen=True, kw_only=True):
    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        routes = await routes_of(fleet, self.target)
        ports = [await self._open(fleet, route) for route in routes]
        host = place_of(fleet.reached("fault_api")).rpartition(":")[0]
        led = 0
        for service in dict.fromkeys(route.service for route in routes):
            detours = {
                route.address: f"{host}:{port}"
                for route, port in zip(routes, ports, strict=True)
                if route.service == service
            }
            led += len(await controls.change(fleet, service, lambda it, new=detours: _with(it, new)))
        if led == 0:
            return False, "no process of the service took the detour"
        seen = [
            await self.probe(route.behind, fleet.published(port)) for route, port in zip(routes, ports, strict=True)
        ]
        return all(bit for bit, _ in seen), "; ".join(dict.fromkeys(what for _, what in seen))

    async def heal(self, fleet: Fleet) -> None:
        for route in await routes_of(fleet, self.target):
            state = (await _links(fleet)).get(route.name, {})
            toxics = [toxic for toxic in state.get("toxics", []) if toxic not in self.toxics()]
            down = state.get("down", False) and not self.is_down
            if toxics or down:
                await _change(fleet, route, toxics, down=down)
                continue
            await controls.change(fleet, route.service, lambda it, gone=route: _without(it, gone))
            await fleet.world("fault-api", "DELETE", f"/links/{route.name}")

    async def probe(self, behind: str, port: int) -> tuple[bool, str]:
        """Whether somebody who goes through the proxy feels the fault."""
        raise NotImplementedError

    def toxics(self) -> list[dict[str, Any]]:
        """As the world's interface takes and gives them."""
        return []

    @property
    def is_down(self) -> bool:
        return False

    async def _open(self, fleet: Fleet, route: Route) -> int:
        state = (await _links(fleet)).get(route.name, {})
        toxics = [*state.get("toxics", []), *self.toxics()]
        made = await _change(fleet, route, toxics, down=self.is_down or state.get("down", False))
        return int(made["listen"].rpartition(":")[2])


class Latency(_LinkFault, frozen=True, kw_only=True, tag="latency"):
    """Answers come later by `latency_ms` ± `jitter_ms`."""

    latency_ms: Milliseconds = 300
    jitter_ms: Milliseconds = 0

    def toxics(self) -> list[dict[str, Any]]:
        return [_toxic("latency", latency_ms=self.latency_ms, jitter_ms=self.jitter_ms)]

    async def probe(self, behind: str, port: int) -> tuple[bool, str]:
        took = [await knock(behind, port) for _ in range(KNOCKS if self.jitter_ms else 1)]
        least_s = SURELY * max(0, self.latency_ms - self.jitter_ms) / 1_000
        return min(took) >= least_s and max(took) > 0, f"an answer takes {max(took) * 1_000:.0f} ms"


class Bandwidth(_LinkFault, frozen=True, kw_only=True, tag="bandwidth"):
    """At most `rate_kb_s` in each direction."""

    rate_kb_s: Number = 20

    def toxics(self) -> list[dict[str, Any]]:
        return [_toxic("bandwidth", stream=stream, rate_kb_s=self.rate_kb_s) for stream in ("upstream", "downstream")]

    async def probe(self, behind: str, port: int) -> tuple[bool, str]:
        took = await knock(behind, port, heavy=True)
        return took >= SURELY * HEAVY_BYTES / 1_000 / self.rate_kb_s, f"{HEAVY_BYTES} bytes take {took * 1_000:.0f} ms"


class Slicer(_LinkFault, frozen=True, kw_only=True, tag="slicer"):
    """Requests arrive in pieces of `average_bytes`, `delay_us` apart."""

    average_bytes: Number = 64
    delay_us: Number = 1_000

    def toxics(self) -> list[dict[str, Any]]:
        sizes = {"average_bytes": self.average_bytes, "variation_bytes": 0}
        return [_toxic("slicer", stream="upstream", **sizes, delay_us=self.delay_us)]

    async def probe(self, behind: str, port: int) -> tuple[bool, str]:
        took = await knock(behind, port, heavy=True)
        least_s = SURELY * HEAVY_BYTES / self.average_bytes * self.delay_us / 1_000_000
        return took >= least_s, f"{HEAVY_BYTES} bytes take {took * 1_000:.0f} ms"


class Reset(_LinkFault, frozen=True, kw_only=True, tag="reset"):
    """Every connection is reset `after_ms` after it was made."""

    after_ms: Milliseconds = 0

    def toxics(self) -> list[dict[str, Any]]:
        return [_toxic("reset_peer", after_ms=self.after_ms)]

    async def probe(self, behind: str, port: int) -> tuple[bool, str]:
        return await _fails(behind, port, ConnectionResetError, "connections are reset")


class Blackhole(_LinkFault, frozen=True, kw_only=True, tag="blackhole"):
    """Connections stay open and nothing comes through, as in a partition."""

    def toxics(self) -> list[dict[str, Any]]:
        return [_toxic("timeout", stream=stream, after_ms=0) for stream in ("upstream", "downstream")]

    async def probe(self, behind: str, port: int) -> tuple[bool, str]:
        try:
            async with asyncio.timeout(SILENCE_S):
                await knock(behind, port)
        except TimeoutError:
            return True, f"no answer within {SILENCE_S:g} s"
        return False, "there is an answer"


class Down(_LinkFault, frozen=True, kw_only=True, tag="down"):
    """Connections are cut and refused."""

    @property
    def is_down(self) -> bool:
        return True

    async def probe(self, behind: str, port: int) -> tuple[bool, str]:
        return await _fails(behind, port, ConnectionRefusedError, "connections are refused")


async def routes_of(fleet: Fleet, target: str) -> list[Route]:
    """The addresses a link stands for. Raises OperatorError (link.unknown) for what is no link of this fleet."""
    service, _, behind = target.partition(":")
    processes = await fleet.processes()
    services = list(dict.fromkeys(it["component"] for it in processes if it["kind"] == "service"))
    wanted = services if service == EVERYBODY else [service]
    if not behind or not set(wanted) <= set(services) or behind not in {*BEHIND, *services}:
        raise OperatorError(
            "link.unknown",
            f"There is no link {target!r}.",
            mend=f"Write it as orders:postgres; from {EVERYBODY}, {', '.join(services)} to {', '.join(BEHIND)} "
            "or a service.",
        )
    if behind in BEHIND:
        addresses = [place_of(fleet.reached(BEHIND[behind]))]
    else:
        addresses = [it["inside"] or f"127.0.0.1:{it['port']}" for it in processes if it["component"] == behind]
    return [Route(each, behind, address) for each in wanted if each != behind for address in addresses]


async def open_links(fleet: Fleet) -> list[dict[str, Any]]:
    """Every link that the world has a proxy for, with its toxics."""
    answer = await fleet.world("fault-api", "GET", "/links")
    return list(answer["items"])


async def _links(fleet: Fleet) -> dict[str, dict[str, Any]]:
    return {link["name"]: link for link in await open_links(fleet)}


async def _change(fleet: Fleet, route: Route, toxics: list[dict[str, Any]], *, down: bool) -> dict[str, Any]:
    wanted = {"upstream": route.address, "toxics": toxics, "down": down}
    return await fleet.world("fault-api", "PUT", f"/links/{route.name}", json=wanted)


async def _fails(behind: str, port: int, error: type[OSError], what: str) -> tuple[bool, str]:
    try:
        await knock(behind, port)
    except error:
        return True, what
    except OSError as other:
        return False, f"another failure: {other!r}"
    return False, "there is an answer"


def _toxic(kind: str, *, stream: str = "downstream", **attributes: int) -> dict[str, Any]:
    return {"type": kind, "stream": stream, "toxicity": 1.0, **attributes}


def _with(controls: ServiceControls, detours: dict[str, str]) -> ServiceControls:
    return msgspec.structs.replace(controls, detours={**controls.detours, **detours})


def _without(controls: ServiceControls, route: Route) -> ServiceControls:
    return msgspec.structs.replace(
        controls,
        detours={address: instead for address, instead in controls.detours.items() if address != route.address},
    )
