"""Health that tells the truth: `/health/live` for the process, `/health/ready` for what it needs to work.

Every check is a real call, time-boxed; the answer is shared for a moment so that probes cannot become load.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from shared.redaction import redact_text

CHECK_LIMIT_S = 1.0
ANSWER_SHARED_S = 0.2
DETAIL_LENGTH_MAX = 200

Check = Callable[[], Awaitable[str | None]]
"""Returns a detail for people, or None; raises when the thing is not healthy."""


class CheckResult(msgspec.Struct, frozen=True):
    ok: bool
    detail: str


class HealthReport(msgspec.Struct, frozen=True):
    status: str
    checks: dict[str, CheckResult]

    @property
    def ok(self) -> bool:
        return self.status == "ready"


class NotHealthyError(Exception):
    """A check found its thing unfit; the message becomes the check's detail."""


class Health:
    """The named checks of one process."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._needed: set[str] = set()
        self._report: HealthReport | None = None
        self._report_until = 0.0
        self._running: asyncio.Task[HealthReport] | None = None

    def add(self, name: str, check: Check, *, needed: bool = False) -> None:
        """Register a check; names are unique. Without what is `needed` the service can answer nothing of use."""
        if name in self._checks:
            raise ValueError(f"health check {name!r} exists already")
        self._checks[name] = check
        if needed:
            self._needed.add(name)

    async def can_serve(self) -> bool:
        """Whether requests make sense: a service that lacks only what it can do without answers with less."""
        results = await asyncio.gather(*(_run(self._checks[name]) for name in self._needed))
        return all(result.ok for result in results)

    async def ready(self) -> HealthReport:
        """Run all checks at once, each for at most CHECK_LIMIT_S; concurrent callers share one run."""
        if self._report is not None and time.monotonic() < self._report_until:
            return self._report
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run_checks())
        return await asyncio.shield(self._running)

    async def _run_checks(self) -> HealthReport:
        names = list(self._checks)
        results = await asyncio.gather(*(_run(self._checks[name]) for name in names))
        checks = dict(zip(names, results, strict=True))
        ready = all(result.ok for result in results)
        self._report = HealthReport("ready" if ready else "not_ready", checks)
        self._report_until = time.monotonic() + ANSWER_SHARED_S
        return self._report


def health_routes(health: Health) -> list[HTTPRouteHandler]:
    """Return the two public probe routes; ready answers 200 or 503."""

    @get("/health/live", opt={"public": True}, include_in_schema=False)
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @get("/health/ready", opt={"public": True}, include_in_schema=False)
    async def ready() -> Response[HealthReport]:
        report = await health.ready()
        return Response(report, status_code=200 if report.ok else 503, headers={"Cache-Control": "no-store"})

    return [live, ready]


async def _run(check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_LIMIT_S):
            detail = await check()
    except TimeoutError:
        return CheckResult(ok=False, detail=f"no answer within {CHECK_LIMIT_S:g} s")
    except Exception as error:  # noqa: BLE001 - whatever a check raises is its verdict
        text = str(error) if isinstance(error, NotHealthyError) else f"{type(error).__name__}: {error}"
        return CheckResult(ok=False, detail=redact_text(text)[:DETAIL_LENGTH_MAX])
    return CheckResult(ok=True, detail=detail or "ok")
