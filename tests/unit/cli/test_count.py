"""`shopctl test`: what it counts, and what it refuses."""

import json

from cli.test import CATEGORIES


def test_tests_are_counted_by_category(shopctl) -> None:
    said = shopctl("test", "saga", "consumer", "--count", "--json")
    counts = {row["category"]: row["count"] for row in json.loads(said.out)}
    assert said.code == 0
    assert list(counts) == [*CATEGORIES, "other", "all"]
    assert counts["saga"] > 0
    assert counts["consumer"] > 0
    assert counts["unit"] == counts["other"] == 0
    assert counts["all"] == counts["saga"] + counts["consumer"]


def test_a_category_that_nobody_knows_is_refused(shopctl) -> None:
    said = shopctl("test", "frob", "--count")
    assert (said.code, said.lines[0]) == (2, "There is no test category frob.")
