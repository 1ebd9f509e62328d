"""The usual way to reserve one unit of a hot SKU: a transaction per buyer, by pgbench or else by asyncpg."""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from shared.ids import new_id

SKU = "HOT"
UNITS = 100_000_000
TABLES = """
    CREATE TABLE floor_stock (sku text PRIMARY KEY, on_hand integer NOT NULL, reserved integer NOT NULL,
        CHECK (reserved <= on_hand)) WITH (fillfactor = 50);
    CREATE TABLE floor_reservations (id uuid PRIMARY KEY, customer_id uuid NOT NULL, sku text NOT NULL,
        quantity integer NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE floor_outbox (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL,
        type text NOT NULL, payload text NOT NULL);
"""
STATEMENTS = (
    "UPDATE floor_stock SET reserved = reserved + 1 WHERE sku = 'HOT' AND on_hand > reserved",
    "INSERT INTO floor_reservations (id, customer_id, sku, quantity) "
    "VALUES (gen_random_uuid(), gen_random_uuid(), 'HOT', 1)",
    "INSERT INTO floor_outbox (id, type, payload) VALUES (gen_random_uuid(), 'inventory.reserved', '{}')",
)
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


async def make_floor(connection: asyncpg.Connection) -> None:
    """The floor's tables, with units enough."""
    await connection.execute(TABLES)
    await connection.execute("INSERT INTO floor_stock VALUES ($1, $2, 0)", SKU, UNITS)


def floor_program() -> str:
    """What measures the floor on this machine."""
    return "pgbench" if shutil.which("pgbench") else "asyncpg"


async def crowd(hold: Callable[[UUID], Awaitable[object]], *, buyers: int, seconds: float) -> tuple[int, float]:
    """So many buyers, each asking again as soon as it was answered; gives the holds and the time they took."""
    began = time.perf_counter()
    ends = began + seconds
    done = 0

    async def buy() -> None:
        nonlocal done
        buyer = new_id()
        while time.perf_counter() < ends:
            await hold(buyer)
            done += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(buyers):
            group.create_task(buy())
    return done, time.perf_counter() - began


async def floor_transactions(url: str, *, connections: int, seconds: float) -> tuple[float, float]:
    """Transactions and the time they took, one buyer to a transaction."""
    pgbench = shutil.which("pgbench")
    if pgbench:
        return await asyncio.to_thread(_pgbench, pgbench, url, connections, seconds), 1.0
    pool = await asyncpg.create_pool(url, min_size=connections, max_size=connections)

    async def transact(_buyer: UUID) -> None:
        async with pool.acquire() as connection, connection.transaction():
            for statement in STATEMENTS:
                await connection.execute(statement)

    try:
        return await crowd(transact, buyers=connections, seconds=seconds)
    finally:
        await pool.close()


def _pgbench(program: str, url: str, connections: int, seconds: float) -> float:
    parts = urlsplit(url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("BEGIN;\n" + ";\n".join(STATEMENTS) + ";\nCOMMIT;\n")
        script.flush()
        done = subprocess.run(  # noqa: S603 a program of the system
            [
                program, "--no-vacuum", "--protocol=prepared", f"--client={connections}",
                f"--jobs={min(2, connections)}", f"--time={max(1, round(seconds))}", f"--file={script.name}",
                "--host", str(parts.hostname), "--port", str(parts.port), "--username", str(parts.username),
                parts.path.lstrip("/"),
            ],
            env={**os.environ, "PGPASSWORD": parts.password or ""},
            capture_output=True,
            text=True,
            check=True,
        )  # fmt: skip
    found = _TPS.search(done.stdout)
    if found is None:
        raise RuntimeError(f"pgbench told no tps: {done.stdout}{done.stderr}")
    return float(found.group(1))
