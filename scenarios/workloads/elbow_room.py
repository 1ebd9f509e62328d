"""What the machine gives to a process: how long it was on a core, and how long it was ready and had none."""

from pathlib import Path
from typing import Final

import msgspec

READY_SHARE_MAX: Final = 0.3
LEFT_SHARE_MIN: Final = 0.8


class Given(msgspec.Struct, frozen=True):
    """Seconds of a process since it began, at a moment."""

    at: float
    ran_s: float
    waited_s: float


def given(pid: int, *, at: float) -> Given | None:
    """What Linux has counted of the process's first thread; None where it counts nothing."""
    try:
        ran, waited, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except OSError:
        return None
    return Given(at, int(ran) / 1e9, int(waited) / 1e9)


def squeezed(measured: tuple[Given | None, Given | None], later: tuple[Given | None, Given | None]) -> str:
    """Why a process that could do something while it was measured could not later; empty when it could.

    One that hangs is not squeezed: it waits for somebody, and not for a core.
    """
    then, now = _shares(*measured), _shares(*later)
    if then is None or now is None:
        return ""
    ran_then, (ran_later, waited_later) = then[0], now
    if waited_later <= READY_SHARE_MAX or ran_later >= LEFT_SHARE_MIN * ran_then:
        return ""
    return (
        f"the machine was busy with other work: the gateway had a core for {ran_later:.0%} of the time after the "
        f"trigger, {ran_then:.0%} while the capacity was measured, and was ready without one for {waited_later:.0%}"
    )


def _shares(begun: Given | None, ended: Given | None) -> tuple[float, float] | None:
    if begun is None or ended is None:
        return None
    seconds = max(0.001, ended.at - begun.at)
    return (ended.ran_s - begun.ran_s) / seconds, (ended.waited_s - begun.waited_s) / seconds
