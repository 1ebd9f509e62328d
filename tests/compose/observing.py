"""What Jaeger and Prometheus answer on their own APIs."""

import json
import time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from shared.span_file import SpanRecord

JAEGER = "http://127.0.0.1:16686"
PROMETHEUS = "http://127.0.0.1:9090"
ANSWER_S = 10
LOOK_BACK_S = 240
STEP_S = 5

Series = list[tuple[dict[str, str], list[tuple[float, float]]]]


def jaeger(path: str) -> dict[str, Any]:
    return _get(JAEGER + path)


def prometheus(path: str, **asked: object) -> dict[str, Any]:
    return _get(f"{PROMETHEUS}{path}?{urlencode(asked)}")


def query(expression: str) -> list[dict[str, Any]]:
    """An instant query's vector."""
    return prometheus("/api/v1/query", query=expression).get("data", {}).get("result", [])


def query_range(expression: str) -> Series:
    """The last minutes: the labels of each series and its points, as (epoch seconds, value)."""
    now = time.time()
    found = prometheus("/api/v1/query_range", query=expression, start=now - LOOK_BACK_S, end=now, step=STEP_S)
    return [
        (it["metric"], [(float(at), float(value)) for at, value in it["values"] if value != "NaN"])
        for it in found.get("data", {}).get("result", [])
    ]


def trace(trace_id: str) -> list[SpanRecord]:
    """The spans of a trace; none while Jaeger does not know it."""
    found = jaeger(f"/api/traces/{trace_id}").get("data") or []
    return [_span(span, one["processes"]) for one in found for span in one["spans"]]


def _span(told: dict[str, Any], processes: dict[str, Any]) -> SpanRecord:
    parents = [it["spanID"] for it in told.get("references", []) if it["refType"] == "CHILD_OF"]
    start_ns = int(told["startTime"]) * 1000
    return SpanRecord(
        trace_id=told["traceID"],
        span_id=told["spanID"],
        parent_id=next(iter(parents), ""),
        name=told["operationName"],
        kind=next((str(tag["value"]) for tag in told.get("tags", []) if tag["key"] == "span.kind"), "internal"),
        service=processes[told["processID"]]["serviceName"],
        instance="",
        start_ns=start_ns,
        end_ns=start_ns + int(told["duration"]) * 1000,
        failed=any(tag["key"] == "error" and tag["value"] for tag in told.get("tags", [])),
    )


def _get(url: str) -> dict[str, Any]:
    """The answer; nothing while nobody answers or what is asked for is not there yet."""
    try:
        with urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310 -- of this machine
            return json.load(answer)
    except (HTTPError, URLError, TimeoutError):
        return {}
