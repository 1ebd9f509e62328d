"""Runs once in the fork parent: import what every service needs, then freeze it, so that children share the pages.

Importing this module does it: import it nowhere else. No thread, loop or connection may be made here:
it would be copied into every child broken.
"""

import gc
import importlib
import os
import sys

from compose.process import die_with_parent
from compose.supervisor.child import PRELOAD_VARIABLE


def preload() -> None:
    die_with_parent()  # its children hold the pipe by which it would notice that the supervisor is gone
    gc.disable()  # a collection while importing dirties pages for nothing
    for name in filter(None, os.environ.get(PRELOAD_VARIABLE, "").split(",")):
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 -- the service that needs it will say so in its own log
            sys.stderr.write(f"preload of {name} failed: {error!r}\n")
    gc.collect()
    gc.freeze()
    gc.enable()


preload()
