"""What an order should have cost, where it was priced otherwise: told once, and never changed."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal
from svc.orders.domain.draft import DraftLine
from svc.orders.pricing import Totals


class PriceIsRight(Refusal):
    """The order costs what the rules say; there is nothing to correct."""

    code = "price_is_right"
    kind = Kind.CONFLICT


class OrderUndecided(Refusal):
    """The order is not paid yet, or may still be undone; only then is it known what a correction means."""

    code = "order_undecided"
    kind = Kind.CONFLICT


class RulesSayOtherwise(Refusal):
    """The rules make the order cost something else than whoever asks believes; nothing is written down."""

    code = "rules_say_otherwise"
    kind = Kind.CONFLICT


class PricesUnknown(Refusal):
    """The order's own prices do not follow from these of the catalog; nothing is written down."""

    code = "prices_unknown"
    kind = Kind.CONFLICT


class NotConverted(Refusal):
    """The order is in the currency of its goods."""

    code = "not_converted"
    kind = Kind.CONFLICT


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Minor units of the order's currency; `discounts` and `taxes` are the shares of its lines, by position.
    `unit_prices` are those at the rate that was promised, where the order is at another.

    Invariant: discount and tax are the sums of their shares.
    """

    discount_minor: int
    tax_minor: int
    shipping_minor: int
    total_minor: int
    discounts: tuple[int, ...]
    taxes: tuple[int, ...]
    unit_prices: tuple[int, ...] | None = None

    def of_lines(self, lines: tuple[DraftLine, ...]) -> tuple[DraftLine, ...]:
        """The lines with these shares, at these prices."""
        unit_prices = self.unit_prices or tuple(line.unit_price_minor for line in lines)
        return tuple(
            msgspec.structs.replace(
                line,
                unit_price_minor=price_minor,
                line_total_minor=price_minor * line.quantity,
                discount_minor=discount_minor,
                tax_minor=tax_minor,
            )
            for line, price_minor, discount_minor, tax_minor in zip(
                lines, unit_prices, self.discounts, self.taxes, strict=True
            )
        )


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What is `right`, beside the total that the order says; `reason` and `actor` tell why and by whom.

    `rate_nano` is the rate that was promised, where the order is at another.
    """

    order_id: UUID
    currency: str
    right: Figures
    charged_minor: int
    reason: str
    actor: str
    corrected_at: datetime
    rate_nano: int | None = None

    @property
    def difference_minor(self) -> int:
        """What was charged too much; negative where it was too little."""
        return self.charged_minor - self.right.total_minor


def right_figures(totals: Totals, *, unit_prices: tuple[int, ...] | None = None) -> Figures:
    """What the rules make of an order, at these unit prices if they are others than its own."""
    return Figures(
        unit_prices=unit_prices,
        discount_minor=totals.discount_minor,
        tax_minor=totals.tax_minor,
        shipping_minor=totals.shipping_minor,
        total_minor=totals.total_minor,
        discounts=tuple(line.discount_minor for line in totals.lines),
        taxes=tuple(line.tax_minor for line in totals.lines),
    )


def figures_of(
    lines: tuple[DraftLine, ...], *, discount_minor: int, tax_minor: int, shipping_minor: int, total_minor: int
) -> Figures:
    """What the order itself says."""
    return Figures(
        discount_minor=discount_minor,
        tax_minor=tax_minor,
        shipping_minor=shipping_minor,
        total_minor=total_minor,
        discounts=tuple(line.discount_minor for line in lines),
        taxes=tuple(line.tax_minor for line in lines),
    )
