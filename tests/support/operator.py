"""A fleet of its own, as an operator has it before him: `shopctl`, its home, and its databases."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from compose import ports, stack, state
from compose.layout import Layout

ROOT = Path(__file__).parents[2]
BASES = range(17_000, 20_000, 200)
COMMAND_SECONDS_MAX = 240


class Operator:
    """`shopctl` against one home."""

    def __init__(self, home: Path, port_base: int) -> None:
        self.home = home
        self.gateway = port_base
        self._environ = {**os.environ, "SHOPSTREAM_HOME": str(home), "SHOPSTREAM_PORT_BASE": str(port_base)}

    @property
    def layout(self) -> Layout:
        return state.layout_of(self.home)

    def shopctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._argv(*words),
            capture_output=True, text=True, check=False, cwd=ROOT, env=self._environ, timeout=COMMAND_SECONDS_MAX,
        )  # fmt: skip

    def begun(self, *words: str) -> subprocess.Popen[str]:
        """The same, while others go on."""
        return subprocess.Popen(
            self._argv(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=self._environ
        )

    def told(self, *words: str) -> Any:
        """What a command says with --json, whatever its exit code."""
        done = self.shopctl(*words, "--json")
        assert done.returncode in (0, 1, 3), done.stderr
        return self.decoded(done.stdout)

    def rows(self, service: str, *statements: str) -> Sequence[asyncpg.Record]:
        """What the last of these statements gives, in one transaction that no trigger sees."""
        _, running = state.running(self.home)
        url = running.urls["postgres"].rpartition("/")[0] + f"/{service}"

        async def ask() -> Sequence[asyncpg.Record]:
            connection = await asyncpg.connect(url)
            try:
                async with connection.transaction():
                    await connection.execute("SET LOCAL session_replication_role = replica")
                    for statement in statements[:-1]:
                        await connection.execute(statement)
                    return await connection.fetch(statements[-1])
            finally:
                await connection.close()

        return asyncio.run(ask())

    def kill_supervisor(self) -> None:
        """As by `kill -9`; what it started ends with it."""
        _, running = state.running(self.home)
        supervisor = psutil.Process(running.supervisor.pid)
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait(timeout=COMMAND_SECONDS_MAX)

    @staticmethod
    def decoded(told: str) -> Any:
        return json.loads(told)

    @staticmethod
    def _argv(*words: str) -> list[str]:
        return [sys.executable, "-m", "cli.main", *words]


@contextmanager
def running_fleet(folder: pytest.TempPathFactory, *words: str) -> Generator[Operator]:
    """A running, seeded fleet of its own, started with these words; nothing of it is left behind."""
    home = folder.mktemp("fleet", numbered=True)
    home.chmod(0o755)
    for parent in home.parents:
        if parent.stat().st_uid == os.geteuid() and str(parent).startswith(str(folder.getbasetemp().parent)):
            parent.chmod(0o755)
    base = next(base for base in BASES if not ports.taken(base, stack.load().offsets()))
    one = Operator(home / "state", base)
    up = one.shopctl("up", *words)
    try:
        assert up.returncode == 0, up.stderr
        seeded = one.shopctl("seed", "--size", "s")
        assert seeded.returncode == 0, seeded.stderr
        yield one
    finally:
        one.shopctl("down", "--wipe")
    assert not [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if str(home) in " ".join(process.info["cmdline"] or [])
    ]
