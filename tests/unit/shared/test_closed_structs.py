"""The contract tells of a body what the decoder holds it to."""

from typing import Annotated

import msgspec
from litestar import Litestar, post
from litestar.params import JSONBody

from shared.closed_structs import ClosedStructs

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=9, pattern="^a")]


class Closed(msgspec.Struct, forbid_unknown_fields=True):
    words: list[Word]
    named: Annotated[dict[Word, Word], msgspec.Meta(max_length=3)]
    units: list[Annotated[int, msgspec.Meta(ge=1, le=5)]] | None = None


class Open(msgspec.Struct):
    name: str


def schemas():
    @post("/closed")
    async def closed(data: JSONBody[Closed]) -> None: ...

    @post("/open")
    async def opened(data: JSONBody[Open]) -> None: ...

    app = Litestar([closed, opened], plugins=[ClosedStructs()])
    return app.openapi_schema.to_schema()["components"]["schemas"]


WORD = {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a"}


def test_a_struct_that_refuses_unknown_fields_says_so() -> None:
    told = schemas()
    assert told["Closed"]["additionalProperties"] is False
    assert "additionalProperties" not in told["Open"]


def test_what_a_list_holds_keeps_its_rules() -> None:
    told = schemas()["Closed"]["properties"]
    assert told["words"]["items"] == WORD
    (units,) = [part for part in told["units"]["oneOf"] if part["type"] == "array"]
    assert units["items"] == {"type": "integer", "minimum": 1, "maximum": 5}


def test_a_map_tells_of_its_size_its_keys_and_its_values() -> None:
    told = schemas()["Closed"]["properties"]["named"]
    assert (told["additionalProperties"], told["maxProperties"]) == (WORD, 3)
    assert told["propertyNames"] == {name: value for name, value in WORD.items() if name != "type"}
