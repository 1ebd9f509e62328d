"""Tokens as a tree: a parser that reads each token once and goes as deep as brackets allow."""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from svc.analytics.domain.expressions.refusal import InvalidExpression
from svc.analytics.domain.expressions.tokens import Token, tokens

TERMS_MAX = 50
"""Numbers, texts and names."""
DEPTH_MAX = 16
"""Brackets, `not` and signs within one another."""
WORDS = frozenset({"and", "or", "not", "in"})
COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})


class Node(msgspec.Struct, frozen=True):
    """`op` is an operator, or `number`, `text` or `field`, whose `value` says which."""

    op: str
    position: int
    parts: tuple["Node", ...] = ()
    value: str | Decimal = ""


def parse(source: str) -> Node:
    """The tree of the text. Raises `InvalidExpression`."""
    parser = _Parser(list(tokens(source)))
    node = parser.disjunction()
    parser.expect("end")
    return node


class _Parser:
    def __init__(self, read: list[Token]) -> None:
        self._tokens = read
        self._place = 0
        self._terms = 0
        self._depth = 0

    def disjunction(self) -> Node:
        return self._chain(self._conjunction, "or")

    def _conjunction(self) -> Node:
        return self._chain(self._negation, "and")

    def _negation(self) -> Node:
        if token := self._taken("not"):
            return Node("not", token.position, (self._deeper(self._negation, token),))
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        if token := self._taken(*COMPARISONS):
            return Node(token.text, token.position, (left, self._sum()))
        if token := self._taken("not"):
            within = self.expect("in")
            return Node("not", token.position, (self._within(left, within),))
        if token := self._taken("in"):
            return self._within(left, token)
        return left

    def _within(self, left: Node, token: Token) -> Node:
        self.expect("(")
        options = [self._constant()]
        while self._taken(","):
            options.append(self._constant())
        self.expect(")")
        return Node("in", token.position, (left, *options))

    def _sum(self) -> Node:
        return self._chain(self._product, "+", "-")

    def _product(self) -> Node:
        return self._chain(self._signed, "*", "/")

    def _signed(self) -> Node:
        if token := self._taken("-"):
            return Node("negative", token.position, (self._deeper(self._signed, token),))
        return self._atom()

    def _atom(self) -> Node:
        if token := self._taken("("):
            inner = self._deeper(self.disjunction, token)
            self.expect(")")
            return inner
        token = self._next
        if token.kind == "name" and token.text not in WORDS:
            self._count_term()
            return Node("field", token.position, value=token.text)
        return self._constant()

    def _constant(self) -> Node:
        token = self._next
        if token.kind not in {"number", "text"}:
            raise InvalidExpression("a number, a text, a field or a bracket is missing", position=token.position)
        self._count_term()
        return Node(token.kind, token.position, value=Decimal(token.text) if token.kind == "number" else token.text)

    def expect(self, what: str) -> Token:
        """The next token, which must be this sign, word or end. Raises `InvalidExpression`."""
        token = self._next
        if what not in (token.kind, token.text) or token.kind == "text":
            said = "nothing more" if what == "end" else f"“{what}”"
            raise InvalidExpression(f"{said} was expected", position=token.position)
        self._place += 1
        return token

    def _chain(self, inner: Callable[[], Node], *signs: str) -> Node:
        left = inner()
        while token := self._taken(*signs):
            left = Node(token.text, token.position, (left, inner()))
        return left

    def _deeper(self, inner: Callable[[], Node], token: Token) -> Node:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise InvalidExpression(f"at most {DEPTH_MAX} deep", position=token.position)
        node = inner()
        self._depth -= 1
        return node

    def _count_term(self) -> None:
        self._terms += 1
        if self._terms > TERMS_MAX:
            raise InvalidExpression(f"at most {TERMS_MAX} numbers, texts and fields", position=self._next.position)
        self._place += 1

    def _taken(self, *texts: str) -> Token | None:
        token = self._next
        if token.kind not in {"sign", "name"} or token.text not in texts:
            return None
        self._place += 1
        return token

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]
