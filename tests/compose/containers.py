"""Docker, compose and shopctl as commands, for tests of the stack in containers."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compose.containers.definition import COMPOSE_FILE

PORT_BASE = 29_000
GATEWAY = f"http://127.0.0.1:{PORT_BASE}"
UNTIL_S = 120.0

Environ = dict[str, str]


class Shop:
    """`shopctl` with a stack in containers that it keeps in `home`."""

    def __init__(self, docker: Environ, home: Path) -> None:
        self.docker = {**docker, "SHOPSTREAM_HOME": str(home)}
        self.env_file = home / "compose.env"

    def __call__(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments], env=self.docker, capture_output=True, text=True, check=False
        )
        said = f"{done.returncode}\n{done.stderr}\n{done.stdout}"
        assert done.returncode in codes, f"shopctl {' '.join(arguments)}: {said}"
        return done.stdout

    def told(self, *arguments: str) -> Any:
        """What a command says as JSON."""
        return json.loads(self(*arguments, "--json"))

    def any_verdict(self, *arguments: str) -> Any:
        """The same of a command whose exit code is a verdict."""
        return json.loads(self(*arguments, "--json", codes=(0, 1, 3)))

    def rows(self) -> dict[str, dict[str, Any]]:
        """The status, by process; not all of them need to be ready."""
        said = json.loads(self("status", "--json", codes=(0, 3)))
        return {row["name"]: row for row in said["processes"]}

    def compose(self, *arguments: str) -> list[str]:
        """docker compose on this stack."""
        return compose(self.docker, "--env-file", str(self.env_file), *arguments)


def run(environ: Environ, *command: str) -> list[str]:
    """The lines that a command wrote."""
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stderr[-3000:]}"
    return done.stdout.splitlines()


def compose(environ: Environ, *arguments: str) -> list[str]:
    """docker compose on the file as it is."""
    return run(environ, "docker", "compose", "-f", str(COMPOSE_FILE), *arguments)


def left(environ: Environ) -> list[str]:
    """Containers, volumes and networks of any project of ours."""
    asked = (("ps", "-aq"), ("volume", "ls", "-q"), ("network", "ls", "-q"))
    return [
        name for kind in asked for name in run(environ, "docker", *kind, "--filter", "label=com.docker.compose.project")
    ]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + UNTIL_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
