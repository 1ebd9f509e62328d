"""Docker's API as far as the stack needs it, over its socket. Blocking; from a loop use asyncio.to_thread.

A small client of the standard library: the supervisor talks to one daemon, about the containers of one project.
"""

import http.client
import json
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

from compose.operator_error import OperatorError

API: Final = "/v1.41"
CALL_SECONDS_MAX: Final = 60.0
DEFAULT_HOST: Final = "unix:///var/run/docker.sock"
PROJECT_LABEL: Final = "com.docker.compose.project"
SERVICE_LABEL: Final = "com.docker.compose.service"
NUMBER_LABEL: Final = "com.docker.compose.container-number"
FRAME_HEAD: Final = struct.Struct(">BxxxL")

Json = dict[str, Any]


class Docker:
    """One daemon, as DOCKER_HOST names it; unix sockets only."""

    def __init__(self, host: str = "") -> None:
        self._host = host or os.environ.get("DOCKER_HOST") or DEFAULT_HOST

    def containers(self, project: str) -> list[Json]:
        """Every container of a compose project, ended ones too."""
        filters = json.dumps({"label": [f"{PROJECT_LABEL}={project}"]})
        found: list[Json] = self.call("GET", f"/containers/json?{urlencode({'all': 'true', 'filters': filters})}")
        return found

    def inspect(self, container: str) -> Json:
        """All that Docker knows of a container."""
        found: Json = self.call("GET", f"/containers/{container}/json")
        return found

    def start(self, container: str) -> None:
        self.call("POST", f"/containers/{container}/start")

    def stop(self, container: str, *, seconds_max: int) -> None:
        self.call("POST", f"/containers/{container}/stop?t={seconds_max}")

    def kill(self, container: str, signal: str) -> None:
        self.call("POST", f"/containers/{container}/kill?signal={signal}")

    def pause(self, container: str) -> None:
        self.call("POST", f"/containers/{container}/pause")

    def unpause(self, container: str) -> None:
        self.call("POST", f"/containers/{container}/unpause")

    def remove(self, container: str) -> None:
        self.call("DELETE", f"/containers/{container}?force=true")

    def create(self, name: str, config: Json) -> str:
        """A container like `config` says; its id."""
        made: Json = self.call("POST", f"/containers/create?name={quote(name)}", config)
        return str(made["Id"])

    def wait(self, container: str) -> int:
        """Block until the container does not run; its exit code."""
        done: Json = self.call("POST", f"/containers/{container}/wait?condition=not-running", seconds_max=None)
        return int(done["StatusCode"])

    def logs(self, container: str, *, since: float) -> Iterator[bytes]:
        """What a container says from `since` (epoch seconds) on, until it ends."""
        query = urlencode({"follow": 1, "stdout": 1, "stderr": 1, "since": f"{since:.6f}"})
        connection = self._connect(None)
        try:
            connection.request("GET", f"{API}/containers/{container}/logs?{query}")
            answer = connection.getresponse()
            while len(head := answer.read(FRAME_HEAD.size)) == FRAME_HEAD.size:
                _, size = FRAME_HEAD.unpack(head)
                yield answer.read(size)
        finally:
            connection.close()

    def call(
        self, method: str, path: str, body: Json | None = None, *, seconds_max: float | None = CALL_SECONDS_MAX
    ) -> Any:
        """One call. Raises OperatorError `docker.away`, `docker.refused`."""
        connection = self._connect(seconds_max)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, API + path, content, {"Content-Type": "application/json"} if content else {})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise away(self._host, error) from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise OperatorError(
                "docker.refused",
                f"Docker refused {method} {path.split('?', maxsplit=1)[0]}: {_reason(text)}.",
                mend="Look with: docker compose ps, docker compose logs.",
            )
        return json.loads(text) if text.strip() else None

    def _connect(self, seconds_max: float | None) -> "_UnixConnection":
        scheme, _, path = self._host.partition("://")
        if scheme != "unix":
            raise OperatorError(
                "docker.host",
                f"DOCKER_HOST is {self._host}, and shopctl speaks to unix sockets only.",
                mend="Unset it, or name the socket: export DOCKER_HOST=unix:///var/run/docker.sock",
            )
        return _UnixConnection(path, seconds_max)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, seconds_max: float | None) -> None:
        super().__init__("docker", timeout=seconds_max)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def away(host: str, error: BaseException) -> OperatorError:
    """No daemon answers."""
    return OperatorError(
        "docker.away",
        f"Docker does not answer at {host}: {error}.",
        mend="Start it (systemctl start docker), be in its group, or name its socket: export DOCKER_HOST=unix:///…",
    )


def _reason(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace").strip() or "it gave no reason"
