"""Each service scaled to two, one of them killed, and back to one, while people shop: nobody is failed by it.

The order is that of an operator who expects the kill: with one instance alone there is nothing that could answer while
it starts again.
"""

import asyncio
import time
from collections import Counter

import pytest

from compose import stack
from scenarios.faults.processes import Kill, wait_ready
from scenarios.fleet import Fleet
from tests.support.operator import Operator
from tests.support.services import until
from tests.support.traffic import Asked, Traffic, shopping

pytestmark = [pytest.mark.drills, pytest.mark.timeout(600)]

SERVICES = [service.name for service in stack.load().services]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_scaled_and_killed_under_traffic_and_nobody_is_failed(
    operator: Operator, service: str, pytestconfig: pytest.Config
) -> None:
    traffic = asyncio.run(_scaled_and_killed(operator, service))
    struck, beyond = traffic.failures()
    pytestconfig.get_terminal_writer().line(
        f"{service}: {len(traffic.asked)} requests, {len(traffic.acknowledged)} orders acknowledged, "
        f"failed {len(struck)} in flight at the kill and {len(beyond)} beyond"
    )
    assert beyond == [], _told(beyond, traffic)
    kept = _statuses(operator)
    assert traffic.acknowledged
    assert traffic.acknowledged - set(kept) == set()
    assert {kept[order] for order in traffic.acknowledged} == {"completed"}


async def _scaled_and_killed(operator: Operator, service: str) -> Traffic:
    """What people were answered meanwhile; afterwards every order of theirs has come to its end."""
    async with Fleet.running(operator.home) as fleet, shopping(fleet) as traffic:
        await fleet.supervise("scale", service=service, count=2)
        first, second = sorted([it["name"] for it in await fleet.instances(service)])
        await _listen(fleet, service, traffic)
        await traffic.goes_on()
        at = time.monotonic()
        gone, probe = await Kill(first).bite(fleet)
        assert gone, probe
        traffic.killed_at.append((at, time.monotonic()))
        await traffic.goes_on()
        await wait_ready(fleet, first)
        await wait_ready(fleet, second)
        await traffic.goes_on()
        if service == "gateway":
            del traffic.gateways[1:]  # whoever has two addresses is told before one goes
        await fleet.supervise("scale", service=service, count=1)
        await traffic.goes_on()
    await until(lambda: _ended(operator, traffic), deadline_s=120, every_s=1.0)
    return traffic


async def _listen(fleet: Fleet, service: str, traffic: Traffic) -> None:
    """A second gateway is another address; of every other service the gateway finds the second itself."""
    if service == "gateway":
        traffic.gateways[:] = [it["port"] for it in await fleet.instances(service)]


async def _ended(operator: Operator, traffic: Traffic) -> bool:
    statuses = await asyncio.to_thread(_statuses, operator)
    return {statuses.get(order) for order in traffic.acknowledged} <= {"completed", "cancelled", None}


def _statuses(operator: Operator) -> dict[str, str]:
    """Of every order that is stored."""
    return {row["id"]: row["status"] for row in operator.rows("orders", "SELECT id::text, status FROM orders")}


def _told(failed: list[Asked], traffic: Traffic) -> str:
    """The failures for people: what, how often, and when after the kill."""
    kinds = Counter((one.what, one.status, one.code) for one in failed)
    ((killed_at, _),) = traffic.killed_at
    when = [round(one.began - killed_at, 2) for one in failed[:10]]
    return f"{dict(kinds)}, begun so many seconds after the kill: {when}"
