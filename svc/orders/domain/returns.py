"""What is owed for goods that came back: what was paid for them, and for an order that is back whole all that was."""

from collections.abc import Mapping, Sequence

import msgspec

from svc.orders.domain.draft import DraftLine


class Due(msgspec.Struct, frozen=True):
    """Units that count as returned, by SKU, and what is owed for them in minor units."""

    units: dict[str, int]
    amount_minor: int


def due_for_return(
    lines: Sequence[DraftLine],
    *,
    total_minor: int,
    came: Mapping[str, int],
    before: Mapping[str, int],
    given_minor: int,
) -> Due:
    """What `came` is worth after `before` came and `given_minor` was owed for it.

    More than was sold is not owed for. A part of a line is worth its share of the line, rounded down over all units so
    far, so that a whole line is worth exactly its price less its discount plus its tax. The last unit brings the rest
    of the order's total, shipping with it. Invariant: returns of an order are worth its total together, never more.
    """
    units = {
        line.sku: count
        for line in lines
        if (count := min(came.get(line.sku, 0), line.quantity - before.get(line.sku, 0))) > 0
    }
    after = {line.sku: before.get(line.sku, 0) + units.get(line.sku, 0) for line in lines}
    if units and all(after[line.sku] == line.quantity for line in lines):
        return Due(units, max(0, total_minor - given_minor))
    worth = (_worth(line, after[line.sku]) - _worth(line, before.get(line.sku, 0)) for line in lines)
    return Due(units, sum(worth))


def _worth(line: DraftLine, units: int) -> int:
    return (line.line_total_minor - line.discount_minor + line.tax_minor) * units // line.quantity
