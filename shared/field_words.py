"""Why a value cannot be taken, in the words of whoever sent it: the field's name and what may stand there.

The decoder's own words ("Expected `int` >= 1 - at `$.items[0].q`") name its types and only the bound that was broken;
these name the whole range, read from the type. For bodies, parameters, settings and options alike.
"""

import re
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

CHOICES_MAX = 20
"""More are not listed."""

_PATH = re.compile(r" - at `(?:key in )?\$([^`]*)`\Z")
_NAMED = re.compile(r"Object (?:missing required|contains unknown) field `(.*?)`(?: - at .*)?", re.DOTALL)
_STEP = re.compile(r"\.[^.\[]+|\[[^\]]*\]")


def refused_field(error: msgspec.ValidationError, kind: Any) -> tuple[str, str]:
    """The field that cannot be taken, as `items[0].quantity`, "" for the whole; and what is wrong with it."""
    message = str(error)
    found = _PATH.search(message)
    path = found.group(1) if found else ""
    named = _NAMED.fullmatch(message)
    if named:
        words = "is required" if message.startswith("Object missing") else "is not known here"
        return f"{path}.{named.group(1)}".lstrip("."), words
    return path.lstrip("."), must_be(kind, path)


def must_be(kind: Any, path: str = "") -> str:
    """What may stand at the path (`.items[0].quantity`) in a value of this type, as "must be text"."""
    return f"must be {_said(_at(_inspected(kind), _STEP.findall(path)))}"


@cache
def _inspected(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _at(kind: inspect.Type, steps: list[str]) -> inspect.Type:
    """The type that the steps lead to; where they are lost, anything."""
    for place, step in enumerate(steps):
        following = [
            _at(inner, steps[place + 1 :]) for one in _members(kind) if (inner := _into(one, step)) is not None
        ]
        return following[0] if following else inspect.AnyType()
    return kind


def _into(kind: inspect.Type, step: str) -> inspect.Type | None:
    match kind:
        case inspect.StructType() | inspect.TypedDictType() | inspect.DataclassType():
            return next((field.type for field in kind.fields if f".{field.encode_name}" == step), None)
        case inspect.TupleType():
            place = step.strip("[]")
            inside = place.isdigit() and int(place) < len(kind.item_types)
            return kind.item_types[int(place)] if inside else None
        case inspect.CollectionType():
            return kind.item_type
        case inspect.DictType():
            return kind.value_type
        case _:
            return None


def _members(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    """The alternatives of a union, each without its annotations."""
    if isinstance(kind, inspect.Metadata):
        return _members(kind.type)
    if isinstance(kind, inspect.UnionType):
        return tuple(member for one in kind.types for member in _members(one))
    return (kind,)


def _said(kind: inspect.Type) -> str:
    words = [_one(one) for one in _members(kind) if not isinstance(one, inspect.NoneType)]
    return " or ".join(dict.fromkeys(words)) or "null"


def _one(kind: inspect.Type) -> str:  # noqa: PLR0911 -- one line per kind
    match kind:
        case inspect.IntType() | inspect.FloatType():
            return _number(kind)
        case inspect.StrType():
            form = ", of this field's form" if kind.pattern else ""
            return f"text{_counted(kind.min_length, kind.max_length, 'character')}{form}"
        case inspect.EnumType() | inspect.LiteralType():
            return _choice(kind)
        case inspect.CollectionType():
            return f"a list{_counted(kind.min_length, kind.max_length, 'item')}"
        case inspect.TupleType():
            return f"a list{_counted(len(kind.item_types), len(kind.item_types), 'item')}"
        case inspect.DictType():
            return f"an object{_counted(kind.min_length, kind.max_length, 'member')}"
        case inspect.DateTimeType():
            return "a moment with its time zone, such as 2026-11-27T10:00:00Z"
        case _:
            return _OTHERS.get(type(kind), "of another kind")


_OTHERS: dict[type[inspect.Type], str] = {
    inspect.BoolType: "true or false",
    inspect.BytesType: "text in Base64",
    inspect.DataclassType: "an object",
    inspect.DateType: "a day such as 2026-11-27",
    inspect.DecimalType: "a decimal number",
    inspect.StructType: "an object",
    inspect.TimeDeltaType: "a duration such as PT15M",
    inspect.TimeType: "a time of day such as 10:00:00",
    inspect.TypedDictType: "an object",
    inspect.UUIDType: "a UUID",
}


def _number(kind: inspect.IntType | inspect.FloatType) -> str:
    whole = isinstance(kind, inspect.IntType)
    name = "a whole number" if whole else "a number"
    least = (kind.ge, "of at least") if kind.ge is not None else (kind.gt, "above")
    most = (kind.le, "of at most") if kind.le is not None else (kind.lt, "below")
    if kind.ge is not None and kind.le is not None:
        return f"{name} from {kind.ge} to {kind.le}"
    bounds = " and ".join(f"{word} {bound}" for bound, word in (least, most) if bound is not None)
    return f"{name} {bounds}".rstrip()


def _counted(least: int | None, most: int | None, unit: str) -> str:
    """`of 1 to 64 characters`, with a space before it; nothing where nothing is bounded."""
    if least == most:
        return "" if least is None else f" of {least} {_plural(unit, least)}"
    if least and most:
        return f" of {least} to {most} {unit}s"
    if most is not None:
        return f" of at most {most} {_plural(unit, most)}"
    return f" of at least {least} {_plural(unit, least or 0)}" if least else ""


def _plural(unit: str, count: int) -> str:
    return unit if count == 1 else f"{unit}s"


def _choice(kind: inspect.EnumType | inspect.LiteralType) -> str:
    values = [one.value for one in kind.cls] if isinstance(kind, inspect.EnumType) else list(kind.values)
    listed = ", ".join(str(value) for value in values[:CHOICES_MAX])
    return f"one of: {listed}{' …' if len(values) > CHOICES_MAX else ''}"
