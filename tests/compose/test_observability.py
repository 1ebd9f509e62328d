"""What a stack in containers tells a collector: one trace of a checkout, three signals of ten services, dashboards."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from compose import stack
from compose.containers import dashboards
from tests.compose import observing, pictures
from tests.compose.containers import GATEWAY, until
from tests.support.guest_buying import buy

pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]

PICTURES = os.environ.get("SHOPSTREAM_TEST_PICTURES", "")
GUESTS = 24
AT_ONCE = 4
THROUGH = {"gateway", "orders", "inventory", "payments", "shipping", "notifications"}


@pytest.fixture(scope="module")
def traffic(shop):
    """Something that dashboards can show: guests buy, until the collector was told of it."""

    async def guests() -> None:
        for _ in range(GUESTS // AT_ONCE):
            await asyncio.gather(*(buy(GATEWAY) for _ in range(AT_ONCE)))

    asyncio.run(guests())
    placed = 'sum(rate(shopstream_http_requests_total{service="orders",method="POST"}[30s])) > 0'
    until(lambda: observing.query(placed))


def test_one_checkout_is_one_trace_through_outbox_and_kafka_in_jaegers_api(shop):
    bought = asyncio.run(buy(GATEWAY))
    until(lambda: {span.service for span in observing.trace(bought.trace_id)} >= THROUGH)
    spans = observing.trace(bought.trace_id)
    read = [span for span in spans if (span.kind, span.name) == ("consumer", "order.created")]
    assert read, "nobody read the event within the trace"
    assert {span.parent_id for span in read} <= {span.span_id for span in spans}
    picture("trace", pictures.trace(spans))


def test_all_ten_services_tell_three_signals(shop):
    services = {service.name for service in stack.load().services}
    until(lambda: services <= set(observing.jaeger("/api/services")["data"]))
    counted = 'count by (service_name) ({__name__=~"shopstream_.+"})'
    until(lambda: services <= {it["metric"].get("service_name") for it in observing.query(counted)})

    def logged() -> set[str]:
        lines = shop.compose("logs", "--no-log-prefix", "collector")
        return {name for line in lines for name in re.findall(r"\bservice=(\w+)", line)}

    until(lambda: services <= logged())


@pytest.mark.parametrize("uid", sorted(dashboards.DASHBOARDS))
def test_every_panel_of_a_dashboard_asks_for_series_that_are_there(traffic, uid):
    title, panels = dashboards.DASHBOARDS[uid]
    known = set(observing.prometheus("/api/v1/label/__name__/values")["data"])
    for panel in panels:
        asked = set(re.findall(r"shopstream_[a-z_]+", panel.query))
        assert asked <= known, panel.title
    drawn = [(panel, observing.query_range(panel.query)) for panel in panels]
    assert [panel.title for panel, series in drawn if series], "nothing to see"
    picture(uid, pictures.dashboard(title, drawn))


def picture(name: str, page: str) -> None:
    """Kept where SHOPSTREAM_TEST_PICTURES says."""
    if PICTURES:
        pictures.shoot(page, Path(PICTURES) / f"{name}.png")
