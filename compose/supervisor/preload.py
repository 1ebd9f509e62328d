"""Runs once in the fork parent: import what every service needs, then freeze it, so that children share the pages.

No thread, loop or connection may be made here: it would be copied into every child broken.
"""

import gc
import importlib
import os
import sys
from typing import Final

PRELOAD_VARIABLE: Final = "SHOPSTREAM_PRELOAD"


def preload() -> None:
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
