"""A parcel is redirected while its label is being bought: the label says where the parcel goes, whoever wins."""

import asyncio
from uuid import uuid4

import msgspec
import pytest

from scenarios.world.fingerprints import fingerprint_of
from shared.contracts import Address
from shared.identity import Principal
from tests.support.sending import CUSTOMER, a_paid_order, depot, label_wish, planned, reopened, shipment_id_of
from tests.support.services import until

pytestmark = pytest.mark.service("shipping")

OWNER = Principal(subject=str(CUSTOMER), roles=frozenset({"customer"}))
ELSEWHERE = {"name": "B", "line1": "Way 2", "city": "Bonn", "postal_code": "53111", "country": "DE"}


async def redirect(house, order, *, principal=OWNER, **more):
    path = f"/api/v1/shipments/{shipment_id_of(order)}/address"
    status, body = await house.service.call("PUT", path, json={**ELSEWHERE, **more}, principal=principal)
    return (status, "") if status == 200 else (status, body["code"])


async def test_of_sixty_parcels_redirected_while_they_are_labelled_each_goes_where_its_label_says(
    engines, prefix, tmp_path
):
    async with depot(engines, prefix, tmp_path, role="api") as house:
        orders = [a_paid_order() for _ in range(60)]
        await planned(house, *orders)
        async with reopened(engines, prefix, house.world, house.database_url, instance="shipping-2") as other:
            answers = await asyncio.gather(
                *(redirect(one, order) for order, one in zip(orders, [house, other] * 30, strict=True))
            )
            for order in orders:
                await until(lambda order=order: house.journal(order, "label"))
        assert set(answers) <= {(200, ""), (409, "address_fixed")}
        for order, (status, _) in zip(orders, answers, strict=True):
            row = await house.connection.fetchrow("SELECT * FROM shipments WHERE order_id = $1", order.order_id)
            address = msgspec.json.decode(row["address"])
            assert (address["city"] == "Bonn") == (status == 200)
            asked = label_wish(row, msgspec.convert(address, Address))
            (label,) = house.journal(order, "label")
            assert label.fingerprint == fingerprint_of("/v1/labels", asked)


async def test_a_parcel_is_redirected_by_its_owner_within_its_country_until_its_label_is_bought(
    engines, prefix, tmp_path
):
    stranger = Principal(subject=str(uuid4()), roles=frozenset({"customer"}))
    async with depot(engines, prefix, tmp_path, role="api") as house:
        order = a_paid_order()
        await planned(house, order)
        assert await redirect(house, order, principal=stranger) == (404, "unknown_shipment")
        assert await redirect(house, order, country="FR", postal_code="75001") == (422, "invalid_address")
        assert await redirect(house, order, postal_code="5311") == (422, "invalid_address")
        assert await redirect(house, order) == (200, "")
        async with reopened(engines, prefix, house.world, house.database_url, handover_delay_s=60.0) as working:
            await working.reaches(order, "labelled")
            assert await redirect(working, order) == (409, "address_fixed")
