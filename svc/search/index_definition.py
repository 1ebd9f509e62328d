"""The index: its analyzers and its mapping. No scripts, no dynamic fields."""

import hashlib
import json
from typing import Any

SYNONYMS = (
    "mug, cup",
    "sofa, couch, settee",
    "tv, television",
    "phone, mobile, smartphone, cell phone, mobile phone",
    "laptop, notebook computer",
    "sneaker, trainer, running shoe",
    "t-shirt, tee, tee shirt",
    "trousers, pants",
    "jumper, sweater, pullover",
    "headphones, earphones, headset",
    "fridge, refrigerator",
    "bag, rucksack, backpack",
)
GC_DELETES = "10m"
"""How long the engine remembers the version of a deleted document, so that a late write does not bring it back."""

_FOLD = ["lowercase", "asciifolding"]
_TEXT = {"type": "text", "analyzer": "text", "search_analyzer": "text_query"}
_KEYWORD = {"type": "keyword", "ignore_above": 300}

SETTINGS: dict[str, Any] = {
    "number_of_shards": 1,
    "number_of_replicas": 0,
    "refresh_interval": "1s",
    "gc_deletes": GC_DELETES,
    "max_result_window": 1_000,
    "analysis": {
        "filter": {
            "english_stemmer": {"type": "stemmer", "language": "english"},
            "synonyms": {"type": "synonym_graph", "synonyms": list(SYNONYMS)},
            "prefixes": {"type": "edge_ngram", "min_gram": 1, "max_gram": 15},
        },
        "analyzer": {
            "text": {"type": "custom", "tokenizer": "standard", "filter": [*_FOLD, "stop", "english_stemmer"]},
            "text_query": {
                "type": "custom",
                "tokenizer": "standard",
                "filter": [*_FOLD, "stop", "english_stemmer", "synonyms"],
            },
            "prefix": {"type": "custom", "tokenizer": "standard", "filter": [*_FOLD, "prefixes"]},
            "folded": {"type": "custom", "tokenizer": "standard", "filter": _FOLD},
        },
        "normalizer": {"folded": {"type": "custom", "filter": _FOLD}},
    },
}

MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "product_id": {"type": "keyword"},
        "slug": {"type": "keyword"},
        "title": {
            **_TEXT,
            "copy_to": ["everything", "spelling"],
            "fields": {
                "prefix": {"type": "text", "analyzer": "prefix", "search_analyzer": "folded"},
                "sort": {"type": "keyword", "normalizer": "folded", "ignore_above": 256},
            },
        },
        "description": {**_TEXT, "copy_to": "everything"},
        "category": {"type": "keyword"},
        "category_paths": {"type": "keyword"},
        "category_words": {**_TEXT, "copy_to": ["everything", "spelling"]},
        "skus": {"type": "keyword", "normalizer": "folded"},
        "seller_id": {"type": "keyword"},
        "attributes": _KEYWORD,
        "attribute_words": {**_TEXT, "copy_to": ["everything", "spelling"]},
        "option_words": {**_TEXT, "copy_to": ["everything", "spelling"]},
        "popularity": {"type": "integer"},
        "sold_out": {"type": "boolean"},
        "offers": {
            "type": "nested",  # so that price, options and stock are those of one variant
            "properties": {
                "currency": {"type": "keyword"},
                "price_minor": {"type": "long"},
                "options": _KEYWORD,
                "availability": {"type": "keyword"},
            },
        },
        "everything": _TEXT,
        "spelling": {"type": "text", "analyzer": "folded"},
        "variants": {"type": "object", "enabled": False},
    },
}

DEFINITION = hashlib.sha256(json.dumps([SETTINGS, MAPPINGS], sort_keys=True).encode()).hexdigest()[:8]
"""Names this very definition: a release searches only in an index that was made by its own."""
