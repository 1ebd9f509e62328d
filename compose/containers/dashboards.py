"""The dashboards of the observability profile: the fleet, a sale, an incident; `python -m compose.containers` writes
them.
"""

from pathlib import Path
from typing import Any, Final

import msgspec

FOLDER: Final = Path(__file__).parents[1] / "observability" / "grafana" / "dashboards"
WIDTH: Final = 12
HEIGHT: Final = 8
SOURCE: Final = {"type": "prometheus", "uid": "prometheus"}


class Panel(msgspec.Struct, frozen=True):
    """One graph: what is asked of Prometheus, and how a line is named."""

    title: str
    query: str
    legend: str = "{{service_name}}"
    unit: str = "short"


RATE: Final = "[30s]"
LATENCY: Final = (
    "histogram_quantile({q}, sum by (le, service) (rate(shopstream_http_request_seconds_bucket{where}" + RATE + ")))"
)
DASHBOARDS: Final[dict[str, tuple[str, tuple[Panel, ...]]]] = {
    "fleet": (
        "The fleet",
        (
            Panel("Requests", f"sum by (service) (rate(shopstream_http_requests_total{RATE}))", "{{service}}", "reqps"),
            Panel(
                "Refused and failed",
                f'sum by (service, status) (rate(shopstream_http_requests_total{{status=~"[45].."}}{RATE}))',
                "{{service}} {{status}}",
                "reqps",
            ),
            Panel("p95", LATENCY.format(q=0.95, where=""), "{{service}}", "s"),
            Panel("p50", LATENCY.format(q=0.5, where=""), "{{service}}", "s"),
            Panel("Events not yet read", "sum by (service_name) (shopstream_consumer_lag_records)"),
            Panel("Events not yet sent", "sum by (service_name) (shopstream_outbox_backlog_rows)"),
        ),
    ),
    "sale": (
        "A sale",
        (
            Panel("In flight at the gateway", "sum(shopstream_gateway_in_flight)", "in flight"),
            Panel(
                "Answers of the gateway",
                f'sum by (status) (rate(shopstream_http_requests_total{{service="gateway"}}{RATE}))',
                "{{status}}",
                "reqps",
            ),
            Panel(
                "Orders placed and sold out",
                f'sum by (status) (rate(shopstream_http_requests_total{{service="orders",method="POST"}}{RATE}))',
                "{{status}}",
                "reqps",
            ),
            Panel(
                "p99 of orders and inventory",
                LATENCY.format(q=0.99, where='{{service=~"orders|inventory"}}'),
                "{{service}}",
                "s",
            ),
            Panel("Waits for payments", 'sum(shopstream_consumer_lag_records{service_name="payments"})', "lag"),
            Panel("Outbox of orders", 'sum(shopstream_outbox_backlog_rows{service_name="orders"})', "rows"),
        ),
    ),
    "incident": (
        "An incident",
        (
            Panel(
                "Calls between services that failed",
                f'sum by (target, outcome) (rate(shopstream_remote_calls_total{{outcome!="ok"}}{RATE}))',
                "{{target}} {{outcome}}",
                "reqps",
            ),
            Panel(
                "Work that is tried again or given up",
                f'sum by (work, verdict) (rate(shopstream_work_attempts_total{{verdict!="done"}}{RATE}))',
                "{{work}} {{verdict}}",
            ),
            Panel(
                "Answers 5xx",
                f'sum by (service, status) (rate(shopstream_http_requests_total{{status=~"5.."}}{RATE}))',
                "{{service}} {{status}}",
                "reqps",
            ),
            Panel("Instances that tell of themselves", "count by (service_name) (shopstream_outbox_backlog_rows)"),
            Panel("Events not yet read", "sum by (service_name) (shopstream_consumer_lag_records)"),
            Panel("p95", LATENCY.format(q=0.95, where=""), "{{service}}", "s"),
        ),
    ),
}


def dashboards() -> dict[str, bytes]:
    """The content of each file, by its name."""
    return {f"{uid}.json": _written(uid, title, panels) for uid, (title, panels) in DASHBOARDS.items()}


def _written(uid: str, title: str, panels: tuple[Panel, ...]) -> bytes:
    document = {
        "uid": f"shopstream-{uid}",
        "title": title,
        "tags": ["shopstream"],
        "schemaVersion": 41,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    place = {"x": number % 2 * WIDTH, "y": number // 2 * HEIGHT, "w": WIDTH, "h": HEIGHT}
    target = {"refId": "A", "datasource": SOURCE, "expr": panel.query, "legendFormat": panel.legend}
    defaults = {"unit": panel.unit, "min": 0}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "gridPos": place,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [target],
    }
