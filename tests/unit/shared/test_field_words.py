"""Refusals speak of fields and what may stand there, never in the decoder's own words."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest

from shared.field_words import CHOICES_MAX, must_be, refused_field

QUANTITY = "must be a whole number from 1 to 9"
SKU = "must be text of 1 to 8 characters, of this field's form"
MOMENT = "must be a moment with its time zone, such as 2026-11-27T10:00:00Z"


class Size(StrEnum):
    S = "s"
    M = "m"


class Line(msgspec.Struct, forbid_unknown_fields=True):
    quantity: Annotated[int, msgspec.Meta(ge=1, le=9)]
    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=8, pattern="^[A-Z]+$")] = "A"
    size: Size | None = None


class Parcel(msgspec.Struct):
    weight: int


class Order(msgspec.Struct, rename={"placed_at": "placed"}):
    lines: Annotated[list[Line], msgspec.Meta(min_length=1, max_length=2)]
    by_name: dict[str, Line] = {}
    pair: tuple[int, Annotated[int, msgspec.Meta(ge=0)]] | None = None
    placed_at: datetime | None = None
    parcel: Parcel | None = None


def refused(value: object, kind: Any = Order) -> tuple[str, str]:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)
    return refused_field(caught.value, kind)


@pytest.mark.parametrize(
    ("value", "field", "words"),
    [
        ({"lines": [{"quantity": 0}]}, "lines[0].quantity", QUANTITY),
        ({"lines": [{"quantity": 10}]}, "lines[0].quantity", QUANTITY),
        ({"lines": [{"quantity": "1"}]}, "lines[0].quantity", QUANTITY),
        ({"lines": [{"quantity": 2**70}]}, "lines[0].quantity", QUANTITY),
        ({"lines": [{"quantity": 1}, {}]}, "lines[1].quantity", "is required"),
        ({"lines": [{"quantity": 1, "price": 0}]}, "lines[0].price", "is not known here"),
        ({}, "lines", "is required"),
        ({"lines": []}, "lines", "must be a list of 1 to 2 items"),
        ({"lines": {}}, "lines", "must be a list of 1 to 2 items"),
        ({"lines": [{"quantity": 1, "sku": ""}]}, "lines[0].sku", SKU),
        ({"lines": [{"quantity": 1, "size": "xl"}]}, "lines[0].size", "must be one of: s, m"),
        ({"lines": [{"quantity": 1}], "by_name": {"x": {"quantity": 0}}}, "by_name[...].quantity", QUANTITY),
        ({"lines": [{"quantity": 1}], "pair": [1]}, "pair", "must be a list of 2 items"),
        ({"lines": [{"quantity": 1}], "pair": [1, -1]}, "pair[1]", "must be a whole number of at least 0"),
        ({"lines": [{"quantity": 1}], "placed": "today"}, "placed", MOMENT),
        ({"lines": [{"quantity": 1}], "parcel": {"weight": None}}, "parcel.weight", "must be a whole number"),
        ([], "", "must be an object"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field_and_all_that_may_stand_there(value, field, words):
    assert refused(value) == (field, words)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Annotated[int, msgspec.Meta(ge=1)], "a whole number of at least 1"),
        (Annotated[int, msgspec.Meta(le=9)], "a whole number of at most 9"),
        (Annotated[float, msgspec.Meta(gt=0)], "a number above 0"),
        (Annotated[float, msgspec.Meta(lt=1.5)], "a number below 1.5"),
        (Annotated[float, msgspec.Meta(gt=0, le=1)], "a number above 0 and of at most 1"),
        (Annotated[float, msgspec.Meta(ge=0, lt=1)], "a number of at least 0 and below 1"),
        (Annotated[float, msgspec.Meta(gt=0, lt=1)], "a number above 0 and below 1"),
        (float, "a number"),
        (int | None, "a whole number"),
        (int | str, "a whole number or text"),
        (None, "null"),
        (bool, "true or false"),
        (bytes, "text in Base64"),
        (date, "a day such as 2026-11-27"),
        (Decimal, "a decimal number"),
        (UUID, "a UUID"),
        (Annotated[str, msgspec.Meta(min_length=3)], "text of at least 3 characters"),
        (Annotated[str, msgspec.Meta(max_length=1)], "text of at most 1 character"),
        (Annotated[str, msgspec.Meta(min_length=2, max_length=2)], "text of 2 characters"),
        (Annotated[list[int], msgspec.Meta(min_length=0, max_length=3)], "a list of at most 3 items"),
        (frozenset[str], "a list"),
        (Mapping[str, int], "an object"),
        (Literal["a", "b"], "one of: a, b"),
        (Annotated[int, msgspec.Meta(ge=1, extra={"said": 1})] | None, "a whole number of at least 1"),
    ],
)
def test_every_kind_of_value_has_its_words(kind, words):
    assert must_be(kind) == f"must be {words}"


def test_a_long_list_of_choices_is_cut():
    many = StrEnum("many", [f"v{n}" for n in range(CHOICES_MAX + 1)])
    assert must_be(many).endswith(f"v{CHOICES_MAX - 1} …")
    few = StrEnum("few", [f"v{n}" for n in range(CHOICES_MAX)])
    assert must_be(few).endswith(f"v{CHOICES_MAX - 1}")


def test_a_field_of_one_alternative_is_found_in_a_union():
    class Gift(msgspec.Struct, tag="gift"):
        pieces: Annotated[int, msgspec.Meta(ge=1)]

    class Other(msgspec.Struct, tag="other"):
        weight: int

    assert refused({"type": "gift", "pieces": 0}, Gift | Other) == ("pieces", "must be a whole number of at least 1")


def test_a_path_that_leads_nowhere_is_said_without_a_range():
    assert must_be(Order, ".nothing.there") == "must be of another kind"
