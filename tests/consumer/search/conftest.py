"""Indexes of a test are removed with it; everything else goes by prefix and is forgotten."""

import asyncio

import pytest
from elasticsearch import AsyncElasticsearch


@pytest.fixture
def indexes(engines, prefix):
    """The prefix of the test's indexes; they are deleted afterwards."""
    yield f"{prefix}products"
    asyncio.run(_delete(engines.elasticsearch, f"{prefix}products-v*"))


async def _delete(url, pattern):
    async with AsyncElasticsearch(url) as client:
        names = sorted(await client.indices.get(index=pattern, allow_no_indices=True))
        if names:
            await client.indices.delete(index=names)
