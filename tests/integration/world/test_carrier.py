import asyncio

from scenarios.world.journals import read_journals
from tests.support.world import call, receiver, running_world, until

LABEL = {
    "merchant_reference": "shipment-1",
    "order_id": "order-1",
    "address": {"name": "A", "line1": "B 1", "city": "Berlin", "postal_code": "10115", "country": "DE"},
    "weight_g": 800,
}


def carrier_lines(folder, *kinds):
    return [line for line in read_journals(folder).carrier if line.kind in kinds]


async def make_label(world, *, key="k", expect=201, **changes):
    url = f"{world.carrier_url}/v1/labels"
    headers = {"Idempotency-Key": key}
    return (await call(world, "POST", url, json=LABEL | changes, headers=headers, expect=expect))[1]


async def hand_over(world, label, *, expect=200):
    url = f"{world.carrier_url}/v1/handovers"
    await call(world, "POST", url, json={"tracking_number": label["tracking_number"]}, expect=expect)


async def hurry(world, **behaviour):
    quick = {"in_transit_after_s": 0.05, "delivered_after_s": 0.05, **behaviour}
    await call(world, "PUT", f"{world.carrier_url}/control/behaviour", json=quick, expect=200)


async def test_rates_follow_country_and_weight(tmp_path):
    async with running_world(tmp_path) as world:
        url = f"{world.carrier_url}/v1/rates?country=DE&weight_g=1500"
        _, answer = await call(world, "GET", url, expect=200)
    assert [(it["service"], it["amount_minor"], it["currency"]) for it in answer["items"]] == [
        ("standard", 550, "EUR"),
        ("express", 1_210, "EUR"),
    ]


async def test_a_repeated_label_is_the_same_label(tmp_path):
    async with running_world(tmp_path) as world:
        labels = await asyncio.gather(*(make_label(world) for _ in range(5)))
        assert len({label["tracking_number"] for label in labels}) == 1
        assert len(carrier_lines(tmp_path, "label")) == 1
        await make_label(world, weight_g=900, expect=422)
        url = f"{world.carrier_url}/v1/labels?merchant_reference=shipment-1"
        _, found = await call(world, "GET", url, expect=200)
        assert len(found["items"]) == 1
        status, text = await call(world, "GET", labels[0]["label_url"])
        assert status == 200
        assert labels[0]["tracking_number"].encode() in text


async def test_a_parcel_travels_by_itself_and_reports_each_stage(tmp_path):
    async with receiver() as merchant, running_world(tmp_path, gateway_url=merchant.url) as world:
        await hurry(world)
        label = await make_label(world)
        await hand_over(world, label)
        await hand_over(world, label)
        await until(lambda: len(merchant.requests) == 3, "three webhooks")
        stages = [line.kind for line in carrier_lines(tmp_path, "handed_over", "in_transit", "delivered")]
    assert stages == ["handed_over", "in_transit", "delivered"]
    assert sorted(merchant.types()) == sorted(f"shipment.{stage}" for stage in stages)
    assert merchant.requests[0][0] == "/api/v1/webhooks/carrier"
    assert merchant.bodies[0]["data"]["shipment_id"] == "shipment-1"
    assert "X-Signature" in merchant.requests[0][3]


async def test_parcels_do_not_leave_before_they_are_handed_over(tmp_path):
    async with running_world(tmp_path) as world:
        await hurry(world)
        waiting, handed = await make_label(world), await make_label(world, key="k2", merchant_reference="s2")
        await hand_over(world, handed)
        await until(lambda: carrier_lines(tmp_path, "delivered"), "the delivery of the other one")
        delivered = {line.tracking_number for line in carrier_lines(tmp_path, "delivered")}
        assert waiting["tracking_number"] not in delivered


async def test_a_changed_programme_reaches_parcels_under_way(tmp_path):
    async with running_world(tmp_path) as world:
        await hurry(world, in_transit_after_s=3_600)
        await hand_over(world, await make_label(world))
        await hurry(world)
        await until(lambda: carrier_lines(tmp_path, "delivered"), "the delivery")


async def test_an_unknown_parcel_is_not_taken(tmp_path):
    async with running_world(tmp_path) as world:
        await hand_over(world, {"tracking_number": "TRK0"}, expect=404)


async def test_an_error_comes_before_the_label_and_the_retry_succeeds(tmp_path):
    async with running_world(tmp_path) as world:
        await hurry(world, error_rate=1.0)
        await make_label(world, expect=500)
        assert carrier_lines(tmp_path, "label") == []
        await make_label(world)


async def test_tracking_webhooks_are_copied_and_shuffled(tmp_path):
    async with receiver() as merchant, running_world(tmp_path, gateway_url=merchant.url) as world:
        await hurry(world, webhook_copies=2, webhook_shuffle=True)
        await hand_over(world, await make_label(world))
        await until(lambda: len(merchant.requests) == 6, "two copies of three webhooks")
        assert len({body["id"] for body in merchant.bodies}) == 3
