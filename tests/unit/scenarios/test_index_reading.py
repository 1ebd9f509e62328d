"""How the judges read the index: at a moment at which nothing was on its way, under the product's version."""

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from scenarios import index_reading
from scenarios.fleet import FleetAwayError
from scenarios.index_reading import LOOKS_MAX, read_index

pytestmark = pytest.mark.service("search")

LAMP = "00000000-0000-0000-0000-000000000001"


def _row(version: int, index_version: int, *, waits: bool = False) -> dict[str, Any]:
    return {"product_id": LAMP, "version": version, "index_version": index_version, "waits": waits}


class FakeFleet:
    """`audit` are the answers of search's audit view, `versions` those of the engine; the last one for ever."""

    def __init__(self, audit: list[Any], versions: list[int]) -> None:
        self.audit, self.versions = audit, versions
        self.stack = SimpleNamespace(urls={"elasticsearch": "http://engine"})
        self.http = self
        self.looks = 0

    async def rows(self, service: str, statement: str, ids: list[str]) -> Any:
        assert (service, ids) == ("search", [LAMP])
        answer = self.audit.pop(0) if len(self.audit) > 1 else self.audit[0]
        if isinstance(answer, Exception):
            raise answer
        return [answer]

    @asynccontextmanager
    async def post(self, url: str, *, json: Any):
        assert (url, json) == ("http://engine/products/_mget", {"ids": [LAMP]})
        self.looks += 1
        version = self.versions.pop(0) if len(self.versions) > 1 else self.versions[0]
        source = {"variants": [{"sku": "L", "price_minor": 5, "currency": "EUR"}]}
        document = {"_id": LAMP, "found": True, "_version": version, "_source": source}

        async def read() -> bytes:
            return msgspec.json.encode({"docs": [document]})

        yield SimpleNamespace(raise_for_status=lambda: None, read=read)


async def _read(fleet: FakeFleet) -> tuple[list[int], list[str]]:
    rows, problems = await read_index(fleet, [LAMP])  # type: ignore[arg-type]
    return [row.version for row in rows], problems


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_reading, "LOOK_AGAIN_S", 0.0)


async def test_a_document_is_read_under_the_version_of_its_product() -> None:
    assert await _read(FakeFleet([_row(3, 3_000)], [3_000])) == ([3], [])


@pytest.mark.parametrize("written", [3_001, 2_000, 4])
async def test_a_document_that_somebody_else_wrote_is_read_under_its_own_number(written: int) -> None:
    assert await _read(FakeFleet([_row(3, 3_000)], [written])) == ([written], [])


async def test_what_is_on_its_way_is_read_again_until_it_is_there() -> None:
    fleet = FakeFleet([_row(3, 3_000), _row(3, 3_001, waits=True), _row(3, 3_001)], [3_000, 3_000, 3_001])
    assert await _read(fleet) == ([3], [])
    assert fleet.looks >= 2


async def test_what_never_arrives_is_taken_as_it_is() -> None:
    fleet = FakeFleet([_row(3, 3_001, waits=True)], [3_000])
    assert await _read(fleet) == ([3_000], [])
    assert fleet.looks == LOOKS_MAX + 1


async def test_a_database_that_is_away_is_a_problem_and_no_evidence() -> None:
    rows, (problem,) = await _read(FakeFleet([FleetAwayError("the database of search", "there")], [1]))
    assert (rows, problem.startswith("search.index")) == ([], True)
