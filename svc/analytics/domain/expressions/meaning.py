"""What a tree means over the fields of a data set: every part has a kind, and only kinds that fit are combined."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from svc.analytics.domain.expressions.refusal import InvalidExpression
from svc.analytics.domain.expressions.syntax import COMPARISONS, Node


class Kind(StrEnum):
    """What a value is. Money is an amount in minor units of its row's currency."""

    MONEY = "money"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    DAY = "day"
    TRUTH = "truth"


class Meaning(msgspec.Struct, frozen=True):
    """A part whose kind is known; `op` and `value` as in `Node`, and `units` turns a number into money."""

    op: str
    kind: Kind
    parts: tuple["Meaning", ...] = ()
    value: str | Decimal | date = ""

    def fields(self) -> set[str]:
        """The names of all fields in it."""
        found = {str(self.value)} if self.op == "field" else set[str]()
        return found.union(*(part.fields() for part in self.parts))


NUMERIC = frozenset({Kind.INTEGER, Kind.NUMBER})
_K = Kind
_RESULTS: dict[str, dict[tuple[Kind, Kind], Kind]] = {
    "+": {(_K.MONEY, _K.MONEY): _K.MONEY},
    "*": {(_K.MONEY, _K.INTEGER): _K.MONEY, (_K.MONEY, _K.NUMBER): _K.MONEY, (_K.INTEGER, _K.MONEY): _K.MONEY,
          (_K.NUMBER, _K.MONEY): _K.MONEY},
    "/": {(_K.MONEY, _K.MONEY): _K.NUMBER, (_K.MONEY, _K.INTEGER): _K.MONEY, (_K.MONEY, _K.NUMBER): _K.MONEY,
          (_K.INTEGER, _K.INTEGER): _K.NUMBER},
}  # fmt: skip
_RESULTS["-"] = _RESULTS["+"]
"""What comes of two kinds; two numbers give a number, two whole ones a whole one but for a quotient."""


def meaning(node: Node, fields: Mapping[str, Kind]) -> Meaning:
    """The tree with its kinds. Raises `InvalidExpression` where a name is unknown or kinds do not fit."""
    if node.op == "field":
        return _field(node, fields)
    if node.op in {"number", "text"}:
        return _constant(node)
    parts = tuple(meaning(part, fields) for part in node.parts)
    if node.op == "in":
        alike = [_alike(parts[0], option, node) for option in parts[1:]]
        return Meaning("in", Kind.TRUTH, (alike[0][0], *(option for _, option in alike)))
    if node.op in {"not", "and", "or"}:
        return Meaning(node.op, _common(parts, node, Kind.TRUTH), parts)
    if node.op == "negative":
        return Meaning(node.op, _common(parts, node, *NUMERIC, Kind.MONEY), parts)
    return (_comparison if node.op in COMPARISONS else _arithmetic)(node, *parts)


def _constant(node: Node) -> Meaning:
    if isinstance(node.value, Decimal):
        is_whole = node.value == node.value.to_integral_value()
        return Meaning("number", Kind.INTEGER if is_whole else Kind.NUMBER, value=node.value)
    return Meaning("text", Kind.TEXT, value=node.value)


def _field(node: Node, fields: Mapping[str, Kind]) -> Meaning:
    name = str(node.value)
    if name not in fields:
        raise InvalidExpression(f"“{name}” is none of {', '.join(sorted(fields))}", position=node.position)
    return Meaning("field", fields[name], value=name)


def _common(parts: tuple[Meaning, ...], node: Node, *kinds: Kind) -> Kind:
    """The kind of the first part, each of which must be one of these."""
    for part in parts:
        if part.kind not in kinds:
            raise InvalidExpression(f"“{node.op}” takes no {part.kind}", position=node.position)
    return parts[0].kind


def _arithmetic(node: Node, left: Meaning, right: Meaning) -> Meaning:
    kinds = (left.kind, right.kind)
    result = _RESULTS[node.op].get(kinds)
    if result is None and NUMERIC.issuperset(kinds):
        result = Kind.NUMBER if Kind.NUMBER in kinds else Kind.INTEGER
    if result is None:
        raise InvalidExpression(f"“{node.op}” takes no {left.kind} and {right.kind}", position=node.position)
    return Meaning(node.op, result, (left, right))


def _comparison(node: Node, left: Meaning, right: Meaning) -> Meaning:
    left, right = _alike(left, right, node)
    if left.kind in {Kind.TEXT, Kind.TRUTH} and node.op not in {"=", "!="}:
        raise InvalidExpression(f"“{node.op}” takes no {left.kind}", position=node.position)
    return Meaning(node.op, Kind.TRUTH, (left, right))


def _alike(left: Meaning, right: Meaning, node: Node) -> tuple[Meaning, Meaning]:
    """Both as one kind: a number beside money is an amount of major units, a text beside a day is one."""
    left, right = _beside(left, right, node), _beside(right, left, node)
    if left.kind is right.kind or NUMERIC.issuperset((left.kind, right.kind)):
        return left, right
    raise InvalidExpression(f"{left.kind} and {right.kind} are not compared", position=node.position)


def _beside(part: Meaning, other: Meaning, node: Node) -> Meaning:
    if part.kind in NUMERIC and other.kind is Kind.MONEY:
        return Meaning("units", Kind.MONEY, (part,))
    if part.op == "text" and other.kind is Kind.DAY:
        try:
            return Meaning("day", Kind.DAY, value=date.fromisoformat(str(part.value)))
        except ValueError as error:
            raise InvalidExpression("a day is written '2026-01-31'", position=node.position) from error
    return part
