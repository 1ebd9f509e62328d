"""What the gateway costs per request: CPU of its process with token check, limit, breaker and trace, beside floors.

The floor is the same proxying by uvicorn and aiohttp alone, measured in alternating rounds of the same run, because
the absolute figure of a busy machine says little; beside it nginx, where it is installed, and the direct call of the
service. Run: `python -m loadtests.benchmarks.gateway_overhead [--json FILE]`.
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import psutil
import uvloop
from joserfc import jwt
from joserfc.jwk import OKPKey
from redis.asyncio import Redis

from compose import stack
from compose.engines import boot
from compose.layout import Layout, default_cache
from loadtests.benchmarks.nginx import nginx, nginx_program
from loadtests.benchmarks.own_process import own_process, until_ok
from loadtests.benchmarks.reporting import Figure, all_reached, figure, tell
from loadtests.benchmarks.wire_load import LoadResult, ask, check_all_ok, run_load
from shared.service_registry import HEARTBEAT_EVERY_S, Registry

GOAL_ADDED_US = 100.0
PATH = "/api/v1/orders/0190a0f0-0000-7000-8000-000000000001"
SECRET = "a-secret-of-this-benchmark-alone-0123456789"  # noqa: S105 guards nothing but a benchmark on loopback


class Measured(msgspec.Struct, frozen=True):
    """One subject over all rounds: CPU-µs per request of its process (median round), and what clients saw."""

    cpu_us: float
    cpu_us_rounds: list[float]
    requests_per_s: float
    p50_ms: float
    p99_ms: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`direct` is the service called without anybody between, with its own CPU; `nginx` is None where there is none."""

    benchmark: str = "gateway_overhead"
    requests_per_round: int
    rounds: int
    connections: int
    floor: Measured
    gateway: Measured
    direct: Measured
    nginx: Measured | None
    goal_added_us: float = GOAL_ADDED_US

    @property
    def figures(self) -> tuple[Figure, ...]:
        bare = ("bare uvicorn + aiohttp proxy", self.floor.cpu_us)
        direct = ("the service called directly", self.direct.requests_per_s)
        added = self.gateway.cpu_us - self.floor.cpu_us
        found = [
            figure("CPU added to a bare proxy's", "µs", measured=added, beside=bare, goal=self.goal_added_us),
            figure("CPU of the gateway per request", "µs", measured=self.gateway.cpu_us, beside=bare),
            figure("requests/s through the gateway", "per s", measured=self.gateway.requests_per_s, beside=direct),
        ]
        if self.nginx:
            found.append(
                figure(
                    "CPU of the gateway per request", "µs",
                    measured=self.gateway.cpu_us, beside=("nginx", self.nginx.cpu_us),
                )
            )  # fmt: skip
        return tuple(found)

    @property
    def reached(self) -> bool:
        return all_reached(self.figures)


async def measure(*, requests: int, rounds: int, connections: int, port_base: int, redis_url: str) -> Report:
    """Start everything on ports from `port_base`, measure, stop everything."""
    with tempfile.TemporaryDirectory(prefix="gateway-overhead-") as directory:
        home = Path(directory)
        async with _redis(home, port_base, redis_url) as redis_at:
            return await _measure_on(
                redis_at, home, port_base, requests=requests, rounds=rounds, connections=connections
            )


async def _measure_on(
    redis_url: str, home: Path, port_base: int, *, requests: int, rounds: int, connections: int
) -> Report:
    key = OKPKey.generate_key("Ed25519", {"kid": "bench"})
    jwks = _written(home / "jwks.json", msgspec.json.encode({"keys": [key.as_dict(private=False)]}))
    upstream, floor, gateway = (f"http://127.0.0.1:{port_base + offset}" for offset in range(3))
    prefix = f"bench{uuid.uuid4().hex[:8]}."
    environ = {
        "SHOPSTREAM_ENV": "development",
        "SHOPSTREAM_PORT": str(port_base + 2),
        "SHOPSTREAM_REDIS_URL": redis_url,
        "SHOPSTREAM_INTERNAL_SECRET": SECRET,
        "SHOPSTREAM_PREFIX": prefix,
        "SHOPSTREAM_SERVICES": ",".join(stack.load().packages),
        "SHOPSTREAM_SPANS_DIR": str(home / "spans"),
        "SHOPSTREAM_LIMIT_CHECKOUT": "10000000/60",
    }
    bare = "loadtests.benchmarks.bare_proxy"
    program = nginx_program()
    with contextlib.ExitStack() as processes:
        started = processes.enter_context
        subjects = {
            "direct": (upstream, started(own_process(home, "upstream", bare, "upstream", str(port_base), jwks))),
            "floor": (floor, started(own_process(home, "floor", bare, "proxy", str(port_base + 1), upstream))),
            "gateway": (gateway, started(own_process(home, "gateway", "svc.gateway", environ=environ))),
        }
        if program:
            url = f"http://127.0.0.1:{port_base + 3}"
            subjects["nginx"] = (url, started(nginx(home, program, port=port_base + 3, upstream=upstream)))
        async with _registered(redis_url, prefix, upstream):
            headers = {"Authorization": f"Bearer {_token(key)}", "Accept": "application/json", "User-Agent": "bench"}
            for url, _ in subjects.values():
                await until_ok(url + PATH, headers)
                await run_load([ask(url + PATH, headers)], requests=requests // 4, connections=connections)
            seen: dict[str, list[tuple[float, LoadResult]]] = {name: [] for name in subjects}
            for _ in range(rounds):
                for name, (url, process) in subjects.items():
                    before = _cpu_s(process)
                    load = await run_load([ask(url + PATH, headers)], requests=requests, connections=connections)
                    seen[name].append(((_cpu_s(process) - before) / requests * 1e6, load))
    measured = {name: _summary(of) for name, of in seen.items()}
    return Report(
        requests_per_round=requests,
        rounds=rounds,
        connections=connections,
        floor=measured["floor"],
        gateway=measured["gateway"],
        direct=measured["direct"],
        nginx=measured.get("nginx"),
    )


def table(report: Report) -> str:
    """The report for people."""
    lines = [f"{'':10}{'CPU µs/request':>16}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}"]
    rows = {"direct": report.direct, "nginx": report.nginx, "floor": report.floor, "gateway": report.gateway}
    for name, row in rows.items():
        if row:
            lines.append(f"{name:10}{row.cpu_us:16.1f}{row.requests_per_s:12.0f}{row.p50_ms:9.2f}{row.p99_ms:9.2f}")
        else:
            lines.append(f"{name:10}is not installed here, so that it was not measured")
    return "\n".join(lines)


def _summary(rounds: list[tuple[float, LoadResult]]) -> Measured:
    for _, load in rounds:
        check_all_ok(load)
    return Measured(
        cpu_us=round(statistics.median(cpu for cpu, _ in rounds), 1),
        cpu_us_rounds=[round(cpu, 1) for cpu, _ in rounds],
        requests_per_s=round(statistics.median(load.requests / load.seconds for _, load in rounds), 1),
        p50_ms=round(statistics.median(load.p50_ms for _, load in rounds), 2),
        p99_ms=round(statistics.median(load.p99_ms for _, load in rounds), 2),
    )


def _written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _token(key: OKPKey) -> str:
    now = int(time.time())
    claims = {
        "iss": "shopstream", "aud": "shopstream-api", "sub": str(uuid.uuid4()), "sid": str(uuid.uuid4()),
        "roles": ["customer"], "email": "bench@example.com", "iat": now, "exp": now + 600,
    }  # fmt: skip
    header = {"alg": "Ed25519", "typ": "at+jwt", "kid": "bench"}
    return jwt.encode(header, claims, key, algorithms=["Ed25519"])


@contextlib.asynccontextmanager
async def _redis(home: Path, port_base: int, given_url: str) -> AsyncGenerator[str]:
    if given_url:
        yield given_url
        return
    running = await boot(Layout(home, default_cache(), port_base + 10), only=("redis",))
    try:
        yield running.urls["redis"]
    finally:
        await running.stop()


@contextlib.asynccontextmanager
async def _registered(redis_url: str, prefix: str, url: str) -> AsyncGenerator[None]:
    """Keep the upstream in the registry as two services while the block runs."""
    redis = Redis.from_url(redis_url)
    registry = Registry(redis, prefix)

    async def beat() -> None:
        while True:
            for service in ("auth", "orders"):
                await registry.heartbeat(service, f"{service}-1", url)
            await asyncio.sleep(HEARTBEAT_EVERY_S)

    beats = asyncio.create_task(beat())
    try:
        yield
    finally:
        beats.cancel()
        await asyncio.gather(beats, return_exceptions=True)
        await redis.aclose()


def main() -> int:
    """0 when the goal was reached, 1 when it was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=6_000, help="per round and subject")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--port-base", type=int, default=26_000)
    parser.add_argument("--redis-url", default="", help="use this one instead of booting one")
    parser.add_argument("--json", type=Path, help="write the report here")
    given = parser.parse_args()
    report = uvloop.run(
        measure(
            requests=given.requests,
            rounds=given.rounds,
            connections=given.connections,
            port_base=given.port_base,
            redis_url=given.redis_url,
        )
    )
    return tell(table(report), report, given.json)


if __name__ == "__main__":
    sys.exit(main())
