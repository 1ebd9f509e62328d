"""The supervisor's process: python -m compose.supervisor --home DIR [--profile external] [--port-base N] [--only a,b].

Normally detached by `shopctl up`; runs until it is told to stop. Dies with nothing left behind.
"""

import argparse
import asyncio
import fcntl
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

from compose import environment, ports, secrets_file, state
from compose.addresses import Addresses
from compose.layout import Layout, default_cache, make_directories
from compose.operator_error import OperatorError
from compose.process import Watched, start_ticks
from compose.stack import Stack, load, parse_scale
from compose.supervisor import leftovers, profiles, status
from compose.supervisor.fleet import Fleet
from compose.supervisor.forks import ForkParent
from compose.supervisor.server import ControlServer, Handler, Json
from compose.supervisor.unit import Unit

SAVE_PAUSE_SECONDS: Final = 0.05
EXIT_OPERATOR: Final = 3


class Supervisor:
    """One running stack and the commands it obeys."""

    def __init__(
        self, layout: Layout, stack: Stack, profile: state.ProfileName, *, names: list[str], scale: dict[str, int]
    ) -> None:
        """Raises OperatorError `external.not_named`."""
        self.layout = layout
        self._stack = stack
        self._profile_name: state.ProfileName = profile
        self._names = names
        self._scale = scale
        self._began = time.monotonic()
        self._started_at = time.time()
        self._stop = asyncio.Event()
        self._listeners: set[Any] = set()
        self._notes: list[str] = []
        self._numbers: dict[str, int] = {}
        self._save_due: asyncio.TimerHandle | None = None
        self._error: OperatorError | None = None
        self._forks = ForkParent(stack.preload, layout.forks)
        self._secrets = secrets_file.with_databases(layout, [c.name for c in stack.components if c.database])
        self._profile = profiles.build(profile, layout, self._secrets, self._forks, note=self.note)
        self._fleet = Fleet(layout, stack, self._secrets, self._profile, self._forks, changed=self._changed)
        self._boot: asyncio.Task[None] | None = None

    def note(self, text: str) -> None:
        """Something a person should know about this start."""
        self._notes.append(text)
        for tell in tuple(self._listeners):
            tell({"event": "note", "text": text})

    async def run(self) -> int:
        """Boot, serve, and stop everything in the end; the exit code of the process."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        handlers: dict[str, Handler] = {
            "up": self._up,
            "status": self._status,
            "processes": self._processes,
            "restart": self._restart,
            "scale": self._scale_to,
            "signal": self._signal,
            "keep": self._keep,
            "highest": self._highest,
            "stop": self._stop_all,
        }
        self._save()
        async with ControlServer(self.layout, handlers).serving():
            self._forks.warm()
            self._boot = asyncio.create_task(self._boot_all())
            stopping = asyncio.create_task(self._stop.wait())
            await asyncio.wait({self._boot, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self._boot.done() and not self._boot.cancelled() and self._boot.exception() is None:
                await stopping
            stopping.cancel()
            self._boot.cancel()
            results = await asyncio.gather(self._boot, return_exceptions=True)
            self._error = next((e for e in results if isinstance(e, OperatorError)), None)
            await self._fleet.stop()
            self._save()
            unexpected = [e for e in results if isinstance(e, Exception) and not isinstance(e, OperatorError)]
            if unexpected:
                raise unexpected[0]
        return EXIT_OPERATOR if self._error else 0

    async def _boot_all(self) -> None:
        await self._fleet.up(self._names, self._scale)
        self._fleet.timings_s["all"] = round(time.monotonic() - self._began, 3)
        self._save()

    async def _up(self, request: Json, send: Any) -> Json:
        """Join the boot under way, start what else is asked for, and tell every change meanwhile."""

        def tell(line: Json) -> None:
            send(line)

        for text in self._notes:
            send({"event": "note", "text": text})
        for unit in self._fleet.units.values():
            send({"event": "unit", **unit.to_dict()})
        self._listeners.add(tell)
        try:
            await self._booted()
            await self._fleet.up(request.get("names", []), request.get("scale", {}))
        finally:
            self._listeners.discard(tell)
        return {"port_base": self.layout.port_base, "timings_s": self._fleet.timings_s, **await self._status({}, send)}

    async def _booted(self) -> None:
        """Return when the first boot is done; its error is everybody's who waits."""
        assert self._boot
        await asyncio.wait({self._boot})
        if self._boot.cancelled():
            raise OperatorError(
                "stack.stopped", "The stack was stopped while starting.", mend="Start it again: shopctl up."
            )
        self._boot.result()

    async def _status(self, _request: Json, _send: Any) -> Json:
        found = await status.collect(self._fleet, fork_parent_pid=self._forks.pid)
        return {"port_base": self.layout.port_base, "up_s": round(time.time() - self._started_at, 1), **found}

    async def _processes(self, _request: Json, _send: Any) -> Json:
        return {"processes": [unit.to_dict() for unit in self._fleet.units.values()]}

    async def _restart(self, request: Json, _send: Any) -> Json:
        return {"restarted": await self._fleet.restart(str(request["target"]), request.get("environ"))}

    async def _scale_to(self, request: Json, _send: Any) -> Json:
        return {"instances": await self._fleet.scale(str(request["service"]), int(request["count"]))}

    async def _signal(self, request: Json, _send: Any) -> Json:
        unit = self._fleet.signal(str(request["process"]), str(request["signal"]))
        return {"process": unit.name, "pid": unit.process.pid if unit.process else None}

    async def _keep(self, request: Json, _send: Any) -> Json:
        keeper = await self._fleet.keep(str(request["argument"]))
        return {"pid": keeper.pid, "start_ticks": keeper.started_ticks}

    async def _highest(self, request: Json, _send: Any) -> Json:
        name, number = str(request["name"]), int(request["number"])
        before = self._numbers.get(name, 0)
        self._numbers[name] = max(before, number)
        return {"before": before}

    async def _stop_all(self, _request: Json, _send: Any) -> Json:
        self._stop.set()
        return {"stopping": True, "pid": os.getpid()}

    def _changed(self, unit: Unit) -> None:
        for tell in tuple(self._listeners):
            tell({"event": "unit", **unit.to_dict()})
        if self._save_due is None:
            self._save_due = asyncio.get_running_loop().call_later(SAVE_PAUSE_SECONDS, self._save)

    def _save(self) -> None:
        self._save_due = None
        state.save(
            self.layout,
            state.StackState(
                profile=self._profile_name,
                port_base=self.layout.port_base,
                supervisor=_record("supervisor", "supervisor", os.getpid()),
                processes=tuple(_running_records(self._fleet)),
                urls=_urls(self.layout, self._secrets, self._profile.engines),
                inside=self._profile.inside,
                audit_url=environment.audit_url(self._secrets, self._profile.engines),
                timings_s=dict(self._fleet.timings_s),
                started_at=self._started_at,
                error=self._error.to_dict() if self._error else None,
            ),
        )


def _record(name: str, kind: str, pid: int, port: int = 0) -> state.ProcessRecord:
    return state.ProcessRecord(name=name, kind=kind, pid=pid, start_ticks=start_ticks(pid) or 0, port=port)


def _running_records(fleet: Fleet) -> list[state.ProcessRecord]:
    return [
        state.ProcessRecord(
            name=unit.name,
            kind=unit.kind,
            pid=unit.process.pid,
            start_ticks=unit.process.started_ticks,
            port=unit.port,
        )
        for unit in fleet.units.values()
        if isinstance(unit.process, Watched) and unit.process.is_running
    ]


def _urls(layout: Layout, secrets: secrets_file.Secrets, engines: Addresses) -> dict[str, str]:
    """Every address an operator or a drill may want; databases with their service's own role."""
    given = environment.common(layout, secrets, engines)
    named = ("REDIS_URL", "KAFKA_BOOTSTRAP", "ELASTICSEARCH_URL", "SMTP_URL", "PSP_URL", "CARRIER_URL")
    urls = {name.lower().removesuffix("_url"): given[f"SHOPSTREAM_{name}"] for name in named}
    urls["catcher"] = given["SHOPSTREAM_SMS_URL"]
    urls["fault_api"] = f"http://{ports.LOOPBACK}:{layout.port('fault-api')}"
    for service in load().services:
        urls[service.name] = f"http://{ports.LOOPBACK}:{layout.port(service.name)}"
    for name in secrets.database_passwords:
        urls[f"database_{name}"] = environment.database_url(secrets, engines, name)
    urls["postgres"] = engines.postgres
    return urls


def _choose_base(asked: int | None, *, known: int | None, offsets: Mapping[str, int]) -> int:
    """The asked base, else the one this home had, else the default or the next free one."""
    if asked is None and known is not None and not ports.taken(known, offsets):
        return known
    return ports.choose_base(asked, offsets)


async def _supervise(asked: argparse.Namespace, home: Path) -> int:
    layout = Layout(home, default_cache(), asked.port_base or ports.DEFAULT_BASE)
    make_directories(layout)
    os.chdir(home)
    with layout.lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write("another supervisor holds this home\n")
            return EXIT_OPERATOR
        stack = load()
        names = [name for name in asked.only.split(",") if name]
        swept = leftovers.sweep(layout)
        await _sweep_containers(layout)
        layout.controls_file.unlink(missing_ok=True)  # the proxies it leads to died with the last stack
        # without an asked base there must be room for the whole stack: more may be started later
        components = stack.closure(names) if asked.port_base is not None else stack.components
        ours = [component for component in components if component.kind != "engine" or asked.profile != "external"]
        wanted = stack.offsets(ours)
        known = state.load(layout)
        try:
            base = _choose_base(asked.port_base, known=known.port_base if known else None, offsets=wanted)
        except OperatorError as error:
            _save_refusal(layout, asked.profile, error)
            return error.exit_code
        layout = Layout(home, layout.cache, base)
        try:
            supervisor = Supervisor(layout, stack, asked.profile, names=names, scale=parse_scale(asked.scale, stack))
        except OperatorError as error:
            _save_refusal(layout, asked.profile, error)
            return error.exit_code
        if swept:
            supervisor.note(f"Ended leftovers of an earlier run: {', '.join(record.name for record in swept)}.")
        if asked.port_base is None and base != ports.DEFAULT_BASE and not (known and known.port_base == base):
            supervisor.note(f"Port base {ports.DEFAULT_BASE} is taken: using {base} (change it with --port-base).")
        return await supervisor.run()


async def _sweep_containers(layout: Layout) -> None:
    """What a killed supervisor left in Docker; raises OperatorError `docker.…`."""
    known = state.load(layout)
    if known is None or known.profile != "compose":
        return
    from compose.containers import profile  # noqa: PLC0415 -- other profiles never need it

    await profile.sweep(Layout(layout.home, layout.cache, known.port_base))


def _save_refusal(layout: Layout, profile: state.ProfileName, error: OperatorError) -> None:
    known = state.load(layout)
    state.save(
        layout,
        state.StackState(
            profile=profile,
            port_base=known.port_base if known else layout.port_base,
            supervisor=_record("supervisor", "supervisor", os.getpid()),
            error=error.to_dict(),
        ),
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m compose.supervisor", description=__doc__)
    parser.add_argument("--home", required=True)
    parser.add_argument("--profile", choices=get_args(state.ProfileName), default="local")
    parser.add_argument("--port-base", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("--scale", action="append", default=[])
    asked = parser.parse_args()
    return asyncio.run(_supervise(asked, Path(asked.home).absolute()))


if __name__ == "__main__":
    sys.exit(main())
