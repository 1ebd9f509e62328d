"""How the engines of a stack come about: started here, or looked for where somebody else runs them."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from compose import addresses
from compose.addresses import Addresses
from compose.engines import running
from compose.engines.engine import Report
from compose.environment import AUDIT_ROLE
from compose.external import engine as external
from compose.layout import Layout
from compose.process import Process
from compose.secrets_file import Secrets
from compose.stack import Component
from compose.state import ProfileName
from compose.supervisor.runners import EngineRunner
from compose.supervisor.unit import Runner


class Probed(Protocol):
    """What the status asks of an engine."""

    async def probe(self, process: Process) -> None:
        """Raises NotReadyError."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """An engine, and what the supervisor keeps it by."""

    engine: Probed
    runner: Runner
    port: int


class Profile(Protocol):
    """Where the engines of this stack are and who keeps them."""

    engines: Addresses

    def engine(self, component: Component, *, report: Report) -> Made:
        """One engine, not started or looked at yet."""
        ...


class Local:
    """Engines are processes of this machine, started from programs that it has or fetches."""

    def __init__(self, layout: Layout, secrets: Secrets) -> None:
        self.engines = addresses.local(layout, secrets)
        self._layout = layout
        self._secrets = secrets

    def engine(self, component: Component, *, report: Report) -> Made:
        engine = running.build(self._layout, component.name, secrets=self._secrets, report=report)
        return Made(engine, EngineRunner(engine, self._layout), self._layout.port(component.ports[0]))


class External:
    """Engines are somebody else's, named by SHOPSTREAM_POSTGRES_URL and its like."""

    def __init__(self, secrets: Secrets, environ: Mapping[str, str], note: Callable[[str], None]) -> None:
        self.engines = external.addresses(environ)
        self._note = note
        self._roles = {**secrets.database_passwords, AUDIT_ROLE: secrets.audit_password}

    def engine(self, component: Component, *, report: Report) -> Made:
        del report
        engine = external.External(component.name, self.engines, roles=self._roles)
        return Made(engine, external.ExternalRunner(engine, self._note), engine.port)


def build(name: ProfileName, layout: Layout, secrets: Secrets, *, note: Callable[[str], None]) -> Profile:
    """The profile of that name; `note` gets what people should know. Raises OperatorError `external.not_named`."""
    return External(secrets, os.environ, note) if name == "external" else Local(layout, secrets)
