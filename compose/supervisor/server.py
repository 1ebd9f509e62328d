"""The control socket: JSON lines in, JSON lines out. Says what happens while it happens to those who ask for `up`."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from compose import machine
from compose.layout import Layout
from compose.operator_error import OperatorError

REQUEST_BYTES_MAX: Final = 1 << 20
EVENTS_QUEUED_MAX: Final = 10_000

Json = dict[str, Any]
Handler = Callable[[Json, Callable[[Json], None]], Awaitable[Json]]


class ControlServer:
    """Serves named commands; a handler gets the request and a function that sends events before the answer."""

    def __init__(self, layout: Layout, handlers: dict[str, Handler]) -> None:
        self._path = layout.socket_file
        self._handlers = handlers
        self._open: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """Listen until the block ends; answers under way are finished first."""
        self._path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, path=str(self._path), limit=REQUEST_BYTES_MAX)
        self._path.chmod(0o600)
        try:
            yield
        finally:
            server.close()
            if self._open:
                await asyncio.wait(self._open, timeout=2.0)
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            raw = await reader.readline()
            if raw:
                await self._answer(raw, writer)
        except ConnectionError:
            pass  # the client went away; what it asked for goes on
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, raw: bytes, writer: asyncio.StreamWriter) -> None:
        def send(line: Json) -> None:
            if not writer.is_closing():
                writer.write(json.dumps(line).encode() + b"\n")

        try:
            request: Json = json.loads(raw)
            handler = self._handler(str(request.get("command")))
            send(await handler(request, send))
        except OperatorError as error:
            send({"error": error.to_dict()})
        except Exception as error:
            if (refusal := machine.refusal_of(error)) is not None:
                send({"error": refusal.to_dict()})
                return
            send(
                {
                    "error": OperatorError(
                        "internal",
                        f"The supervisor failed: {error!r}.",
                        mend="Read supervisor.log in the logs directory.",
                        exit_code=70,
                    ).to_dict()
                }
            )
            raise
        finally:
            await writer.drain()

    def _handler(self, command: str) -> Handler:
        if command not in self._handlers:
            raise OperatorError(
                "control.unknown",
                f"The supervisor knows no command {command!r}.",
                mend=f"It knows {', '.join(self._handlers)}; a mixed installation needs shopctl down, then up.",
            )
        return self._handlers[command]
