"""sqlmap on every list with parameters: nothing to inject, and the planted hole is found."""

import os

import msgspec
import pytest

from shared.fault_overlay import OverlayFile, PlantedDefect
from tests.attackers.credentials import access_token
from tests.attackers.signed_in import door
from tests.attackers.tools import Ended, run
from tests.attackers.whole_shop import whole_shop

pytestmark = [pytest.mark.attackers, pytest.mark.timeout(7_200)]

LEVEL = os.environ.get("SHOPSTREAM_SQLMAP_LEVEL", "3")
RISK = os.environ.get("SHOPSTREAM_SQLMAP_RISK", "2")
DEADLINE_S = 3_600.0
ID = "0198a000-0000-7000-8000-000000000001"
FOUND = "sqlmap identified the following injection point"
NOT_FOUND = "all tested parameters do not appear to be injectable"
LISTS = {
    "search": "/search?q=lamp&category=household&min_price=1&max_price=9&option=size%3AM&seller=s&sort=title&limit=5",
    "suggestions": "/search/suggest?q=lam",
    "catalog": f"/products?q=lamp&category=household&skus=A&ids={ID}&currency=EUR&limit=5",
    "product": "/products/lamp",
    "orders": f"/orders?status=paid&limit=5&customer_id={ID}",
    "export": "/orders/export?since=2026-11-01&until=2026-11-28",
    "payments": f"/payments?order_id={ID}&limit=5",
    "shipments": f"/shipments?order_id={ID}&limit=5",
    "users": "/users?q=a&role=customer&limit=5",
    "audit log": "/auth/security-events?kind=login&subject=a&limit=5",
    "stock": "/stock?skus=A",
    "low stock": "/stock/low?limit=5",
    "disputes": "/disputes?status=open&limit=5",
}


async def inject(url: str, directory) -> Ended:
    """Attack what a query gives, or the end of the path where there is none."""
    return await run(
        "sqlmap", "-u", url if "?" in url else f"{url}*", "--batch", "--level", LEVEL, "--risk", RISK,
        "--dbms", "PostgreSQL", "--time-sec", "3", "--flush-session", "--disable-coloring", "--ignore-code", "*",
        "--skip-waf", "--output-dir", str(directory / "out"),
        cwd=directory, deadline_s=DEADLINE_S,
    )  # fmt: skip


@pytest.mark.parametrize("path", LISTS.values(), ids=LISTS)
async def test_nothing_can_be_injected_into(engines, prefix, tmp_path, path):
    async with (
        whole_shop(engines, prefix) as shop,
        door(shop["gateway"].url, lambda: access_token(shop["auth"])) as entrance,
    ):
        ended = await inject(f"{entrance.url}/api/v1{path}", tmp_path)
    assert FOUND not in ended.output, ended.output
    assert NOT_FOUND in ended.output, ended.output
    assert (entrance.broken, entrance.statuses[401], entrance.statuses[429]) == (0, 0, 0)


async def test_the_planted_hole_is_found(engines, prefix, tmp_path):
    overlay = tmp_path / "overlay.json"
    overlay.write_bytes(msgspec.json.encode(OverlayFile((PlantedDefect("search-words-as-sql"),))))
    async with (
        whole_shop(engines, prefix, overlay_file=str(overlay)) as shop,
        door(shop["gateway"].url, lambda: access_token(shop["auth"])) as entrance,
    ):
        ended = await inject(f"{entrance.url}/api/v1/products?q=lamp", tmp_path)
    assert FOUND in ended.output, ended.output
