"""A scripted responder plays the flash sale's drill from the alert to the review, with what a person would have.

A fleet of its own, because a drill restarts services and ends with nothing planted. What it must not do: judge timing.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from scenarios.drilling.draw import causes, draw
from scenarios.drills import scenario
from tests.saga.test_whole_line import Operator, operator

__all__ = ["operator"]

pytestmark = pytest.mark.timeout(600)
INCIDENT = "flash-sale"
CAUSE = "read-then-write"
LEVEL = 3
SEED = next(seed for seed in range(1_000) if draw(scenario(INCIDENT), level=LEVEL, seed=seed).cause == CAUSE)
TELLING = {CAUSE, CAUSE.replace("-", "_"), scenario(INCIDENT).defect(CAUSE).title}


def told(operator: Operator, *words: str) -> Any:
    return operator.told("drill", *words)


def files_that_name_it(home: Path, *, beside: set[str]) -> list[Path]:
    """What of a home names the defect, but for the page that lists every cause there is."""
    return [
        path
        for path in home.rglob("*")
        if path.is_file() and path.name not in beside and any(name.encode() in path.read_bytes() for name in TELLING)
    ]


def test_a_responder_finds_repairs_and_proves_and_no_cheat_on_the_way_counts(operator: Operator) -> None:
    started = told(operator, "start", INCIDENT, "--level", str(LEVEL), "--seed", str(SEED), "--quick")
    assert started["brief"]["alerts"]
    assert started["brief"]["gaps"]
    assert set(started["causes"]) == set(causes(scenario(INCIDENT)))
    assert files_that_name_it(operator.home, beside={"brief.html"}) == []
    assert not any(name in operator.shopctl("status").stdout for name in TELLING)

    assert not told(operator, "submit", "--service", "payments")["right"]
    assert told(operator, "hint")["hint"] == 1
    assert told(operator, "submit", "--service", "inventory", "--cause", CAUSE)["right"]

    assert operator.shopctl("restart", "inventory").returncode == 0
    merely_restarted = told(operator, "status")
    assert merely_restarted["phases"]["repair"] is None
    assert "INV-02" in " ".join(merely_restarted["refused"]["repair"])

    affected = {order_id for sku in operator.told("repair", "oversell")["plan"]["skus"] for order_id in sku["cancel"]}
    assert operator.told("repair", "oversell", "--apply")["done"]["refused"] == {}
    told(operator, "submit", "--impact", ",".join(affected) or "none")
    repaired = told(operator, "status")
    assert repaired["refused"] == {}
    assert repaired["phases"]["repair"] is not None

    proved = told(operator, "prove")
    assert (proved["outcome"], proved["refusals"]) == ("PASS", [])
    review = told(operator, "report")
    assert (review["complete"], review["cause"]) == (True, CAUSE)
    assert (review["named"]["precision"], review["named"]["recall"]) == (1.0, 1.0)
    assert 50 <= review["score"]["total"] <= 100 - 5 - 8
    assert CAUSE in Path(review["page"]).read_text()
    assert json.loads((operator.home / "overlay.json").read_text()) == {}
    assert operator.shopctl("drill", "status").returncode == 3
