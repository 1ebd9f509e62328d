"""The catalog without a fleet: its API alone, in one process or several, on a PostgreSQL and a Redis of its own.

It publishes nothing, for there is no broker; nothing that is measured waits for one.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import asyncpg
import msgspec

from compose.engines import boot
from compose.layout import Layout, default_cache
from loadtests.benchmarks.own_process import own_process, until_ok
from loadtests.benchmarks.process_cpu import usage
from shared import migrate
from shared.identity import HEADER, InternalTokens, operator_principal

SECRET = "a-secret-of-this-benchmark-alone-0123456789"  # noqa: S105 guards nothing but a benchmark on loopback
SERVICE = "catalog"
IMPORTED_AT_ONCE = 500


class LoneCatalog(msgspec.Struct, frozen=True):
    """Where its processes answer, and what they and their database are."""

    urls: tuple[str, ...]
    processes: dict[int, str]
    redis_url: str

    def headers(self) -> dict[str, str]:
        """The operator's, for a minute."""
        return {HEADER: InternalTokens(SECRET).mint(operator_principal(), SERVICE)}

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far by what used them."""
        return usage(self.processes)


@contextlib.asynccontextmanager
async def lone_catalog(
    home: Path, *, port_base: int, processes: int, products: Sequence[dict[str, Any]]
) -> AsyncGenerator[LoneCatalog]:
    """On ports from `port_base` while the block runs, with these products on its shelf."""
    running = await boot(Layout(home, default_cache(), port_base), only=("postgres", "redis"))
    try:
        database_url = await _database(running.urls["postgres"])
        with contextlib.ExitStack() as started:
            urls: list[str] = []
            named = {running.engines["postgres"].process.pid: "postgres", running.engines["redis"].process.pid: "redis"}
            for number in range(processes):
                environ = {
                    "SHOPSTREAM_PORT": str(port_base + number),
                    "SHOPSTREAM_INSTANCE": f"{SERVICE}-{number + 1}",
                    "SHOPSTREAM_ROLE": "api",
                    "SHOPSTREAM_DATABASE_URL": database_url,
                    "SHOPSTREAM_REDIS_URL": running.urls["redis"],
                    "SHOPSTREAM_INTERNAL_SECRET": SECRET,
                    "SHOPSTREAM_SPANS_DIR": str(home / "spans"),
                }
                process = started.enter_context(
                    own_process(home, f"{SERVICE}-{number + 1}", f"svc.{SERVICE}", environ=environ)
                )
                named[process.pid] = SERVICE
                urls.append(f"http://127.0.0.1:{port_base + number}")
            catalog = LoneCatalog(tuple(urls), named, running.urls["redis"])
            for url in urls:
                await until_ok(f"{url}/api/v1/products?limit=1", catalog.headers())
            await _import(catalog, products)
            yield catalog
    finally:
        await running.stop()


async def _database(server_url: str) -> str:
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"CREATE DATABASE {SERVICE}")
    finally:
        await connection.close()
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{SERVICE}"))
    await asyncio.to_thread(migrate.upgrade, f"svc.{SERVICE}", url)
    return url


async def _import(catalog: LoneCatalog, products: Sequence[dict[str, Any]]) -> None:
    async with aiohttp.ClientSession() as http:
        for start in range(0, len(products), IMPORTED_AT_ONCE):
            items = list(products[start : start + IMPORTED_AT_ONCE])
            async with http.post(
                f"{catalog.urls[0]}/internal/products/import", json={"items": items}, headers=catalog.headers()
            ) as answer:
                answer.raise_for_status()
