"""Every metric that a dashboard asks for is told by a running service, with the labels that are asked for."""

import re
from contextlib import AsyncExitStack

import pytest
from prometheus_client.parser import text_string_to_metric_families

from compose.containers import dashboards
from shared import metrics
from shared.probe_token import probe_token
from tests.support.services import INTERNAL_SECRET, served, topics

PROBE = {"Authorization": f"Bearer {probe_token(INTERNAL_SECRET)}"}
OF_THE_RESOURCE = {"service_name"}
"""What the collector makes of a process's resource."""
PANELS = [(title, panel) for title, panels in dashboards.DASHBOARDS.values() for panel in panels]
DECLARED = (metrics.REQUESTS, metrics.LATENCY_S, metrics.WORK_ITEMS, metrics.REMOTE_CALLS)


def families(query: str) -> set[str]:
    return {re.sub("_(total|bucket)$", "", name) for name in re.findall(r"shopstream_[a-z_]+", query)}


def labels(query: str) -> set[str]:
    grouped = {name.strip() for group in re.findall(r"by \(([^)]*)\)", query) for name in group.split(",")}
    return grouped | set(re.findall(r'[{,]\s*(\w+)[!=]~?=?"', query))


async def test_every_metric_of_a_dashboard_is_told_by_a_service(engines, prefix):
    told: set[str] = set()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(topics(engines, prefix))
        for name in ("orders", "gateway"):
            service = await stack.enter_async_context(served(engines, name, prefix=prefix))
            async with service.http.get(f"{service.url}/metrics", headers=PROBE) as answer:
                assert answer.status == 200
                told |= {family.name for family in text_string_to_metric_families(await answer.text())}
    asked = {name for _, panel in PANELS for name in families(panel.query)}
    assert asked
    assert asked <= told


@pytest.mark.parametrize(("title", "panel"), PANELS, ids=[f"{title}: {panel.title}" for title, panel in PANELS])
def test_a_panel_asks_for_labels_that_its_metric_has(title, panel):
    has = {name: set(it._labelnames) for it in DECLARED for name in (it._name,)}
    known = OF_THE_RESOURCE | {"le"}.union(*(has.get(name, set()) for name in families(panel.query)))
    assert labels(panel.query) <= known
    assert set(re.findall(r"{{(\w+)}}", panel.legend)) <= labels(panel.query)


def test_a_label_that_no_metric_has_is_found():
    assert labels('sum by (service, stat) (rate(shopstream_http_requests_total{code=~"5.."}[30s]))') == {
        "service", "stat", "code",
    }  # fmt: skip
