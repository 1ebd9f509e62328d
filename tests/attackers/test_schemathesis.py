"""Schemathesis with all its checks: services and gateway keep to their own contracts, whatever they are sent."""

from contextlib import AsyncExitStack

import pytest

from shared.identity import HEADER
from tests.attackers.careless_shop import DOCUMENT, careless_shop
from tests.attackers.contract_fuzzing import direct, fuzz
from tests.attackers.credentials import access_token, desk, internal_token
from tests.attackers.whole_shop import whole_shop
from tests.support.apps import BEHIND
from tests.support.paying import psp_world
from tests.support.probes import whole

pytestmark = [pytest.mark.attackers, pytest.mark.timeout(3_600)]


@pytest.mark.parametrize("service", BEHIND)
async def test_a_service_keeps_to_its_contract(engines, prefix, tmp_path, service):
    async with AsyncExitStack() as opened:
        given = {}
        if service == "payments":  # asks its provider about cards
            given["psp_url"] = (await opened.enter_async_context(psp_world(tmp_path / "world"))).psp_url
        running = await opened.enter_async_context(whole(engines, service, prefix, **given))
        address = await opened.enter_async_context(desk(lambda: internal_token(running)))
        _, document = await running.call("GET", "/openapi/openapi.json")
        ended = await fuzz(direct(document), running.url, tmp_path, ATTACKER_DESK=address, ATTACKER_HEADER=HEADER)
    assert ended.code == 0, ended.output


async def test_the_gateway_keeps_to_the_contract_of_the_shop(engines, prefix, tmp_path):
    async with AsyncExitStack() as opened:
        shop = await opened.enter_async_context(whole_shop(engines, prefix))
        address = await opened.enter_async_context(desk(lambda: access_token(shop["auth"])))
        _, document = await shop["gateway"].call("GET", "/openapi/openapi.json", anonymous=True)
        ended = await fuzz(
            document, shop["gateway"].url, tmp_path,
            ATTACKER_DESK=address, ATTACKER_HEADER="Authorization", ATTACKER_SCHEME="Bearer ",
        )  # fmt: skip
    assert ended.code == 0, ended.output


async def test_a_careless_shop_is_found_out(tmp_path):
    async def nobody() -> str:
        return "nobody"

    async with careless_shop() as url, desk(nobody) as address:
        ended = await fuzz(
            DOCUMENT, url, tmp_path,
            ATTACKER_DESK=address, ATTACKER_HEADER="Authorization", ATTACKER_SCHEME="Bearer ",
        )  # fmt: skip
    assert ended.code == 1
    for found in (
        "Server error",
        "Undocumented status code",
        "Response violates schema",
        "API accepts requests without authentication",
    ):
        assert found in ended.output
