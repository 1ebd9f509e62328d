"""A text as tokens, in one pass and without going back."""

import re
from collections.abc import Iterator

import msgspec

from svc.analytics.domain.expressions.refusal import InvalidExpression

CHARACTERS_MAX = 500
DIGITS_MAX = 15
FRACTION_DIGITS_MAX = 4

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<name>[a-z_]+)"
    r"|'(?P<text>[^'\x00]*)'"
    r"|(?P<sign><=|>=|!=|[-+*/()=<>,])"
)
"""No alternative begins like another, so that each character is looked at a bounded number of times."""


class Token(msgspec.Struct, frozen=True):
    """`kind` is `number`, `name`, `text`, `sign` or `end`; `position` is where it begins."""

    kind: str
    text: str
    position: int


def tokens(source: str) -> Iterator[Token]:
    """The tokens of the text and an end. Raises `InvalidExpression`."""
    if len(source) > CHARACTERS_MAX:
        raise InvalidExpression(f"at most {CHARACTERS_MAX} characters", position=CHARACTERS_MAX)
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None or match.lastgroup is None:
            raise InvalidExpression("this character begins nothing", position=position)
        if match.lastgroup != "space":
            yield _checked(Token(match.lastgroup, match[match.lastgroup], position))
        position = match.end()
    yield Token("end", "", position)


def _checked(token: Token) -> Token:
    if token.kind == "number":
        whole, _, fraction = token.text.partition(".")
        if len(whole) > DIGITS_MAX or len(fraction) > FRACTION_DIGITS_MAX:
            raise InvalidExpression(
                f"a number of at most {DIGITS_MAX} digits and {FRACTION_DIGITS_MAX} behind the point",
                position=token.position,
            )
    return token
