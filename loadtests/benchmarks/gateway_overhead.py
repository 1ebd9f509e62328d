"""What the gateway costs per request: CPU of its process with token check, limit, breaker and trace, beside a floor.

The floor is the same proxying by uvicorn and aiohttp alone, measured in alternating rounds of the same run, because
the absolute figure of a busy machine says little. Run: `python -m loadtests.benchmarks.gateway_overhead [--json FILE]`.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import aiohttp
import msgspec
import psutil
import uvloop
from joserfc import jwt
from joserfc.jwk import OKPKey
from redis.asyncio import Redis

from compose import stack
from compose.engines import boot
from compose.layout import Layout, default_cache
from loadtests.benchmarks.reporting import tell
from loadtests.benchmarks.wire_load import LoadResult, run_load
from shared.service_registry import HEARTBEAT_EVERY_S, Registry

GOAL_ADDED_US = 300.0
PATH = "/api/v1/orders/0190a0f0-0000-7000-8000-000000000001"
START_LIMIT_S = 20.0
STOP_LIMIT_S = 8.0
SECRET = "a-secret-of-this-benchmark-alone-0123456789"  # noqa: S105 guards nothing but a benchmark on loopback


class Measured(msgspec.Struct, frozen=True):
    """One subject over all rounds: CPU-µs per request of its process (median round), and what clients saw."""

    cpu_us: float
    cpu_us_rounds: list[float]
    requests_per_s: float
    p50_ms: float
    p99_ms: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    benchmark: str = "gateway_overhead"
    requests_per_round: int
    rounds: int
    connections: int
    floor: Measured
    gateway: Measured
    added_us: float
    ratio: float
    goal_added_us: float = GOAL_ADDED_US

    @property
    def reached(self) -> bool:
        return self.added_us <= self.goal_added_us


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
    (home / "jwks.json").write_bytes(msgspec.json.encode({"keys": [key.as_dict(private=False)]}))
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
    with (
        _process(home, "upstream", bare, "upstream", str(port_base), str(home / "jwks.json")),
        _process(home, "floor", bare, "proxy", str(port_base + 1), upstream) as floor_process,
        _process(home, "gateway", "svc.gateway", environ=environ) as gateway_process,
    ):
        async with _registered(redis_url, prefix, upstream):
            headers = {"Authorization": f"Bearer {_token(key)}", "Accept": "application/json", "User-Agent": "bench"}
            for url in (floor, gateway):
                await _until_ok(url + PATH, headers)
                await run_load(url + PATH, headers, requests=requests // 4, connections=connections)
            floor_rounds: list[tuple[float, LoadResult]] = []
            gateway_rounds: list[tuple[float, LoadResult]] = []
            for _ in range(rounds):
                for url, process, rounds_of in (
                    (floor, floor_process, floor_rounds),
                    (gateway, gateway_process, gateway_rounds),
                ):
                    before = _cpu_s(process)
                    load = await run_load(url + PATH, headers, requests=requests, connections=connections)
                    rounds_of.append(((_cpu_s(process) - before) / requests * 1e6, load))
    measured = [_summary(floor_rounds), _summary(gateway_rounds)]
    return Report(
        requests_per_round=requests,
        rounds=rounds,
        connections=connections,
        floor=measured[0],
        gateway=measured[1],
        added_us=round(measured[1].cpu_us - measured[0].cpu_us, 1),
        ratio=round(measured[1].cpu_us / measured[0].cpu_us, 2),
    )


def table(report: Report) -> str:
    """The report for people."""
    lines = [f"{'':10}{'CPU µs/request':>16}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}"]
    for name, row in (("floor", report.floor), ("gateway", report.gateway)):
        lines.append(f"{name:10}{row.cpu_us:16.1f}{row.requests_per_s:12.0f}{row.p50_ms:9.2f}{row.p99_ms:9.2f}")
    verdict = "reached" if report.reached else "missed"
    lines.append(
        f"added {report.added_us:.1f} µs, ratio {report.ratio:.2f}; goal {report.goal_added_us:.0f} µs: {verdict}"
    )
    return "\n".join(lines)


def _summary(rounds: list[tuple[float, LoadResult]]) -> Measured:
    for _, load in rounds:
        if set(load.statuses) != {200}:
            raise RuntimeError(f"not every answer was 200: {load.statuses}")
    return Measured(
        cpu_us=round(statistics.median(cpu for cpu, _ in rounds), 1),
        cpu_us_rounds=[round(cpu, 1) for cpu, _ in rounds],
        requests_per_s=round(statistics.median(load.requests / load.seconds for _, load in rounds), 1),
        p50_ms=round(statistics.median(load.p50_ms for _, load in rounds), 2),
        p99_ms=round(statistics.median(load.p99_ms for _, load in rounds), 2),
    )


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


@contextlib.contextmanager
def _process(
    home: Path, name: str, module: str, *arguments: str, environ: dict[str, str] | None = None
) -> Generator[psutil.Process]:
    log = home / f"{name}.log"
    with log.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603 our own modules
            [sys.executable, "-m", module, *arguments],
            stdout=out,
            stderr=out,
            env={**os.environ, **(environ or {})},
        )
        try:
            yield psutil.Process(child.pid)
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


async def _until_ok(url: str, headers: dict[str, str]) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(START_LIMIT_S):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(url, headers=headers) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)


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
    tell(table(report), report, given.json)
    return 0 if report.reached else 1


if __name__ == "__main__":
    sys.exit(main())
