"""Why an expression is refused, and at which character of which field."""

from typing import Self

from shared.errors import Refusal


class InvalidExpression(Refusal):
    """`position` counts characters from 0; at the end of the text when something is missing there."""

    code = "invalid_expression"

    def __init__(self, detail: str, *, position: int) -> None:
        super().__init__(detail, position=position)
        self.position = position

    def of(self, field: str) -> Self:
        """The same, with the name of the field that holds the expression."""
        self.extra["field"] = field
        return self
