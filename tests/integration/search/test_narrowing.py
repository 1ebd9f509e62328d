"""Filters by option, attribute and seller, and what their facets count."""

import pytest

from tests.support.searching import found, item, shop, titles

pytestmark = pytest.mark.service("search")

CHAIRS = (
    item("Oak chair", "C-1", options={"colour": "red"}, attributes={"material": "oak", "legs": "4"}, seller_id="ann"),
    item("Oak stool", "C-2", options={"colour": "blue"}, attributes={"material": "oak", "legs": "3"}, seller_id="bob"),
    item("Pine chair", "C-3", options={"colour": "red"}, attributes={"material": "pine", "legs": "4"}),
    item("Plain box", "C-4"),
)


def counted(rows):
    return sorted((row["name"], row["value"], row["count"]) for row in rows)


async def test_values_of_one_name_widen_and_names_narrow(engines, prefix, indexes):
    async with shop(engines, prefix, CHAIRS) as (_, search):
        for narrowed, expected in (
            ({"attribute": "material:oak"}, ["Oak chair", "Oak stool"]),
            ({"attribute": ["material:oak", "material:pine"]}, ["Oak chair", "Oak stool", "Pine chair"]),
            ({"attribute": ["material:oak", "legs:4"]}, ["Oak chair"]),
            ({"option": "colour:red"}, ["Oak chair", "Pine chair"]),
            ({"option": ["colour:red", "colour:blue"], "attribute": "legs:3"}, ["Oak stool"]),
            ({"option": "colour:green"}, []),
            ({"seller": "ann"}, ["Oak chair"]),
            ({"seller": ["ann", "bob"]}, ["Oak chair", "Oak stool"]),
            ({"seller": "ann", "attribute": "material:pine"}, []),
            ({"q": "oak"}, ["Oak chair", "Oak stool"]),
        ):
            assert await titles(search, sort="title", **narrowed) == expected, narrowed


async def test_a_facet_counts_as_if_its_own_name_were_not_filtered_by(engines, prefix, indexes):
    async with shop(engines, prefix, CHAIRS) as (_, search):
        body = await found(search, attribute="material:oak")
        assert body["total"] == 2
        assert counted(body["facets"]["attributes"]) == [
            ("legs", "3", 1), ("legs", "4", 1), ("material", "oak", 2), ("material", "pine", 1),
        ]  # fmt: skip
        assert counted(body["facets"]["options"]) == [("colour", "blue", 1), ("colour", "red", 1)]
        assert sorted((it["seller_id"], it["count"]) for it in body["facets"]["sellers"]) == [("ann", 1), ("bob", 1)]
        body = await found(search, option="colour:red", seller="ann")
        assert counted(body["facets"]["options"]) == [("colour", "red", 1)]
        assert [(it["seller_id"], it["count"]) for it in body["facets"]["sellers"]] == [("ann", 1)]
        body = await found(search, option="colour:red")
        assert counted(body["facets"]["options"]) == [("colour", "blue", 1), ("colour", "red", 2)]
