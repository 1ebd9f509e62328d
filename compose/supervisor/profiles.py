"""How a stack comes about: as processes of this machine, as containers, or on engines that somebody else runs."""

import os
from collections.abc import Callable, Iterable, Mapping

from compose import addresses
from compose.engines import running
from compose.engines.engine import Report
from compose.environment import AUDIT_ROLE
from compose.external import engine as external
from compose.layout import Layout
from compose.secrets_file import Secrets
from compose.stack import Component
from compose.state import ProfileName
from compose.supervisor.forks import ForkParent
from compose.supervisor.profile import Made, Profile
from compose.supervisor.runners import EngineRunner, ForkRunner, Wanted
from compose.supervisor.unit import Runner


class _Forked:
    """What profiles have in common whose services are forked on this machine."""

    inside: dict[str, str]
    prepares = True

    def __init__(self, layout: Layout, forks: ForkParent) -> None:
        self.inside = {}
        self._layout = layout
        self._forks = forks

    async def begin(self, components: Iterable[Component]) -> None: ...

    async def end(self) -> None: ...

    def runner(self, wanted: Wanted) -> Runner:
        return ForkRunner(self._layout, self._forks, wanted)


class Local(_Forked):
    """Engines are processes of this machine, started from programs that it has or fetches."""

    def __init__(self, layout: Layout, secrets: Secrets, forks: ForkParent) -> None:
        super().__init__(layout, forks)
        self.engines = addresses.local(layout, secrets)
        self._secrets = secrets

    def engine(self, component: Component, *, report: Report) -> Made:
        engine = running.build(self._layout, component.name, secrets=self._secrets, report=report)
        return Made(engine, EngineRunner(engine, self._layout), self._layout.port(component.ports[0]))


class External(_Forked):
    """Engines are somebody else's, named by SHOPSTREAM_POSTGRES_URL and its like."""

    def __init__(
        self,
        layout: Layout,
        secrets: Secrets,
        forks: ForkParent,
        *,
        environ: Mapping[str, str],
        note: Callable[[str], None],
    ) -> None:
        super().__init__(layout, forks)
        self.engines = external.addresses(environ)
        self._note = note
        self._roles = {**secrets.database_passwords, AUDIT_ROLE: secrets.audit_password}

    def engine(self, component: Component, *, report: Report) -> Made:
        del report
        engine = external.External(component.name, self.engines, roles=self._roles)
        return Made(engine, external.ExternalRunner(engine, self._note), engine.port)


def build(
    name: ProfileName, layout: Layout, secrets: Secrets, forks: ForkParent, *, note: Callable[[str], None]
) -> Profile:
    """The profile of that name; `note` gets what people should know. Raises OperatorError `external.not_named`."""
    match name:
        case "external":
            return External(layout, secrets, forks, environ=os.environ, note=note)
        case "compose":
            from compose.containers.profile import Compose  # noqa: PLC0415 -- other profiles never need it

            return Compose(layout, secrets, os.environ)
        case "local":
            return Local(layout, secrets, forks)
