"""Wapiti on the shop by its contract: it finds nothing worse than a remark, and finds the holes of a careless shop."""

import json

import pytest

from tests.attackers.careless_shop import careless_shop
from tests.attackers.credentials import access_token
from tests.attackers.signed_in import door
from tests.attackers.tools import run
from tests.attackers.whole_shop import whole_shop

pytestmark = [pytest.mark.attackers, pytest.mark.timeout(7_200)]

MODULES = "exec,file,sql,timesql,xss,permanentxss,redirect,crlf,xxe,csp,cookieflags,methods,backup,htaccess,ldap"
"""Those that need nothing but the shop; ssrf and log4shell wait for a call at a server of the tool's makers."""
DEADLINE_S = 3_600.0


async def scan(url: str, directory, *options: str, modules: str = MODULES) -> dict[str, list[dict]]:
    """What was found, by kind; kinds without a finding are left out."""
    report = directory / "report.json"
    ended = await run(
        "wapiti3", "-u", f"{url}/", "-m", modules, "--flush-session", "--no-bugreport", "--scope", "folder",
        "--max-scan-time", "1500", "--max-attack-time", "600", "--tasks", "4", "-f", "json", "-o", str(report),
        "--store-session", str(directory / "session"), *options,
        cwd=directory, deadline_s=DEADLINE_S,
    )  # fmt: skip
    assert report.exists(), ended.output
    return {kind: found for kind, found in json.loads(report.read_text())["vulnerabilities"].items() if found}


async def test_nothing_is_found_in_the_shop(engines, prefix, tmp_path):
    async with (
        whole_shop(engines, prefix) as shop,
        door(shop["gateway"].url, lambda: access_token(shop["auth"])) as entrance,
    ):
        _, document = await shop["gateway"].call("GET", "/openapi/openapi.json", anonymous=True)
        contract = tmp_path / "openapi.json"
        contract.write_text(json.dumps({**document, "servers": [{"url": entrance.url}]}))
        found = await scan(entrance.url, tmp_path, "--swagger", str(contract))
    assert entrance.statuses[200] > 0
    assert found == {}
    assert entrance.broken == 0


async def test_the_holes_of_a_careless_shop_are_found(engines, tmp_path):
    async with careless_shop(engines.postgres) as url:
        found = await scan(url, tmp_path, modules="sql,xss")
    assert {"SQL Injection", "Reflected Cross Site Scripting"} <= set(found), found
