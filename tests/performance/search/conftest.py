"""Indexes of a test are removed with it; everything else goes by prefix and is forgotten."""

import asyncio

import pytest

from tests.support.searching import delete_indexes


@pytest.fixture
def indexes(engines, prefix):
    """The alias of the test's indexes; they are deleted afterwards."""
    yield f"{prefix}products"
    asyncio.run(delete_indexes(engines.elasticsearch, f"{prefix}products-v*"))
