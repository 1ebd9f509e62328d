"""CPU-ms of one order from the cart until it is paid and shipped, over the whole fleet and its engines.

What the same processes use at rest is taken off; the client is none of them. Orders come at a constant pace, once
through the cart and once with their goods in the request, and are over when every consumer has applied `order.shipped`.
The floor is a bare Litestar + asyncpg handler that inserts the same order and its line in one transaction, at the same
pace, before and after. Run: `python -m loadtests.benchmarks.checkout_cost [--json FILE]`.
"""

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import uvloop

from loadtests.benchmarks.bare_shop import BareShop, bare_shop
from loadtests.benchmarks.buying import Accepted, Shop, own_shop
from loadtests.benchmarks.event_latency import applied_by
from loadtests.benchmarks.own_fleet import SEED, Idle, fleet_cpu, idle
from loadtests.benchmarks.own_process import START_LIMIT_S
from loadtests.benchmarks.posting import Poster
from loadtests.benchmarks.process_cpu import CpuSeconds, less_idle, ms_each, of_kinds, spent
from loadtests.benchmarks.reporting import Figure, all_reached, figure, tell
from scenarios import seeding

GOAL_MS = 60.0
GOODS = 50
LAST_EVENT = "order.shipped"
WARM_UP_ORDERS = 60
BARE_PORTS = 200
BARE_PRODUCTS = 50
BARE_CONNECTIONS = 8


class Measured(msgspec.Struct, frozen=True):
    """CPU-ms per order, all and by kind and process (PostgreSQL's backends by whom they serve), the largest first."""

    all: float
    services: float
    engines: float
    others: float
    processes: dict[str, float]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`put_off` counts orders that got no place (503, 504); with any of them no goal is reached."""

    benchmark: str = "checkout_cost"
    orders: int
    put_off: int
    per_s: float
    idle_percent: float
    floor: float
    through_cart: Measured
    direct: Measured
    goal_ms: float = GOAL_MS

    @property
    def figures(self) -> tuple[Figure, ...]:
        beside = ("bare Litestar + asyncpg handler with its database, one transaction", self.floor)
        rows = (
            ("cart → paid → shipped: whole fleet and engines", self.through_cart.all, self.goal_ms),
            ("… its services", self.through_cart.services, None),
            ("… its engines", self.through_cart.engines, None),
            ("the same with the goods in the order instead of a cart", self.direct.all, None),
        )
        return tuple(
            figure(f"one order, {what}", "CPU-ms", measured=amount, beside=beside, goal=goal)
            for what, amount, goal in rows
        )

    @property
    def reached(self) -> bool:
        return not self.put_off and all_reached(self.figures)


async def measure(*, per_s: float, orders: int, idle_s: float, port_base: int) -> Report:
    """Boot a fleet of its own and the bare handler, order, wait until all is shipped; stop both."""
    seconds = orders / per_s
    with tempfile.TemporaryDirectory(prefix="checkout-cost-") as directory:
        home = Path(directory)
        async with (
            own_shop(home / "home", port_base=port_base, goods=GOODS) as shop,
            bare_shop(
                home / "bare",
                port_base=port_base + BARE_PORTS,
                products=seeding.products(BARE_PRODUCTS, random.Random(SEED)),
            ) as bare,
        ):
            warm = [order for order in await shop.orders(per_s=per_s, seconds=WARM_UP_ORDERS / per_s) if order]
            await applied_by(shop, LAST_EVENT, warm)
            at_rest = await idle(shop.stack, seconds=idle_s)
            floor = [await bare_orders(bare, per_s=per_s, seconds=seconds / 2)]
            direct, put_off = await _ordered(shop, at_rest, per_s=per_s, seconds=seconds, through_cart=False)
            through_cart, put_off_too = await _ordered(shop, at_rest, per_s=per_s, seconds=seconds, through_cart=True)
            floor.append(await bare_orders(bare, per_s=per_s, seconds=seconds / 2))
    return Report(
        orders=orders,
        put_off=put_off + put_off_too,
        per_s=per_s,
        idle_percent=round(at_rest.percent_of_a_core, 1),
        floor=round(sum(floor) / len(floor), 2),
        through_cart=through_cart,
        direct=direct,
    )


async def _ordered(
    shop: Shop, at_rest: Idle, *, per_s: float, seconds: float, through_cart: bool
) -> tuple[Measured, int]:
    """What the orders cost until the last of them is shipped and known to be, and how many were put off."""
    before, began = fleet_cpu(shop.stack), time.monotonic()
    asked = await shop.orders(per_s=per_s, seconds=seconds, through_cart=through_cart)
    accepted: list[Accepted] = [order for order in asked if order is not None]
    await applied_by(shop, LAST_EVENT, accepted)
    used, took_s = spent(before, fleet_cpu(shop.stack)), time.monotonic() - began
    net = less_idle(used, seconds=took_s, idle=at_rest.used, idle_seconds=at_rest.seconds)
    return per_order(net, shop, len(accepted)), len(asked) - len(accepted)


def per_order(used: CpuSeconds, shop: Shop, orders: int) -> Measured:
    """Milliseconds of each kind of process."""
    each = ms_each(used, orders)
    kinds = {
        name: round(of_kinds(each, shop.stack, *kinds), 1)
        for name, kinds in (("services", ("service",)), ("engines", ("engine",)), ("others", ("world", "supervisor")))
    }
    return Measured(round(sum(each.values()), 1), **kinds, processes=each)


async def bare_orders(bare: BareShop, *, per_s: float, seconds: float) -> float:
    """CPU-ms per order of the bare handler and its database."""
    poster = Poster(bare.url, "/orders", {})
    count = max(1, int(per_s * seconds))
    bodies = [bare.order(sku=sku) for sku in itertools.islice(itertools.cycle(bare.skus), count)]
    async with poster.opened(BARE_CONNECTIONS, limit_s=START_LIMIT_S), asyncio.TaskGroup() as group:
        before, began = bare.cpu_s(), time.monotonic()
        asked: list[asyncio.Task[None]] = []
        for number, body in enumerate(bodies):
            await asyncio.sleep(max(0.0, began + number / per_s - time.monotonic()))
            asked.append(group.create_task(poster.post(body)))
        await asyncio.gather(*asked)
        return sum(spent(before, bare.cpu_s()).values()) * 1000 / len(bodies)


def table(report: Report) -> str:
    """The report for people."""
    lines = [f"{'CPU-ms per order':22}{'all':>8}{'services':>10}{'engines':>9}{'others':>8}"]
    rows = {"through the cart": report.through_cart, "goods in the order": report.direct}
    lines += [
        f"{name:22}{row.all:8.1f}{row.services:10.1f}{row.engines:9.1f}{row.others:8.1f}" for name, row in rows.items()
    ]
    lines += [f"  {ms:6.1f} {name}" for name, ms in report.through_cart.processes.items() if abs(ms) >= 0.1]
    lines.append(
        f"{report.orders} orders of each kind at {report.per_s:g}/s, {report.put_off} put off; at rest "
        f"{report.idle_percent:.1f} % of a core, taken off"
    )
    return "\n".join(lines)


def main() -> int:
    """0 when the goal was reached, 1 when it was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="orders per second")
    parser.add_argument("--orders", type=int, default=600, help="of each kind")
    parser.add_argument("--idle-seconds", type=float, default=25.0)
    parser.add_argument("--port-base", type=int, default=26_000)
    parser.add_argument("--json", type=Path, help="write the report here")
    given = parser.parse_args()
    report = uvloop.run(
        measure(per_s=given.rate, orders=given.orders, idle_s=given.idle_seconds, port_base=given.port_base)
    )
    return tell(table(report), report, given.json)


if __name__ == "__main__":
    sys.exit(main())
