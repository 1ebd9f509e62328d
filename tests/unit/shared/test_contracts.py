"""Events of other versions than the reader's own."""

from datetime import UTC, datetime
from typing import ClassVar
from uuid import uuid4

import msgspec
import pytest

from shared.contracts import REGISTRY, Event, PoisonError, Topic, decode_data, decode_header
from shared.contracts.envelope import Upcaster


def _in_minor_units(data):
    return {**data, "amount_minor": round(float(data.pop("amount")) * 100)}


def _with_currency(data):
    return {"currency": "EUR", **data}


class Paid(Event, frozen=True, kw_only=True):
    """The third version of an event of this test alone."""

    topic: ClassVar[Topic] = Topic(name="test.events")
    schema_version: ClassVar[int] = 3
    upcasters: ClassVar[dict[int, Upcaster]] = {1: _in_minor_units, 2: _with_currency}
    amount_minor: int
    currency: str


def read(version, **data):
    payload = msgspec.json.encode(
        {
            "id": str(uuid4()),
            "type": "test.paid",
            "version": version,
            "aggregate_id": "a",
            "aggregate_version": 1,
            "occurred_at": datetime.now(UTC),
            "data": data,
        }
    )
    return decode_data(decode_header(payload), Paid)


@pytest.mark.parametrize(
    ("version", "data"),
    [(1, {"amount": "12.34"}), (2, {"amount_minor": 1234}), (3, {"amount_minor": 1234, "currency": "EUR"})],
)
def test_every_version_before_is_read_as_the_newest(version, data):
    found = read(version, **data)
    assert found.data == Paid(amount_minor=1234, currency="EUR")
    assert found.version == 3


def test_a_newer_version_is_set_aside_under_a_reason_of_its_own():
    with pytest.raises(PoisonError) as poison:
        read(4, amount_minor=1, currency="EUR")
    assert poison.value.reason == "newer_version"


@pytest.mark.parametrize("data", [{}, {"amount": "much"}, {"amount": None}])
def test_an_older_version_that_cannot_be_upcast_is_invalid(data):
    with pytest.raises(PoisonError) as poison:
        read(1, **data)
    assert poison.value.reason == "invalid_data"


@pytest.mark.parametrize("version", [0, -1])
def test_a_version_that_is_none_is_not_an_envelope(version):
    with pytest.raises(PoisonError) as poison:
        read(version)
    assert poison.value.reason == "undecodable"


def test_a_new_version_without_an_upcaster_of_the_old_one_is_refused():
    with pytest.raises(TypeError, match="needs an upcaster"):
        type("Bare", (Event,), {"schema_version": 2, "__annotations__": {}})


def test_the_events_of_this_file_are_not_in_the_registry():
    assert Paid not in REGISTRY.values()
