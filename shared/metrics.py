"""Prometheus metrics of one process: requests, latency, and gauges read when somebody looks.

Labels have few values by construction (service, method, status); never a path with an id, never a user.
"""

from collections.abc import Callable, Iterable, Mapping

from litestar import Response, get
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from shared.bounded_map import BoundedMap

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LAG_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
LABEL_SETS_MAX = 512
_KNOWN_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

REGISTRY = CollectorRegistry(auto_describe=False)
REQUESTS = Counter(
    "shopstream_http_requests", "HTTP requests answered", ["service", "method", "status"], registry=REGISTRY
)
LATENCY_S = Histogram(
    "shopstream_http_request_seconds",
    "Time from the first byte in to the last byte out",
    ["service", "method"],
    buckets=LATENCY_BUCKETS_S,
    registry=REGISTRY,
)
WORK_ITEMS = Counter("shopstream_work_attempts", "Attempts at items of work", ["work", "verdict"], registry=REGISTRY)
REMOTE_CALLS = Counter("shopstream_remote_calls", "Calls to other services", ["target", "outcome"], registry=REGISTRY)
LOOP_LAG_S = Histogram(
    "shopstream_event_loop_lag_seconds", "How late the event loop wakes", buckets=LAG_BUCKETS_S, registry=REGISTRY
)
BREAKER = Gauge(
    "shopstream_breaker_state",
    "Circuit breaker as this process last saw it: 0 closed, 1 half open, 2 open",
    ["target"],
    registry=REGISTRY,
)

# labels() hashes and locks on every call; the children are kept instead
_children: BoundedMap[tuple[str, str, int], tuple[Counter, Histogram]] = BoundedMap(LABEL_SETS_MAX)
_calls: BoundedMap[tuple[str, str], Counter] = BoundedMap(LABEL_SETS_MAX)


class _Watched(Collector):
    """Gauges whose value is asked for at scrape time, so that keeping them costs nothing in between."""

    def __init__(self) -> None:
        self.sources: dict[str, dict[str, Callable[[], float]]] = {}

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for name, by_target in list(self.sources.items()):
            told = GaugeMetricFamily(f"shopstream_{name}", name.replace("_", " "), labels=_labels(by_target))
            for target, source in list(by_target.items()):
                told.add_metric([target] if target else [], float(source()))
            yield told


def _labels(by_target: Mapping[str, object]) -> list[str]:
    return [] if "" in by_target else ["target"]


_watched = _Watched()
REGISTRY.register(_watched)


def observe_request(service: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request and its duration in seconds."""
    key = (service, method, status)
    children = _children.get(key)
    if children is None:
        known = method if method in _KNOWN_METHODS else "OTHER"
        children = REQUESTS.labels(service, known, str(status)), LATENCY_S.labels(service, known)
        _children.put(key, children)
    children[0].inc()
    children[1].observe(seconds)


def observe_remote_call(target: str, outcome: str) -> None:
    """Count one call to another service; outcome is ok, refused, failed, timeout or open."""
    key = (target, outcome)
    child = _calls.get(key)
    if child is None:
        child = REMOTE_CALLS.labels(target, outcome)
        _calls.put(key, child)
    child.inc()


def observe_work(work: str, verdict: str) -> None:
    """Count one attempt at an item of a work table; the verdict is one of the engine's, waits or surprise."""
    WORK_ITEMS.labels(work, verdict).inc()


def observe_loop_lag(seconds: float) -> None:
    """Count one wake-up of the event loop that came so many seconds late."""
    LOOP_LAG_S.observe(seconds)


def observe_breaker(target: str, level: int) -> None:
    """Say how far a circuit breaker is from closed: 0 closed, 1 half open, 2 open."""
    BREAKER.labels(target).set(level)


def watch(name: str, source: Callable[[], float], *, target: str = "") -> None:
    """Expose a gauge `shopstream_<name>` read at scrape time; a later source of the same name replaces it.

    With a `target` there is one for each; NaN is told for what is not known.
    """
    _watched.sources.setdefault(name, {})[target] = source


def render() -> bytes:
    """Return the exposition text of this process."""
    return generate_latest(REGISTRY)


@get("/metrics", opt={"public": True}, include_in_schema=False, media_type="text/plain")
async def endpoint() -> Response[bytes]:
    """Answer a scrape."""
    return Response(render(), headers={"Cache-Control": "no-store"}, media_type="text/plain; version=0.0.4")
