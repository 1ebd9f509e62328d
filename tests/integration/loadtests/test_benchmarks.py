"""Each benchmark that needs no fleet makes its report with tiny numbers, and the report is true of itself."""

import socket

import pytest

from compose import ports
from loadtests.benchmarks import endpoint_cost, gateway_overhead, hot_row, single_flight

pytestmark = pytest.mark.timeout(300)  # several processes start, which a busy machine does slowly

SPAN = 400
"""Ports that a benchmark uses from its base on."""
STACKS = (0, 10, 200)
"""Where in them the ports of what it starts begin."""


@pytest.fixture
def port_base():
    """A base from which the ports of a benchmark are free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        start = probe.getsockname()[1]
    engines = ports.ENGINE_OFFSETS.values()
    offsets = [*range(4), *(part + engine for part in STACKS for engine in engines), *STACKS]
    for base in range(20_000 + start % 10_000, 60_000, SPAN):
        if all(ports.is_free(base + offset) for offset in offsets):
            return base
    raise AssertionError("no ports are free")


async def test_a_service_beside_a_bare_handler(port_base):
    report = await endpoint_cost.measure(requests=20, rounds=1, connections=2, port_base=port_base, products=25)
    assert {one.beside for one in report.figures} == {
        "bare Litestar + asyncpg handler",
        "bare Litestar + asyncpg handler with its database",
    }
    assert report.service.requests_per_s > 0
    assert "catalog" in endpoint_cost.table(report)


async def test_readers_share_a_load(port_base):
    report = await single_flight.measure(readers=20, reads=2, expiries=2, port_base=port_base)
    assert len(report.loads) == 2
    assert all(1 <= loads <= 2 for loads in report.loads)
    assert report.hit_ratio == pytest.approx(1 - sum(report.loads) / 80)


async def test_a_gateway_beside_bare_proxies(port_base):
    report = await gateway_overhead.measure(requests=40, rounds=1, connections=4, port_base=port_base, redis_url="")
    assert report.gateway.requests_per_s > 0
    assert report.figures[0].goal == report.goal_added_us
    assert "is not installed" in gateway_overhead.table(report) or report.nginx is not None


async def test_every_reservation_that_was_acknowledged_is_stored(port_base):
    report = await hot_row.measure(buyers=4, seconds=0.3, rounds=1, port_base=port_base)
    assert [one.goal_of for one in report.figures] == ["ratio", "ratio"]
    assert report.in_process.per_s > 0
