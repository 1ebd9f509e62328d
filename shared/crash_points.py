"""Named points of a process's work at which it dies when the fault harness wants it: a crash where it hurts most.

Drills only: nothing arms a point but `shared.fault_controls`, which is refused in production.
"""

import os
import signal
from typing import Final, Literal

Point = Literal["before-call", "after-call", "before-commit", "after-commit"]
NOWHERE: Final = ""

_armed = NOWHERE


def name_of(work: str, point: Point) -> str:
    """How the point of some work is called."""
    return f"{work}:{point}"


def arm(name: str) -> None:
    """Die at this point from now on; NOWHERE for at none."""
    global _armed  # noqa: PLW0603 a process dies as a whole
    _armed = name


def reach(work: str, point: Point) -> None:
    """The work is at this point: if it is the armed one, nothing of this process is done after it."""
    if _armed and _armed == name_of(work, point):
        os.kill(os.getpid(), signal.SIGKILL)
        os._exit(128 + signal.SIGKILL)  # the first process of a container cannot signal itself: pid_namespaces(7)
