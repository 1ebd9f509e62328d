"""PostgreSQL: one cluster on loopback TCP, driven through its own binaries, never as root."""

import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final

from compose import privileges
from compose.engines import providers
from compose.engines.engine import Context, NotReadyError, claim_data, minimal_environ
from compose.machine import DISK_FULL, disk_full
from compose.operator_error import OperatorError
from compose.process import Command, Process

SUPERUSER: Final = "postgres"
INITDB_SECONDS_MAX: Final = 60
PROBE_SECONDS_MAX: Final = 2.0
FOREIGN_DATA: Final = Path("/var/lib/shopstream")
# fsync off with synchronous_commit on kept every commit over kill -9 of the process; only a power cut can lose.
SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "16MB",
    "unix_socket_directories": "",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d/%a ",
    "log_min_messages": "warning",
    "password_encryption": "scram-sha-256",
}


class Postgres:
    """The engine behind every service's database."""

    name: str = "postgres"
    ports: tuple[str, ...] = ("postgres",)
    ready_seconds_max: float = 60.0

    def __init__(self, context: Context) -> None:
        self._context = context
        self._port = context.layout.port("postgres")
        self._root = data_root(context.layout.home)
        self._data = self._root / "data"
        self._provider: providers.Provider | None = None
        self._bin = Path()
        self.url = f"postgresql://{SUPERUSER}:{context.password}@127.0.0.1:{self._port}/postgres"

    async def prepare(self) -> None:
        await asyncio.to_thread(self._prepare)

    def command(self) -> Command:
        argv = [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self._port)]
        for name, value in {**SETTINGS, "listen_addresses": "127.0.0.1"}.items():
            argv += ["-c", f"{name}={value}"]
        return Command(
            argv=argv,
            cwd=self._root,
            log=self._context.layout.log(self.name),
            environ=minimal_environ(self._root),
            drop=privileges.drop(),
            stop_signal=signal.SIGINT,  # fast shutdown: clients are cut, data are written
            death_signal=signal.SIGINT,
        )

    async def probe(self, process: Process) -> None:
        import asyncpg  # noqa: PLC0415 -- 0.14 s to import

        del process  # the data directory identifies the cluster better than a pid
        try:
            connection = await asyncpg.connect(self.url, timeout=PROBE_SECONDS_MAX)
            try:
                served = await connection.fetchval("SELECT current_setting('data_directory')")
            finally:
                await connection.close(timeout=PROBE_SECONDS_MAX)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise NotReadyError(str(error)) from error
        if not await asyncio.to_thread(Path(served).samefile, self._data):
            raise NotReadyError(f"port {self._port} is served from {served}")

    def ended(self, *, cleanly: bool) -> None:
        del cleanly

    def describe(self) -> str:
        assert self._provider
        return f"{self._provider.name} {self._provider.version}"

    def _prepare(self) -> None:
        self._provider = providers.postgres()
        self._root.mkdir(parents=True, exist_ok=True)
        if self._root.is_relative_to(FOREIGN_DATA):
            FOREIGN_DATA.chmod(0o711)
        privileges.give(self._root)
        self._bin = self._runnable(self._provider)
        claim_data(self._root, self._provider.stamp)
        if not (self._data / "PG_VERSION").is_file():
            self._context.report(self.name, "initialising data")
            self._initialise()

    def _runnable(self, provider: providers.Provider) -> Path:
        """The directory of binaries the unprivileged user can execute; copied beside the data if need be."""
        binaries = provider.binary.parent
        if os.geteuid() != 0 or privileges.can_run([str(binaries / "postgres"), "-V"]):
            return binaries
        install = binaries.parent
        copy = self._root / "program" / install.name
        if not (copy / "bin" / "postgres").is_file():
            self._context.report(self.name, "copying binaries")
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(install, copy, symlinks=True)
            libraries = install.parent.with_name(f"{install.parent.name}.libs")
            if libraries.is_dir():  # found through $ORIGIN/../../../NAME.libs
                shutil.copytree(libraries, self._root / libraries.name, dirs_exist_ok=True)
            (self._root / "program").chmod(0o755)
        return copy / "bin"

    def _initialise(self) -> None:
        privileges.refuse_nameless("PostgreSQL")
        shutil.rmtree(self._data, ignore_errors=True)
        password_file = self._root / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._context.password)
        if os.geteuid() == 0:
            os.chown(password_file, privileges.unprivileged_uid(), -1)
        argv = [str(self._bin / "initdb"), "-D", str(self._data), "-U", SUPERUSER, "--locale=C", "-E", "UTF8"]
        argv += ["--no-sync", "--auth=scram-sha-256", f"--pwfile={password_file}"]
        try:
            done = subprocess.run(  # noqa: S603 -- the PostgreSQL we chose
                argv,
                capture_output=True,
                text=True,
                timeout=INITDB_SECONDS_MAX,
                check=False,
                cwd=self._root,
                env=minimal_environ(self._root),
                **privileges.drop(),
            )
        finally:
            password_file.unlink()
        if done.returncode == 0:
            return
        shutil.rmtree(self._data, ignore_errors=True)
        text = done.stderr.strip() or done.stdout.strip()
        if DISK_FULL in text:
            raise disk_full(self._root)
        raise OperatorError(
            "postgres.initdb",
            f"PostgreSQL could not initialise {self._data}: {(text.splitlines() or ['no message'])[-1]}.",
            mend="Check that the directory is writable and has 200 MB free; shopctl doctor shows both.",
        )


def data_root(home: Path) -> Path:
    """Where the cluster lives: in the state directory, unless root's stand-in cannot get there."""
    inside = home / "engines" / "postgres"
    if os.geteuid() != 0 or privileges.can_enter(home.parent, privileges.unprivileged_uid()):
        return inside
    return FOREIGN_DATA / f"postgres-{privileges.path_digest(home)}"
