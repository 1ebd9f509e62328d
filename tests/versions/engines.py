"""Engines in the foreground with jars of another list: python -m tests.versions.engines LOCK --home DIR --port-base N.

Which PostgreSQL and which Redis, the PATH says.
"""

import sys
from pathlib import Path

from compose.engines import __main__ as engines
from compose.engines import jars

if __name__ == "__main__":
    jars.LOCK_FILE = Path(sys.argv.pop(1))
    sys.exit(engines.main())
