"""All units of a stack: what starts when, in parallel where dependencies allow, and what stops last."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from compose import environment, ports, topics
from compose.databases import Databases
from compose.layout import Layout
from compose.operator_error import OperatorError
from compose.process import Elsewhere, Watched
from compose.secrets_file import Secrets
from compose.stack import Component, Stack, check_count, unknown
from compose.supervisor import child
from compose.supervisor.forks import ForkParent
from compose.supervisor.migrating import Migrations
from compose.supervisor.profile import Probed, Profile
from compose.supervisor.runners import Wanted
from compose.supervisor.unit import Runner, Unit
from shared.probe_token import probe_token

SIGNALS: Final = {"KILL": signal.SIGKILL, "STOP": signal.SIGSTOP, "CONT": signal.SIGCONT, "TERM": signal.SIGTERM}
STOP_ORDER: Final = ("service", "world", "engine")
KEEPER_STOP_SECONDS_MAX: Final = 15.0


class Fleet:
    """Starts and holds the units. One instance per supervisor."""

    def __init__(
        self,
        layout: Layout,
        stack: Stack,
        secrets: Secrets,
        profile: Profile,
        forks: ForkParent,
        *,
        changed: Callable[[Unit], None],
    ) -> None:
        self.units: dict[str, Unit] = {}
        self.timings_s: dict[str, float] = {}
        self.engines: dict[str, Probed] = {}
        self._profile = profile
        self._layout = layout
        self._stack = stack
        self._secrets = secrets
        self.probe_token = probe_token(secrets.internal_secret)
        self._forks = forks
        self._changed = changed
        self._steps: dict[str, asyncio.Task[None]] = {}
        self._extra_environ: dict[str, dict[str, str]] = {}
        self._databases: Databases | None = None
        self._keepers: list[Watched] = []
        self._loop = asyncio.get_running_loop()

    async def up(self, names: Iterable[str], scale: Mapping[str, int]) -> None:
        """Start the named components and what they need; returns when all are ready. Repeatable.

        Raises the OperatorError of the first that cannot start; the others are left as they are.
        """
        components = self._stack.closure(names)
        await self._once("begin", lambda: self._profile.begin(components))
        for component in components:  # rows appear in start order
            if component.kind != "service":
                self._unit_of(component)
            else:
                for number in range(1, scale.get(component.name, 1) + 1):
                    self._instance(component, number)
        steps = [self._step(component) for component in components]
        try:
            await asyncio.gather(*steps)
        except BaseException:
            for step in steps:
                step.cancel()
            await asyncio.gather(*steps, return_exceptions=True)
            raise
        finally:
            self._steps = {name: step for name, step in self._steps.items() if not step.done() or _succeeded(step)}
        for service, count in scale.items():
            await self.scale(service, count)

    async def stop(self) -> None:
        """Services first, then the world, then the engines; each group in parallel."""
        for step in self._steps.values():
            step.cancel()
        await asyncio.gather(*self._steps.values(), return_exceptions=True)
        await asyncio.gather(
            *(it.stop(signal.SIGTERM, seconds_max=KEEPER_STOP_SECONDS_MAX) for it in self._keepers if it.is_running)
        )
        for kind in STOP_ORDER:
            await asyncio.gather(*(unit.stop() for unit in self.units.values() if unit.kind == kind))
        await self._profile.end()

    async def scale(self, service: str, count: int) -> list[str]:
        """Run `count` instances of a service; returns their names."""
        component = self._stack.get(service)
        if component.kind != "service":
            raise unknown(service, [found.name for found in self._stack.services])
        check_count(service, count)
        await self._step(component)
        units = [self._instance(component, number) for number in range(1, count + 1)]
        await asyncio.gather(*(unit.start() for unit in units))
        surplus = [unit for unit in self.units.values() if unit.component == service and unit not in units]
        await asyncio.gather(*(unit.stop() for unit in surplus))
        for unit in surplus:
            del self.units[unit.name]
            self._changed(unit)
        return [unit.name for unit in units]

    async def restart(self, target: str, environ: Mapping[str, str] | None) -> list[str]:
        """Restart what `find` finds, one after the other; `environ` replaces the component's extra environment."""
        units = self.find(target)
        for unit in units:
            if isinstance(unit.process, Elsewhere):
                raise unit.process.refusal()
        if environ is not None:
            self._extra_environ[units[0].component] = dict(environ)
        for unit in units:
            await unit.restart()
        return [unit.name for unit in units]

    def signal(self, target: str, name: str) -> Unit:
        """Signal exactly one process."""
        units = self.find(target)
        if name not in SIGNALS:
            raise OperatorError("signal.unknown", f"{name} is not offered.", mend=f"Use one of {', '.join(SIGNALS)}.")
        if len(units) > 1:
            raise OperatorError(
                "signal.which",
                f"{target} runs {len(units)} times.",
                mend=f"Name one: {', '.join(unit.name for unit in units)}.",
                exit_code=2,
            )
        if not units[0].send(SIGNALS[name]):
            raise OperatorError(
                "process.down", f"{target} does not run now.", mend="Wait for its restart: shopctl status."
            )
        return units[0]

    async def keep(self, argument: str) -> Watched:
        """Start a keeper beside the stack: it outlives who asked for it and ends before anything else does."""
        self._keepers = [it for it in self._keepers if it.is_running]
        environ = environment.common(self._layout, self._secrets, self._profile.engines)
        keeper = await self._forks.fork(
            child.become, "fault", self._stack.keeper, argument, environ, str(self._layout.log("faults"))
        )
        self._keepers.append(keeper)
        return keeper

    def find(self, target: str) -> list[Unit]:
        """The units of a component, or the one unit of that name. Raises OperatorError `stack.unknown`."""
        found = [unit for unit in self.units.values() if target in {unit.name, unit.component}]
        if not found:
            raise unknown(target, self.units)
        return found

    def _step(self, component: Component) -> asyncio.Task[None]:
        return self._once(component.name, lambda: self._bring_up(component))

    def _once(self, name: str, make: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """The one task that does this step; made on first use, made again after it failed."""
        known = self._steps.get(name)
        if known is None or (known.done() and not _succeeded(known)):
            known = self._steps[name] = asyncio.create_task(self._timed(name, make), name=name)
        return known

    async def _timed(self, name: str, make: Callable[[], Awaitable[None]]) -> None:
        began = time.monotonic()
        await make()
        self.timings_s[name] = round(time.monotonic() - began, 3)

    async def _bring_up(self, component: Component) -> None:
        needed = [self._step(self._stack.get(name)) for name in component.depends_on]
        if needed:
            await asyncio.gather(*needed)
        if component.kind != "service":
            await self._unit_of(component).start()
            return
        first = self._instance(component, 1)
        if component.database and self._profile.prepares:
            first.note("migrating")
            await self._once(f"database {component.name}", lambda: self._migrate(component))
        if "kafka" in component.depends_on and self._profile.prepares:
            await self._once("topics", self._make_topics)
        others = [unit for unit in self.units.values() if unit.component == component.name and unit is not first]
        await asyncio.gather(*(unit.start() for unit in [first, *others]))

    async def _migrate(self, component: Component) -> None:
        if self._databases is None:
            migrations = Migrations(self._layout, self._secrets, self._profile.engines, self._forks)
            self._databases = Databases(self._secrets, self._profile.engines, migrations.upgrade)
        await self._databases.ensure(component)

    async def _make_topics(self) -> None:
        await topics.ensure(self._profile.engines.kafka, [service.name for service in self._stack.audited])

    def _unit_of(self, component: Component) -> Unit:
        if component.name in self.units:
            return self.units[component.name]
        if component.kind == "engine":
            made = self._profile.engine(component, report=self._report)
            self.engines[component.name] = made.engine
            return self._add(component, component.name, made.runner, made.port)
        port = self._layout.port(component.ports[0])
        wanted = Wanted(
            component=component,
            name=component.name,
            number=1,
            port=port,
            ready_url=component.ready_url(self._layout.port_base),
            probe_token=self.probe_token,
            environ=lambda: environment.of_world(
                self._layout,
                self._secrets,
                self._profile.engines,
                extra=self._extra_environ.get(component.name, {}),
            ),
        )
        return self._add(component, component.name, self._profile.runner(wanted), port)

    def _instance(self, component: Component, number: int) -> Unit:
        name = f"{component.name}-{number}"
        if name in self.units:
            return self.units[name]
        port = self._layout.port(component.ports[0]) if number == 1 else self._free_extra_port()
        wanted = Wanted(
            component=component,
            name=name,
            number=number,
            port=port,
            ready_url=component.ready_url(self._layout.port_base, port=port),
            probe_token=self.probe_token,
            environ=lambda: environment.of_service(
                self._layout,
                self._secrets,
                self._profile.engines,
                component,
                instance=name,
                port=port,
                extra=self._extra_environ.get(component.name, {}),
            ),
        )
        return self._add(component, name, self._profile.runner(wanted), port)

    def _add(self, component: Component, name: str, runner: Runner, port: int) -> Unit:
        unit = Unit(name, runner, kind=component.kind, component=component.name, port=port, changed=self._changed)
        self.units[name] = unit
        self._changed(unit)
        return unit

    def _report(self, name: str, phase: str) -> None:
        """Engines report from their own threads."""
        self._loop.call_soon_threadsafe(self.units[name].note, phase)

    def _free_extra_port(self) -> int:
        used = {unit.port for unit in self.units.values()}
        for offset in ports.EXTRA_INSTANCE_OFFSETS:
            port = self._layout.port_base + offset
            if port not in used and ports.is_free(port):
                return port
        raise OperatorError(
            "port.none_free",
            "All ports for further instances are taken.",
            mend="Scale something down first: shopctl up --scale SERVICE=1.",
        )


def _succeeded(step: asyncio.Task[None]) -> bool:
    return step.done() and not step.cancelled() and step.exception() is None
