"""The language of reports: what it says, what it refuses and where, and that nothing makes it work long."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from svc.analytics.domain.expressions import syntax
from svc.analytics.domain.expressions.meaning import Kind, Meaning, meaning
from svc.analytics.domain.expressions.refusal import InvalidExpression
from svc.analytics.domain.expressions.syntax import DEPTH_MAX, TERMS_MAX, parse
from svc.analytics.domain.expressions.tokens import CHARACTERS_MAX, tokens

pytestmark = pytest.mark.service("analytics")

FIELDS = {"paid": Kind.MONEY, "orders": Kind.INTEGER, "status": Kind.TEXT, "day": Kind.DAY}


def shape(node):
    """The tree in brackets, operators first."""
    if not node.parts:
        return str(node.value)
    return f"({node.op} {' '.join(map(shape, node.parts))})"


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("1 + 2 * 3", "(+ 1 (* 2 3))"),
        ("(1 + 2) * 3", "(* (+ 1 2) 3)"),
        ("8 - 4 - 2", "(- (- 8 4) 2)"),
        ("8 / 4 / 2", "(/ (/ 8 4) 2)"),
        ("-a * b", "(* (negative a) b)"),
        ("a = 1 or b = 2 and not c = 3", "(or (= a 1) (and (= b 2) (not (= c 3))))"),
        ("a + 1 >= b * 2", "(>= (+ a 1) (* b 2))"),
        ("s in ('x', 'y')", "(in s x y)"),
        ("s not in ('x')", "(not (in s x))"),
        ("not not a = 1", "(not (not (= a 1)))"),
        ("'not a name'", "not a name"),
    ],
)
def test_operators_bind_as_one_is_used_to(source, tree):
    assert shape(parse(source)) == tree


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("", 0), ("paid +", 6), ("paid + * 2", 7), ("(paid", 5), ("paid)", 4), ("paid paid", 5), ("1 = 2 = 3", 6),
        ("'open", 0), ("paid; drop", 4), ("paid.x", 4), ("a(1)", 1), ("status in ()", 11), ("status in (paid)", 11),
        ("status not 'x'", 11), ("__class__", 0), ("1_000", 1), ("1e9", 1), ("0x1F", 3), ("1234567890123456", 0),
        ("0.12345", 0), ("paid ** 2", 6), ("paid == 1", 6), ("lambda: 1", 6), ('"paid"', 0), ("ünder", 0),
        ("1 \u00b2", 2), ("paid[0]", 4), ("\x00", 0), ("'a\x00'", 0), ("PAID", 0), ("in", 0), ("and", 0), ("٣", 0),
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused_at_the_character_where_it_stops_being_one(source, position):
    with pytest.raises(InvalidExpression) as refused:
        meaning(parse(source), FIELDS)
    assert refused.value.position == position


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("paid - paid", "money"), ("paid * 2", "money"), ("0.5 * paid", "money"), ("paid / orders", "money"),
        ("paid / paid", "number"), ("orders / 2", "number"), ("orders * 2", "integer"), ("orders * 0.5", "number"),
        ("-paid", "money"), ("paid > 10", "truth"), ("10.5 <= paid", "truth"), ("status = 'x'", "truth"),
        ("day >= '2026-01-31'", "truth"), ("day in ('2026-01-31')", "truth"), ("orders in (1, 2)", "truth"),
        ("paid / 2.0", "money"),
    ],
)  # fmt: skip
def test_every_part_has_a_kind(source, kind):
    assert meaning(parse(source), FIELDS).kind == kind


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("paid + orders", 5), ("paid * paid", 5), ("orders / paid", 7), ("status + status", 7), ("-status", 0),
        ("status < 'x'", 7), ("not paid", 0), ("paid and 1", 5), ("paid = 'x'", 5), ("day = '2026-02-30'", 4),
        ("day = 'x'", 4), ("orders = day", 7), ("unknown + 1", 0), ("status in (1)", 7), ("(paid > 1) + 1", 11),
    ],
)  # fmt: skip
def test_kinds_that_do_not_fit_are_refused_at_their_operator(source, position):
    with pytest.raises(InvalidExpression) as refused:
        meaning(parse(source), FIELDS)
    assert refused.value.position == position


def test_a_number_beside_money_is_an_amount_of_major_units_and_a_text_beside_a_day_is_one():
    assert meaning(parse("paid > 10"), FIELDS).parts[1] == Meaning(
        "units", Kind.MONEY, (Meaning("number", Kind.INTEGER, value=Decimal(10)),)
    )
    assert meaning(parse("'2026-01-31' < day"), FIELDS).parts[0] == Meaning("day", Kind.DAY, value=date(2026, 1, 31))


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("1" + " " * CHARACTERS_MAX, CHARACTERS_MAX),
        ("(" * (DEPTH_MAX + 1) + "1" + ")" * (DEPTH_MAX + 1), DEPTH_MAX),
        ("-" * (DEPTH_MAX + 1) + "1", DEPTH_MAX),
        ("not " * (DEPTH_MAX + 1) + "1", 4 * DEPTH_MAX),
        ("+".join("1" * (TERMS_MAX + 1)), 2 * TERMS_MAX),
    ],
)
def test_nothing_is_longer_deeper_or_more_than_its_bound(source, position):
    with pytest.raises(InvalidExpression) as refused:
        parse(source)
    assert refused.value.position == position


@pytest.mark.parametrize(
    "source",
    ["(" * DEPTH_MAX + "1" + ")" * DEPTH_MAX, "+".join("1" * TERMS_MAX), "1" + " " * (CHARACTERS_MAX - 1)],
)
def test_what_is_just_within_a_bound_is_read(source):
    assert parse(source)


PIECES = st.sampled_from(
    ["paid", "orders", "status", "day", "and", "or", "not", "in", "(", ")", ",", "+", "-", "*", "/", "=", "!=", "<",
     "<=", "1", "2.5", "'x'", "'2026-01-01'", " ", "'", ".", ";", "--", "\x00", "ä", "$1", "::"]
)  # fmt: skip
SOURCES = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=40).map(" ".join), st.lists(PIECES).map("".join))


@given(SOURCES)
@example("''''")
@example("((((((((((((((((((((((((((((((")
def test_any_text_is_understood_or_refused_at_one_of_its_characters(source):
    position = 0
    try:
        assert meaning(parse(source), FIELDS).fields() <= FIELDS.keys()
    except InvalidExpression as refusal:
        position = refusal.position
    assert 0 <= position <= len(source)


class _Counted(list):
    """Tokens that count how often one of them is looked at."""

    looked = 0

    def __getitem__(self, place):
        type(self).looked += 1
        return super().__getitem__(place)


LOOKS_PER_TOKEN_MAX = 30
"""Levels of binding, each of which asks a few times."""


@pytest.mark.parametrize("piece", ["1+", "(", "not ", "a in (1,1,1) and ", "-", "'x'='x' or "])
def test_reading_a_text_takes_steps_in_proportion_to_its_length(piece):
    for source in (piece * (CHARACTERS_MAX // len(piece)), piece * (CHARACTERS_MAX // len(piece) // 2)):
        _Counted.looked = 0
        read = _Counted(tokens(source))
        parser = syntax._Parser(read)
        with pytest.raises(InvalidExpression):
            parser.disjunction()
        assert _Counted.looked <= LOOKS_PER_TOKEN_MAX * len(read)
