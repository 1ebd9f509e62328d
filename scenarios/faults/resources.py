"""What the machine runs short of: processor time taken by somebody else."""

import subprocess
import sys
from typing import Annotated, Final

import msgspec
import psutil

from compose.process import die_with_parent
from scenarios.faults.fault import FaultValue, until
from scenarios.fleet import Fleet

BURN_S_MAX: Final = 3_600
PROCESSES_MAX: Final = 64
BURNT_S: Final = 0.05
BURN: Final = (
    "import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass\n# fault {name} {home}"
)
STOP_S_MAX: Final = 5.0

_burning: list[subprocess.Popen[bytes]] = []
"""What this process started."""


class CpuBurn(FaultValue, frozen=True, tag="cpu-burn"):
    """`processes` loops take all the processor time they can get; they end with who started them."""

    target: str = "machine"
    processes: Annotated[int, msgspec.Meta(ge=1, le=PROCESSES_MAX)] = 1

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        code = BURN.format(seconds=BURN_S_MAX, name=self.name, home=fleet.layout.home)
        _burning.extend(
            subprocess.Popen(  # noqa: S603, ASYNC220 -- our own loop; starting it does not block
                [sys.executable, "-c", code],
                preexec_fn=die_with_parent,  # noqa: PLW1509 -- one prctl, no locks
            )
            for _ in range(self.processes)
        )
        burners = [psutil.Process(it.pid) for it in _burning]

        async def all_burn() -> bool:
            return all(it.is_running() and it.cpu_times().user > BURNT_S for it in burners)

        return await until(all_burn), f"{len(burners)} processes burn"

    async def heal(self, fleet: Fleet) -> None:
        mark = f"# fault {self.name} {fleet.layout.home}"
        burners = [it for it in psutil.process_iter() if mark in " ".join(_command(it))]
        for burner in burners:
            burner.kill()
        psutil.wait_procs(burners, timeout=STOP_S_MAX)
        while _burning:
            _burning.pop().wait(STOP_S_MAX)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return []
