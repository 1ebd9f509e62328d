"""An engine that somebody else runs, as one more row of the stack: looked at when it is needed, never touched."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from compose.addresses import Addresses
from compose.engines.engine import NotReadyError
from compose.external import elasticsearch, kafka, postgres, redis
from compose.external.findings import VARIABLES, Found
from compose.operator_error import OperatorError
from compose.process import Elsewhere, Process

USAGE: Final = 2
NAMES: Final = tuple(VARIABLES)
KNOCK_SECONDS_MAX: Final = 2.0


def addresses(environ: Mapping[str, str]) -> Addresses:
    """Where the operator says the engines are. Raises OperatorError `external.not_named` (usage)."""
    given = {engine: environ.get(variable, "").strip() for engine, variable in VARIABLES.items()}
    for engine, url in given.items():
        if not url:
            raise OperatorError(
                "external.not_named",
                f"The profile external needs to know where {engine} is: {VARIABLES[engine]} is not set.",
                mend=f"Name all four: export {' '.join(f'{name}=…' for name in VARIABLES.values())}",
                exit_code=USAGE,
            )
    return Addresses(**given)


class External:
    """One of the four. `roles` are the PostgreSQL roles that the shop will have, with their passwords."""

    def __init__(self, name: str, where: Addresses, *, roles: Mapping[str, str]) -> None:
        self.name = name
        self.url: str = getattr(where, name)
        self.port = int(where.where(name).rpartition(":")[2])
        self._host = where.where(name).rpartition(":")[0].strip("[]")
        looks: dict[str, Callable[[], Awaitable[Found]]] = {
            "postgres": lambda: postgres.examine(self.url, roles),
            "redis": lambda: redis.examine(self.url),
            "kafka": lambda: kafka.examine(self.url),
            "elasticsearch": lambda: elasticsearch.examine(self.url),
        }
        self.examine = looks[name]
        """Everything there is to know of it; raises OperatorError."""

    async def probe(self, process: Process) -> None:
        """Whether somebody still listens there; raises NotReadyError."""
        del process
        try:
            async with asyncio.timeout(KNOCK_SECONDS_MAX):
                _, writer = await asyncio.open_connection(self._host, self.port)
                writer.close()
        except (OSError, TimeoutError) as error:
            raise NotReadyError(str(error) or "no answer in time") from error


class ExternalRunner:
    """Looks at an engine in place of starting it."""

    ready_url: str = ""

    def __init__(self, engine: External, note: Callable[[str], None]) -> None:
        self._engine = engine
        self._note = note

    async def spawn(self) -> Process:
        return Elsewhere()

    async def until_ready(self, process: Process) -> None:
        del process
        for note in (await self._engine.examine()).notes:
            self._note(note)

    async def stop(self, process: Process) -> None:
        process.ended.set()

    def ended(self, process: Process) -> None: ...
