"""The control socket's client: what the command line, drills and tests ask the supervisor to do.

One request and its answer per connection, as JSON lines. Refusals arrive as OperatorError.
"""

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from compose import operator_error
from compose.layout import Layout
from compose.operator_error import OperatorError

ANSWER_SECONDS_MAX: Final = 120.0
CONNECT_SECONDS_MAX: Final = 5.0
SUPERVISOR_AWAY: Final = "stack.down"
"""The code of the refusal when nobody listens."""

Json = dict[str, Any]
SignalName = Literal["KILL", "STOP", "CONT", "TERM"]


class Control:
    """Talks to the supervisor of one home. Blocking; from a loop use asyncio.to_thread."""

    def __init__(self, layout: Layout) -> None:
        self._path = str(layout.socket_file)

    @property
    def answers(self) -> bool:
        """Whether a supervisor listens."""
        try:
            self._connect().close()
        except OSError:
            return False
        return True

    def status(self) -> Json:
        """Every process with state, health, pid, memory, lag and breakers, and the sums."""
        return self.call("status")

    def processes(self) -> list[Json]:
        """Name, kind, pid, start time, port and state of every process."""
        answer = self.call("processes")
        processes: list[Json] = answer["processes"]
        return processes

    def restart(self, target: str, *, environ: Mapping[str, str] | None = None) -> Json:
        """Restart a service (all instances), one instance, an engine or the world; it reads the overlay anew.

        `environ` replaces the extra environment of that service until the next restart that names one.
        """
        return self.call("restart", target=target, environ=None if environ is None else dict(environ))

    def scale(self, service: str, count: int) -> Json:
        """Run `count` instances of a service."""
        return self.call("scale", service=service, count=count)

    def signal(self, process: str, signal: SignalName) -> Json:
        """Send a signal to one process. One killed is started again by the supervisor."""
        return self.call("signal", process=process, signal=signal)

    def keep(self, argument: str) -> Json:
        """Start the stack's keeper with this argument; pid and start time of its process."""
        return self.call("keep", argument=argument)

    def highest(self, name: str, number: int) -> int:
        """Tell a number under a name; gives the highest told before since the supervisor began, 0 where none was.

        For who must find out that somebody has put back an older copy of a file.
        """
        answer = self.call("highest", name=name, number=number)
        before: int = answer["before"]
        return before

    def stop(self) -> None:
        """Stop everything in order; returns when the supervisor has ended."""
        self.call("stop")

    def call(self, command: str, *, seconds_max: float = ANSWER_SECONDS_MAX, **arguments: Any) -> Json:
        """One request. Raises OperatorError: the supervisor's refusal, or `stack.down` when nobody listens."""
        return next(line for line in self.stream(command, seconds_max=seconds_max, **arguments) if "event" not in line)

    def stream(self, command: str, *, seconds_max: float = ANSWER_SECONDS_MAX, **arguments: Any) -> Iterator[Json]:
        """Events (with the key `event`) until the answer (without it), which comes last.

        Raises OperatorError: the supervisor's refusal, or `stack.down` when nobody listens or who did hangs up.
        """
        try:
            connection = self._connect()
        except OSError as error:
            raise _down(self._path) from error
        with contextlib.suppress(ConnectionError), connection, connection.makefile("rwb") as file:
            connection.settimeout(seconds_max)
            file.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
            file.flush()
            for raw in file:
                line: Json = json.loads(raw)
                if "error" in line:
                    raise operator_error.from_dict(line["error"])
                yield line
                if "event" not in line:
                    return
        raise _down(self._path)

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_SECONDS_MAX)
        try:
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        return connection


def _down(path: str) -> OperatorError:
    return OperatorError(SUPERVISOR_AWAY, f"No supervisor answers on {path}.", mend="Start the stack: shopctl up.")
