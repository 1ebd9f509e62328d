"""What Locust measured, as it is written by the process that leads the load and read by the run. Imports no Locust."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from scenarios.evidence import Chart

PERCENTILES: Final = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}
PARTS: Final = 4
"""A load is looked at in quarters; the first is that in which people come."""
SHED: Final = frozenset({"overloaded"})
"""Refusals by which a shop that has too much to do protects itself."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request; times are milliseconds."""

    name: str
    requests: int
    errors: int
    shed: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """How it stood at one time (epoch seconds), over the seconds before it."""

    at: float
    users: int
    requests_per_s: float
    failures_per_s: float
    p50_ms: float
    p95_ms: float


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """All of a load. `errors` counts failures by what was said, `crashed` the customers whose program failed."""

    seconds: float
    workers: int
    total: Entry
    entries: tuple[Entry, ...]
    errors: dict[str, int]
    crashed: tuple[str, ...]
    moments: tuple[Moment, ...]

    @property
    def figures(self) -> dict[str, float]:
        """For thresholds, the report and the comparison of two runs."""
        total = self.total
        answered = max(1, total.requests)
        found: dict[str, float] = {
            "requests": total.requests,
            "requests_per_s": round(total.requests / max(self.seconds, 0.001), 1),
            "errors_share": round(total.errors / answered, 5),
            "shed_share": round(total.shed / answered, 5),
            "users_max": max((moment.users for moment in self.moments), default=0),
            "workers": self.workers,
            **self._over_time(),
            **{name: getattr(total, name) for name in PERCENTILES},
        }
        for entry in self.entries:
            found[f"{entry.name}: requests"] = entry.requests
            found |= {f"{entry.name}: {name}": getattr(entry, name) for name in PERCENTILES}
        return found

    def _over_time(self) -> dict[str, float]:
        """How it changed on the way: the best moment, how much of that was left at the end, the drift of p95."""
        if len(self.moments) < PARTS:
            return {}
        good = [moment.requests_per_s - moment.failures_per_s for moment in self.moments]
        best = max(range(len(good)), key=good.__getitem__)
        part = len(good) // PARTS
        first, last = self.moments[part : 2 * part], self.moments[-part:]
        early, late = (sum(moment.p95_ms for moment in of) / part for of in (first, last))
        return {
            "goodput_best_per_s": round(good[best], 1),
            "users_at_best": self.moments[best].users,
            "goodput_kept": round(sum(good[-part:]) / part / max(good[best], 0.001), 3),
            "p95_drift": round(late / max(early, 1.0), 2),
        }

    def charts(self, *, since_at: float) -> tuple[Chart, ...]:
        """Over the seconds since that moment."""

        def curve(name: str) -> list[tuple[float, float]]:
            return [(round(moment.at - since_at, 2), float(getattr(moment, name))) for moment in self.moments]

        return (
            Chart(
                title="Requests",
                unit="per second",
                curves={"all": curve("requests_per_s"), "failed": curve("failures_per_s")},
            ),
            Chart(
                title="Time to answer, all requests", unit="ms", curves={"p50": curve("p50_ms"), "p95": curve("p95_ms")}
            ),
            Chart(title="Simulated people", unit="at once", curves={"people": curve("users")}),
        )


def write_measured(environment: Any, path: Path) -> None:
    """Takes it from Locust's environment at the end of a load."""
    stats = environment.stats
    failures: dict[tuple[str, str], dict[str, int]] = {}
    for error in stats.errors.values():
        said = failures.setdefault((error.method, error.name), {})
        said[str(error.error)] = said.get(str(error.error), 0) + error.occurrences
    entries = [_entry(entry, failures.get((entry.method, entry.name), {})) for entry in stats.entries.values()]
    everything: dict[str, int] = {}
    for of_one in failures.values():
        for said, count in of_one.items():
            everything[said] = everything.get(said, 0) + count
    started_at = stats.total.start_time
    measured = Measured(
        seconds=max(0.0, (stats.total.last_request_timestamp or started_at) - started_at),
        workers=getattr(environment.runner, "worker_index_max", 0),
        total=_entry(stats.total, everything),
        entries=tuple(sorted(entries, key=lambda entry: entry.name)),
        errors=everything,
        crashed=tuple(str(it["msg"]) for it in environment.runner.exceptions.values()),
        moments=tuple(_moment(it) for it in stats.history),
    )
    path.write_bytes(msgspec.json.format(msgspec.json.encode(measured), indent=1))


def read_measured(path: Path) -> Measured | None:
    """None when the leading process did not come to its end."""
    return msgspec.json.decode(path.read_bytes(), type=Measured) if path.exists() else None


def _entry(entry: Any, failures: dict[str, int]) -> Entry:
    shed = sum(count for said, count in failures.items() if said in SHED)
    return Entry(
        name=f"{entry.method} {entry.name}".strip(),
        requests=entry.num_requests,
        errors=sum(failures.values()) - shed,
        shed=shed,
        **{name: float(entry.get_response_time_percentile(share) or 0) for name, share in PERCENTILES.items()},
    )


def _moment(it: dict[str, Any]) -> Moment:
    return Moment(
        at=datetime.fromisoformat(it["time"]).timestamp(),
        users=it["user_count"][1],
        requests_per_s=it["current_rps"][1],
        failures_per_s=it["current_fail_per_sec"][1],
        p50_ms=it["response_time_percentile_0.5"][1] or 0.0,
        p95_ms=it["response_time_percentile_0.95"][1] or 0.0,
    )
