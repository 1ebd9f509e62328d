"""Engines alone, in the foreground, for developers: python -m compose.engines --home DIR --port-base N."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from compose.engines.running import ENGINES, boot
from compose.layout import Layout, default_cache, default_home
from compose.operator_error import OperatorError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m compose.engines", description=__doc__)
    parser.add_argument("--home", type=Path, default=default_home())
    parser.add_argument("--port-base", type=int, default=20_000)
    parser.add_argument("--only", default=",".join(ENGINES))
    parser.add_argument("--while", dest="owner", type=int, metavar="PID", help="stop when this process has ended")
    asked = parser.parse_args()
    layout = Layout(asked.home.absolute(), default_cache(), asked.port_base)
    try:
        asyncio.run(_run(layout, only=tuple(asked.only.split(",")), owner=asked.owner))
    except OperatorError as error:
        sys.stderr.write(f"{error.what}\n{error.mend}\n")
        return error.exit_code
    return 0


async def _run(layout: Layout, *, only: tuple[str, ...], owner: int | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if owner is not None:
        _when_ended(owner, stop.set)
    booting = asyncio.create_task(boot(layout, only=only, report=_say))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({booting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not booting.done():
        booting.cancel()
        await asyncio.gather(booting, return_exceptions=True)
        return
    running = await booting
    sys.stdout.write(json.dumps(running.urls, indent=1) + "\n")
    sys.stdout.flush()
    await stopping
    await running.stop()


def _when_ended(pid: int, then: Callable[[], None]) -> None:
    """Call `then` once the process has ended, however it did; at once when it is gone already."""
    loop = asyncio.get_running_loop()
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        then()
        return

    def ended() -> None:
        loop.remove_reader(handle)
        os.close(handle)
        then()

    loop.add_reader(handle, ended)


def _say(name: str, phase: str) -> None:
    sys.stderr.write(f"{name}: {phase}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
