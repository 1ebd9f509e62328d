"""A load suite as the workload of a run: goods and people of its own, Locust in processes of its own, its measurements.

It judges nothing. Locust never runs in this process: it replaces sockets and threads by its own.
"""

import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec

from loadtests.measured import Measured, read_measured
from loadtests.records import copy_all
from loadtests.stage import LoadStage, check_target, write_stage
from loadtests.suite import LoadParameters, Suite
from scenarios.cues import Cues
from scenarios.evidence import SupplyStep, WorkloadFacts
from scenarios.fleet import Fleet
from scenarios.history import HistoryWriter
from scenarios.workloads.market import TOKEN_TTL_S, Article, Person, people, put_on_sale
from scenarios.workloads.workload import LoadReport

LOOPBACK: Final = "127.0.0.1"
PRICE_MINOR: Final = 2_450
UNITS: Final = 100_000
CATEGORY: Final = "household"
IMPORTS_AT_ONCE: Final = 8
PEOPLE_SPARE: Final = 20
WORKERS_WITHIN_S: Final = 60
LAST_ANSWERS_S: Final = 5
"""What customers get to finish what they are about, when the time is over."""
OVERTIME_S: Final = 60.0
"""A Locust that has not ended so long after its time is stopped."""
STOP_WITHIN_S: Final = 10.0
LOCUST_LOG: Final = "locust.log"
LOCUST_PAGE: Final = "locust.html"
MEASURED: Final = "measured.json"


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How Locust is led: `web_port` shows its page, on `bind` it waits for `workers`, who load `target`."""

    web_port: int | None = None
    bind: str | None = None
    port: int = 5557
    workers: int = 1
    target: str = ""


@dataclass(frozen=True, kw_only=True)
class LoadRun:
    """What was prepared; `opened_at` is epoch seconds, `renewed_people` gives the same people fresh tokens."""

    parameters: LoadParameters
    stage: LoadStage
    opened_at: float
    renewed_people: Callable[[], Awaitable[tuple[Person, ...]]]


class LocustLoad:
    """The workload of a suite."""

    def __init__(self, suite: Suite, manner: Manner) -> None:
        self._suite = suite
        self._manner = manner

    async def prepare(self, fleet: Fleet, parameters: LoadParameters, *, seed: int) -> LoadRun:
        """Raises OperatorError (load.not_here)."""
        target = self._manner.target or fleet.gateway_url
        elsewhere = self._manner.bind is not None
        check_target(target, elsewhere=elsewhere)
        opened_at = time.time()
        name = f"{seed}-{uuid4().hex[:8]}".upper()
        articles = [
            Article(
                sku=f"LOAD-{n:03}-{name}",
                title=f"Load mug {n:03}",
                category=CATEGORY,
                price_minor=PRICE_MINOR,
                units=UNITS,
            )
            for n in range(parameters.articles)
        ]
        scarce = Article(
            sku=f"RARE-{name}", title=f"Rare mug {name[-8:]}", category=CATEGORY, price_minor=PRICE_MINOR,
            units=parameters.scarce_units,
        )  # fmt: skip
        places = asyncio.Semaphore(IMPORTS_AT_ONCE)

        async def offer(article: Article) -> None:
            async with places:
                await put_on_sale(fleet, article)

        await asyncio.gather(*(offer(one) for one in [*articles, *([scarce] if scarce.units else [])]))
        emails = [f"load-{n:05}@load.example" for n in range(parameters.users + PEOPLE_SPARE)]

        async def renewed_people() -> tuple[Person, ...]:
            return tuple(await people(fleet, emails))

        crowd = await renewed_people()
        stage = LoadStage(
            name=name,
            target=target,
            elsewhere=elsewhere,
            processes=self._manner.workers if elsewhere else parameters.processes,
            for_s=parameters.for_s,
            requests_max=parameters.requests_max,
            crowd=self._suite.crowd(parameters),
            rate=parameters.rate,
            people=crowd,
            skus=tuple(article.sku for article in articles),
            words=("mug", "load", "household", "rare mug", "jacket", "tent"),
            category=CATEGORY,
            scarce_sku=scarce.sku if scarce.units else "",
        )
        return LoadRun(parameters=parameters, stage=stage, opened_at=opened_at, renewed_people=renewed_people)

    async def play(self, stage: LoadRun, history: HistoryWriter, cues: Cues) -> LoadReport:
        directory = history.path.parent
        started_at = time.time()
        with tempfile.TemporaryDirectory(prefix="shopstream-load-") as private:
            secret = Path(private) / "stage.json"
            write_stage(stage.stage, secret)
            renewing = asyncio.create_task(_renew(stage, secret))
            try:
                code = await self._locust(stage.parameters, directory, secret, history)
            finally:
                renewing.cancel()
                (renewed,) = await asyncio.gather(renewing, return_exceptions=True)
        measured = await asyncio.to_thread(read_measured, directory / MEASURED)
        cues.done(1.0)
        if measured is None:
            return LoadReport(
                problems=(f"Locust ended with {code} and measured nothing; see {directory / LOCUST_LOG}",)
            )
        return LoadReport(
            figures=measured.figures,
            charts=measured.charts(since_at=started_at),
            problems=(*self._problems(stage.parameters, measured, code), *_unrenewed(renewed)),
        )

    def facts(self, stage: LoadRun, report: LoadReport) -> WorkloadFacts:
        at = stage.opened_at
        supply = [SupplyStep(sku, UNITS, at, at, opening=True) for sku in stage.stage.skus]
        scarce = stage.stage.scarce_sku
        if scarce:
            supply.append(SupplyStep(scarce, stage.parameters.scarce_units, at, at, opening=True))
        return WorkloadFacts(
            skus=[step.sku for step in supply],
            scarce_skus=[scarce] if scarce else [],
            supply=supply,
            thresholds=list(self._suite.thresholds),
            charts=list(report.charts),
        )

    async def _locust(self, parameters: LoadParameters, directory: Path, stage: Path, history: HistoryWriter) -> int:
        """Run it to its end and copy its records; nothing of it is left when this returns or is cancelled."""
        reading, writing = os.pipe()
        try:
            with (directory / LOCUST_LOG).open("wb") as log:
                process = await asyncio.create_subprocess_exec(
                    *locust_command(self._suite),
                    *self._leading(parameters),
                    f"--stage={stage}", f"--measured={directory / MEASURED}", f"--records-fd={writing}",
                    f"--html={directory / LOCUST_PAGE}",
                    stdin=DEVNULL, stdout=log, stderr=log, cwd=directory, env=locust_environment(),
                    pass_fds=(writing,), start_new_session=True,
                )  # fmt: skip
        finally:
            os.close(writing)
        copying = asyncio.create_task(copy_all(reading, history))
        try:
            async with asyncio.timeout(parameters.for_s + OVERTIME_S + WORKERS_WITHIN_S):
                code = await process.wait()
                await copying
                return code
        except TimeoutError:
            return -signal.SIGKILL
        finally:
            await stopped(process)
            copying.cancel()
            await asyncio.gather(copying, return_exceptions=True)

    def _leading(self, parameters: LoadParameters) -> list[str]:
        """The options of the process that leads."""
        manner = self._manner
        options = [
            f"--users={self._suite.crowd(parameters)[0].users}", f"--spawn-rate={parameters.rate:g}",
            f"--stop-timeout={LAST_ANSWERS_S}", "--exit-code-on-error=0", "--only-summary",
        ]  # fmt: skip
        if manner.web_port is None:
            options.append("--headless")
        else:
            options += [f"--web-host={LOOPBACK}", f"--web-port={manner.web_port}", "--autostart"]
        if manner.bind is not None:
            options += ["--master", f"--master-bind-host={manner.bind}", f"--master-bind-port={manner.port}"]
            options += [f"--expect-workers={manner.workers}", f"--expect-workers-max-wait={WORKERS_WITHIN_S}"]
        elif parameters.processes > 1:
            port = free_port()
            options += [f"--processes={parameters.processes}", f"--master-bind-host={LOOPBACK}"]
            options += [f"--master-bind-port={port}", f"--master-port={port}"]
        return options

    def _problems(self, parameters: LoadParameters, measured: Measured, code: int) -> list[str]:
        wanted = self._manner.workers if self._manner.bind is not None else parameters.processes
        problems = [f"a simulated customer's program failed: {it}" for it in measured.crashed]
        if code:
            problems.append(f"Locust ended with {code}")
        if wanted > 1 and measured.workers < wanted:
            problems.append(f"only {measured.workers} of {wanted} Locust processes took part")
        return problems


async def _renew(run: LoadRun, path: Path) -> None:
    """People get new tokens long before the old ones end; the leading process passes them on."""
    while True:
        await asyncio.sleep(TOKEN_TTL_S / 2)
        write_stage(msgspec.structs.replace(run.stage, people=await run.renewed_people()), path)


def _unrenewed(ended: object) -> tuple[str, ...]:
    """The reason why people had to go on with old tokens, if they had to."""
    if isinstance(ended, asyncio.CancelledError):
        return ()
    return (f"people got no new tokens: {ended}",)


def locust_command(suite: Suite) -> tuple[str, ...]:
    """Locust on a suite's file, in this environment's Python."""
    return (sys.executable, "-m", "locust", "-f", str(suite.file))


def locust_environment() -> dict[str, str]:
    """What of Locust's stands in the operator's environment is not meant for this load."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}


async def stopped(process: Process) -> None:
    """Its whole group is gone: it is asked to end, then made to."""
    for word in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, word)
        except ProcessLookupError:
            return
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            continue


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]
