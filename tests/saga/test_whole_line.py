"""The main line, as a customer and an operator walk it: up, seed, buy, a broken sale, repair, the books, down.

The tests that run the whole fleet. What it must not do: judge timing; the machine may be busy.
"""

import http.client
import itertools
import json
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compose.control import Control
from scenarios.drilling.draw import draw
from scenarios.drills import scenario
from scenarios.preparation import processes_of
from scenarios.soak import FORK_PARENT, SCALE, kill_order
from tests.support.operator import Operator, running_fleet

pytestmark = [
    pytest.mark.timeout(360),
    pytest.mark.service("orders", "inventory", "payments", "shipping", "notifications"),
]
ADDRESS = {"name": "Ann", "line1": "1 Road", "city": "Dublin", "postal_code": "D02 X285", "country": "IE"}
SETTLED_DEADLINE_S = 40.0
DRILLED = scenario("flash-sale").defect("read-then-write")
LEVEL = 3
DRILL_SEED = next(seed for seed in range(1_000) if draw(scenario("flash-sale"), level=LEVEL, seed=seed).card is DRILLED)
KILLED = {"fork-parent", "kafka", "payments-1"}
TELLING = (DRILLED.id, DRILLED.id.replace("-", "_"), DRILLED.title)


def call(port: int, path: str, body: object = None, **headers: str) -> tuple[Any, dict[str, str]]:
    """One request to the gateway: what it answered, and its headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(
            "GET" if body is None else "POST",
            f"/api/v1{path}",
            body=None if body is None else json.dumps(body),
            headers={"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()},
        )
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def failed(verdict: Any) -> dict[str, str]:
    """The invariants that failed, each with its first example."""
    return {r["id"]: r["first"]["message"] for r in verdict["results"] if r["outcome"] == "FAIL"}


def files_that_name_the_defect(home: Path, *, beside: set[str], since: float) -> list[Path]:
    """Whatever was written since then, but for the page that lists every cause there is."""
    return [
        path
        for path in home.rglob("*")
        if path.is_file()
        and path.name not in beside
        and path.stat().st_mtime >= since
        and any(name.encode() in path.read_bytes() for name in TELLING)
    ]


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with running_fleet(tmp_path_factory, "--scale", "inventory=2") as one:
        yield one


def test_a_customer_buys_through_the_gateway_and_the_story_has_one_trace(operator: Operator) -> None:
    gateway = operator.gateway
    person = {"email": "ann@example.com", "password": "blue-whale-77-sky", "name": "Ann"}
    call(gateway, "/auth/register", person)
    until = time.monotonic() + SETTLED_DEADLINE_S
    while not (letter := operator.shopctl("mail", "show", "--to", person["email"])).stdout:
        assert time.monotonic() < until, letter.stderr
    (token,) = re.findall(r"^[\w-]{64}$", letter.stdout, re.MULTILINE)
    call(gateway, "/auth/register/confirm", {"token": token})
    session, _ = call(gateway, "/auth/login", {"email": person["email"], "password": person["password"]})
    bearer = f"Bearer {session['access_token']}"
    found, _ = call(gateway, "/search?q=jacket")
    assert found["items"]
    call(gateway, "/cart/items", {"sku": "SKU-00001-M", "quantity": 2}, authorization=bearer)
    (order, headers), (again, replayed) = (
        call(
            gateway,
            "/orders",
            {"payment_method": "tok_visa", "shipping_address": ADDRESS},
            authorization=bearer,
            idempotency_key="my-first-order",
        )
        for _ in range(2)
    )
    assert (again["id"], replayed["idempotency-replayed"]) == (order["id"], "true")
    until = time.monotonic() + SETTLED_DEADLINE_S
    while (status := call(gateway, f"/orders/{order['id']}", authorization=bearer)[0]["status"]) != "completed":
        assert time.monotonic() < until, status
        time.sleep(0.2)
    story = operator.told("order", order["number"])
    assert story["order"]["trace_id"] == headers["x-trace-id"]
    assert {"orders", "inventory", "payments", "shipping", "notifications", "psp", "carrier", "smtp", "kafka"} <= {
        chapter["where"] for chapter in story["chapters"]
    }
    bars = operator.told("trace", headers["x-trace-id"])
    assert {"gateway", "orders", "inventory", "payments", "shipping", "notifications"} <= {
        bar["service"] for bar in bars
    }
    mails = operator.told("mail", "list", "--to", "ann@example.com")
    assert mails


def test_a_broken_sale_is_caught_repaired_once_and_the_next_one_is_clean(operator: Operator) -> None:
    broken = operator.told("scenario", "run", "flash-sale", "--quick", "--defect", "read-then-write")
    assert broken["verdict"]["outcome"] == "FAIL"
    assert {"INV-01", "INV-02"} & set(failed(broken["verdict"]))
    assert (Path(broken["directory"]) / "report.html").stat().st_size > 10_000
    repaired = operator.told("repair", "oversell", "--apply")
    assert failed(repaired["judged"]["verdict"]) == {}
    again = operator.told("repair", "oversell", "--apply")
    assert (again["plan"]["skus"], again["done"]["orders_cancelled"], again["done"]["letters_redriven"]) == ([], 0, 0)
    healthy = operator.told("scenario", "run", "flash-sale", "--quick", "--seed", "2")
    assert failed(healthy["verdict"]) == {}
    books = operator.shopctl("invariants")
    assert books.returncode == 0, books.stdout


def test_the_healthy_shop_charges_once_and_a_double_charge_is_caught(operator: Operator) -> None:
    healthy = operator.told("scenario", "run", "double-charge", "--quick")
    assert failed(healthy["verdict"]) == {}
    broken = operator.told("scenario", "run", "double-charge", "--quick", "--defect", "new-key-per-retry")
    assert "INV-05" in failed(broken["verdict"])
    charged_twice = next(result for result in broken["verdict"]["results"] if result["id"] == "INV-05")
    repaired = operator.told("repair", "charges", "--apply")
    truth = {one["order_id"] for one in charged_twice["examples"] if one["kind"] == "captured_twice"}
    assert {order["order_id"] for order in repaired["plan"]["orders"]} >= truth
    assert failed(repaired["judged"]["verdict"]) == {}
    again = operator.told("repair", "charges", "--apply")
    assert (again["plan"]["orders"], again["done"]["captures_returned"]) == ([], 0)


def _seed_of_kills(operator: Operator) -> int:
    """One of a soak that kills these; which processes there are depends on what was played before."""
    running = [process["name"] for process in Control(operator.layout).processes()]
    names = [*processes_of(running, SCALE), FORK_PARENT.target]
    return next(
        seed
        for seed in itertools.count()
        if set(itertools.islice(kill_order(names, random.Random(seed)), len(KILLED))) == KILLED
    )


def test_killed_processes_come_back_and_nothing_acknowledged_is_lost(operator: Operator) -> None:
    soak = operator.told("scenario", "soak", "--kills", "3", "--per-leg", "3", "--seed", str(_seed_of_kills(operator)))
    (leg,) = soak["legs"]
    assert (leg["failed"], leg["weaknesses"], soak["lost"]) == ([], [], 0)
    assert soak["acknowledged"] > 0
    assert {it["process"] for it in leg["recoveries"]} == KILLED
    assert all(it["ready_s"] and all(it["journeys_s"].values()) for it in leg["recoveries"])
    assert (Path(soak["directory"]) / "soak.html").stat().st_size > 5_000


def test_what_a_consumer_swallowed_is_given_to_it_again_once_and_nobody_is_told_twice(operator: Operator) -> None:
    broken = operator.told("scenario", "run", "event-chaos", "--quick", "--defect", "swallow-and-commit")
    assert {"INV-14", "INV-18"} <= failed(broken["verdict"]).keys()
    counts = {result["id"]: result.get("counts", {}) for result in broken["verdict"]["results"]}
    repaired = operator.told("repair", "events", "--apply")
    (planned,) = repaired["plan"]["consumers"]
    assert planned["consumer"] == "inventory"
    assert len(planned["missing"]) == counts["INV-14"]["never_applied"] == repaired["done"]["applied"]
    assert len(planned["poison"]) == counts["INV-18"]["poison_not_set_aside"]
    assert failed(repaired["judged"]["verdict"]) == {}
    again = operator.told("repair", "events", "--apply")
    assert (again["plan"]["consumers"], again["done"]["applied"], again["done"]["redriven"]) == ([], 0, 0)


def test_a_responder_finds_repairs_and_proves_and_a_restart_alone_does_not_count(operator: Operator) -> None:
    began_at = time.time()
    words = ("flash-sale", "--level", str(LEVEL), "--seed", str(DRILL_SEED), "--quick")
    try:
        started = operator.told("drill", "start", *words)
        assert started["brief"]["alerts"]
        assert started["brief"]["gaps"]
        assert files_that_name_the_defect(operator.home, beside={"brief.html"}, since=began_at) == []
        review = _responded(operator)
    finally:
        operator.shopctl("drill", "report")
    assert (review["complete"], review["cause"]) == (True, DRILLED.id)
    assert (review["named"]["precision"], review["named"]["recall"]) == (1.0, 1.0)
    assert 50 <= review["score"]["total"] <= 100 - 5 - 8
    assert DRILLED.id in Path(review["page"]).read_text()
    assert json.loads((operator.home / "overlay.json").read_text()) == {}


def _responded(operator: Operator) -> Any:
    """What a person would do, a wrong turn and a hint included; gives the review."""
    assert not operator.told("drill", "submit", "--service", "payments")["right"]
    assert operator.told("drill", "hint")["hint"] == 1
    assert operator.told("drill", "submit", "--service", "inventory", "--cause", DRILLED.id)["right"]
    assert operator.shopctl("restart", "inventory").returncode == 0
    merely_restarted = operator.told("drill", "status")
    assert merely_restarted["phases"]["repair"] is None
    refused = " ".join(merely_restarted["refused"]["repair"])
    assert any(invariant in refused for invariant in DRILLED.caught_by)
    planned = operator.told("repair", "oversell")["plan"]
    affected = {order_id for sku in planned["skus"] for order_id in sku["cancel"]}
    assert operator.told("repair", "oversell", "--apply")["done"]["refused"] == {}
    operator.told("drill", "submit", "--impact", ",".join(affected) or "none")
    repaired = operator.told("drill", "status")
    assert repaired["refused"] == {}
    assert repaired["phases"]["repair"] is not None
    proved = operator.told("drill", "prove")
    assert (proved["outcome"], proved["refusals"]) == ("PASS", [])
    return operator.told("drill", "report")
