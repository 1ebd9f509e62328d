"""The stack in containers under shopctl: judged, broken, killed, paused, scaled, drilled, loaded, looked at."""

import json

import pytest

from tests.compose.containers import until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("scenario", ["flash-sale", "double-charge"])
def test_a_scenario_passes_healthy_and_fails_broken(shop, scenario):
    known = shop.told("scenario", "show", scenario)
    shop("scenario", "run", scenario, "--quick")
    shop("scenario", "run", scenario, "--quick", "--defect", known["defects"][0]["id"], codes=(1,))


def test_who_is_killed_or_paused_comes_back(shop):
    before = shop.rows()["orders-1"]
    shop("fault", "inject", "kill", "orders-1")
    until(lambda: shop.rows()["orders-1"]["state"] == "ready")
    assert shop.rows()["orders-1"]["restarts"] == before["restarts"] + 1
    shop("fault", "inject", "pause", "payments-1", "--for", "3")
    until(lambda: shop.rows()["payments-1"]["state"] == "ready")


def test_more_of_a_service_are_added_and_taken_away(shop):
    shop("up", "--scale", "search=2")
    assert shop.rows()["search-2"]["state"] == "ready"
    shop("up", "--scale", "search=1")
    assert "search-2" not in shop.rows()


def test_logs_mails_and_orders_are_told_as_on_the_local_profile(shop):
    assert "orders-1" in shop("logs", "orders")
    mails = shop.told("mail", "list")
    assert mails
    order = next(mail["order_id"] for mail in mails if mail.get("order_id"))
    assert shop.told("order", order)["order"]["id"] == order


def test_a_drill_is_held(shop):
    shop("drill", "start", "flash-sale", "--level", "1", "--seed", "7", "--quick")
    for look in ("brief", "hint", "status"):
        assert shop("drill", look)
    assert shop("drill", "report", codes=(1,)), "nobody did anything"


def test_locust_of_shopctl_buys_and_what_it_bought_is_right(shop):
    said = shop.any_verdict("load", "run", "checkout", "--users", "3", "--for", "20")
    results = {it["id"]: it for it in said["verdict"]["results"]}
    assert results.pop("LOAD-01")["checked"], "how fast a busy machine is does not matter here"
    assert not [it for it in results.values() if it["outcome"] == "FAIL"]


def test_locust_with_two_workers_buys(shop):
    load = ("--profile", "load")
    shop.compose(*load, "up", "--detach", "--no-deps", "--scale", "locust-worker=2", "locust-worker")
    said = shop.compose(
        *load, "run", "--rm", "--no-deps", "--use-aliases", "locust-master", "locust",
        "-f", "/opt/load/guests.py", "--master", "--expect-workers", "2", "--headless", "--host",
        "http://gateway:8000", "--users", "10", "--spawn-rate", "5", "--run-time", "20s", "--only-summary", "--json",
    )  # fmt: skip
    told = {it["name"]: it for it in json.loads("\n".join(said[said.index("[") :]))}
    assert told["order"]["num_requests"] > 0
    assert told["order"]["num_failures"] == 0
