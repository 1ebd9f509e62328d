"""The first code of a forked process: become that process (environment, log, fate), then run its function.

Imports nothing heavy: the fork parent has done that already.
"""

import ctypes
import importlib
import os
import random
import signal
import sys
from collections.abc import Mapping
from typing import Final

from compose.process import die_with_parent

PRELOAD_VARIABLE: Final = "SHOPSTREAM_PRELOAD"
PR_SET_NAME: Final = 15
STANDARD_OUTPUTS: Final = (1, 2)
ORPHAN_PARENT: Final = 1


def become(name: str, function: str, argument: str, environ: Mapping[str, str], log: str) -> None:
    """Run `function` ("module:name") with `argument` until it returns; `environ` stands for the environment."""
    _inherit_fate()
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:15])
    _write_to(log)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = [name]
    random.seed()
    module, _, attribute = function.partition(":")
    run = getattr(importlib.import_module(module), attribute)
    run(dict(environ) if argument == "environ" else argument)


def upgrade(name: str, package: str, database_url: str, environ: Mapping[str, str], log: str) -> None:
    """Bring one service's database to its newest schema."""
    _inherit_fate()
    _write_to(log)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = [name]
    importlib.import_module("shared.migrate").upgrade(package, database_url)


def _inherit_fate() -> None:
    die_with_parent(signal.SIGKILL)
    if os.getppid() == ORPHAN_PARENT:  # the fork parent was gone before the line above
        os._exit(1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _write_to(log: str) -> None:
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for output in STANDARD_OUTPUTS:
        os.dup2(handle, output)
    os.close(handle)
