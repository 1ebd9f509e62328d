"""What a fleet does at this moment, from the metrics of its processes: rates, errors, p99, lag, pools and breakers.

A sign is the difference of two readings of one process, so that whoever looks decides what "now" is. Reading is all it
does.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from scenarios.fleet import Fleet
from shared.probe_token import probe_token

READ_LIMIT_S: Final = 1.0
EVERY_S: Final = 1.0
P99: Final = 0.99
SKUS_MAX: Final = 8
FAULTS_FROM: Final = 500
BREAKERS: Final = {1.0: "half open", 2.0: "open"}
STOCK: Final = (
    "SELECT sku, sum(on_hand)::int AS on_hand, sum(reserved)::int AS reserved FROM audit.stock "
    "LEFT JOIN audit.purchase_limits USING (sku) GROUP BY sku, per_customer "
    "ORDER BY per_customer IS NULL, sum(reserved) DESC, sku LIMIT $1"
)

Labels = frozenset[tuple[str, str]]


class Reading(msgspec.Struct, frozen=True):
    """The samples of one process by name and labels; `at` is a monotonic second."""

    at: float
    samples: Mapping[str, Mapping[Labels, float]] = {}

    def gauge(self, name: str) -> float | None:
        """The sum over all labels; None where the process has no such metric."""
        found = self.samples.get(name)
        return sum(found.values()) if found else None


class VitalSigns(msgspec.Struct, frozen=True, kw_only=True):
    """One process between two readings. Rates are per second, times in seconds; None is what it does not tell.

    `answers` is false when its metrics could not be read: it is away, paused, or too busy to say.
    """

    name: str
    service: str
    answers: bool = True
    requests_s: float | None = None
    faults_s: float | None = None
    p99_s: float | None = None
    lag: int | None = None
    outbox: int | None = None
    loop_lag_p99_s: float | None = None
    connections_used: int | None = None
    connections_max: int | None = None
    breakers: dict[str, str] = {}

    @property
    def faults_share(self) -> float:
        """Answers of the kind 5xx among all; 0 where nobody asked."""
        return (self.faults_s or 0.0) / self.requests_s if self.requests_s else 0.0


class Units(msgspec.Struct, frozen=True):
    """What is there of one SKU in all warehouses."""

    sku: str
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


class Glance(msgspec.Struct, frozen=True):
    """The fleet at one moment: its processes, and what is on sale (SKUs with a limit per customer first)."""

    processes: tuple[VitalSigns, ...]
    stock: tuple[Units, ...]

    def of(self, service: str) -> tuple[VitalSigns, ...]:
        return tuple(one for one in self.processes if one.service == service)

    @property
    def door(self) -> VitalSigns:
        """What customers notice: all gateways as one, the slowest one's p99."""
        doors = self.of("gateway")
        return VitalSigns(
            name="gateway",
            service="gateway",
            answers=any(one.answers for one in doors),
            requests_s=sum(one.requests_s or 0.0 for one in doors),
            faults_s=sum(one.faults_s or 0.0 for one in doors),
            p99_s=max((one.p99_s for one in doors if one.p99_s is not None), default=None),
        )


class Observer:
    """Looks at one fleet again and again and keeps the last reading of every process; the first glance has no rates."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._before: dict[str, tuple[int, Reading]] = {}

    async def glance(self) -> Glance:
        """Raises `OperatorError` when the stack or the inventory's database is away."""
        running = [it for it in await self._fleet.processes() if it["kind"] == "service"]
        stock = self._fleet.rows("inventory", STOCK, SKUS_MAX) if "inventory" in self._fleet.declared else _nothing()
        signs, rows = await asyncio.gather(asyncio.gather(*(self._signs(it) for it in running)), stock)
        return Glance(tuple(signs), tuple(Units(row["sku"], row["on_hand"], row["reserved"]) for row in rows))

    async def _signs(self, process: Mapping[str, Any]) -> VitalSigns:
        name: str = process["name"]
        service: str = process["component"]
        pid: int | None = process["pid"]
        now = None if pid is None else await self._read(process["port"])
        if pid is None or now is None:
            return VitalSigns(name=name, service=service, answers=False)
        known_pid, before = self._before.get(name, (pid, None))
        self._before[name] = pid, now
        return signs(now, before if known_pid == pid else None, name=name, service=service)

    async def _read(self, port: int) -> Reading | None:
        try:
            async with self._fleet.http.get(
                f"http://127.0.0.1:{port}/metrics",
                headers={"Authorization": f"Bearer {probe_token(self._fleet.secret)}"},
                timeout=aiohttp.ClientTimeout(total=READ_LIMIT_S),
            ) as answer:
                return reading(await answer.text()) if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None


def reading(text: str) -> Reading:
    """One scrape, in the text format of Prometheus."""
    samples: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[frozenset(sample.labels.items())] = float(sample.value)
    return Reading(time.monotonic(), samples)


def signs(now: Reading, before: Reading | None, *, name: str, service: str) -> VitalSigns:
    """What one process did between two readings; without the earlier one only what it is, not what it does."""
    used, most = now.gauge("shopstream_database_connections_used"), now.gauge("shopstream_database_connections_max")
    found = VitalSigns(
        name=name,
        service=service,
        lag=_whole(now.gauge("shopstream_consumer_lag_records")),
        outbox=_whole(now.gauge("shopstream_outbox_backlog_rows")),
        connections_used=_whole(used),
        connections_max=_whole(most),
        breakers={
            dict(labels)["target"]: BREAKERS[level]
            for labels, level in now.samples.get("shopstream_breaker_state", {}).items()
            if level in BREAKERS
        },
    )
    if before is None:
        return found
    past_s = now.at - before.at
    requests = _grown(now, before, "shopstream_http_requests_total")
    faults = {labels: count for labels, count in requests.items() if int(dict(labels)["status"]) >= FAULTS_FROM}
    return msgspec.structs.replace(
        found,
        requests_s=sum(requests.values()) / past_s,
        faults_s=sum(faults.values()) / past_s,
        p99_s=_quantile(_grown(now, before, "shopstream_http_request_seconds_bucket"), P99),
        loop_lag_p99_s=_quantile(_grown(now, before, "shopstream_event_loop_lag_seconds_bucket"), P99),
    )


def _grown(now: Reading, before: Reading, name: str) -> dict[Labels, float]:
    earlier = before.samples.get(name, {})
    return {labels: value - earlier.get(labels, 0.0) for labels, value in now.samples.get(name, {}).items()}


def _quantile(buckets: Mapping[Labels, float], q: float) -> float | None:
    """As Prometheus's `histogram_quantile`: linear within a bucket, the last finite bound beyond; None of nothing."""
    cumulative: dict[float, float] = {}
    for labels, count in buckets.items():
        bound = float(dict(labels)["le"])
        cumulative[bound] = cumulative.get(bound, 0.0) + count
    return _within(sorted(cumulative.items()), q)


def _within(cumulative: Sequence[tuple[float, float]], q: float) -> float | None:
    total = cumulative[-1][1] if cumulative else 0.0
    if not total:
        return None
    lower_bound, lower_count = 0.0, 0.0
    for bound, count in cumulative:
        if count >= q * total:
            if bound == float("inf"):
                return lower_bound
            return lower_bound + (bound - lower_bound) * (q * total - lower_count) / (count - lower_count)
        lower_bound, lower_count = bound, count
    raise AssertionError("the last bucket holds all")


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


async def _nothing() -> Iterable[Any]:
    return ()
