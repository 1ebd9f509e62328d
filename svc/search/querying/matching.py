"""Which documents a wish's words match, and how well: the better the more popular, the worse when sold out. Pure."""

from typing import Any

from svc.search.domain import Wish

EXPANSIONS_MAX = 30
POPULARITY_WEIGHT = 0.02
"""Popularity grows with the logarithm: the most popular goods of a large shop weigh about twice as much as others."""
NOT_SOLD_OUT_WEIGHT = 0.5
SKU_BOOST = 50

Query = dict[str, Any]


def matching(wish: Wish) -> Query:
    """Every word but one of four must match, with typos."""
    return {
        "function_score": {
            "query": _words(wish) if wish.terms else {"match_all": {}},
            "functions": [
                {"weight": 1},
                {"filter": {"term": {"sold_out": False}}, "weight": NOT_SOLD_OUT_WEIGHT},
                {"field_value_factor": {"field": "popularity", "factor": POPULARITY_WEIGHT, "missing": 0}},
            ],
            "score_mode": "sum",
            "boost_mode": "multiply",
        }
    }


def exactly(wish: Wish) -> Query:
    """The same without typos, as a filter."""
    if not wish.terms:
        return {"match_all": {}}
    return {"bool": {"should": [{"match": {"everything": _exact(wish)}}, _sku(wish)], "minimum_should_match": 1}}


def _sku(wish: Wish) -> Query:
    return {"term": {"skus": {"value": wish.text, "boost": SKU_BOOST}}}


def _exact(wish: Wish) -> Query:
    return {"query": wish.text, "minimum_should_match": "3<-1"}


def _words(wish: Wish) -> Query:
    text, exact = wish.text, _exact(wish)
    typos = {
        "analyzer": "text",
        "fuzziness": "AUTO",
        "prefix_length": 1,
        "max_expansions": EXPANSIONS_MAX,
        "boost": 0.2,
    }
    return {
        "bool": {
            "must": {
                "bool": {
                    "should": [
                        {"match": {"everything": exact}},
                        {"match": {"everything": {**exact, **typos}}},
                        _sku(wish),
                    ],
                    "minimum_should_match": 1,
                }
            },
            "should": [
                {"match": {"title": {"query": text, "boost": 4}}},
                {"match": {"category_words": {"query": text, "boost": 2}}},
                {"match_phrase": {"title": {"query": text, "boost": 3}}},
            ],
        }
    }
