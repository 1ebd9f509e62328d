"""Being a worker of a load that a master on another host leads; needs no fleet and judges nothing."""

import subprocess

from loadtests.locust_load import locust_command, locust_environment
from loadtests.suite import Suite


def follow(suite: Suite, master: str, *, port: int, processes: int) -> int:
    """Make load as long as the master says so; the exit code is Locust's."""
    command = [*locust_command(suite), "--worker", f"--master-host={master}", f"--master-port={port}"]
    if processes > 1:
        command.append(f"--processes={processes}")
    return subprocess.run(command, env=locust_environment(), check=False).returncode  # noqa: S603 -- our own command
