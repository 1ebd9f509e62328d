"""The values of a priced order. Amounts are minor units of the one currency of the order."""

import msgspec

from shared.errors import Kind, Refusal
from shared.tax_classes import TaxClass


class MixedCurrencies(Refusal):
    """The goods are priced in more than one currency; one order has one."""

    code = "mixed_currencies"
    kind = Kind.UNPROCESSABLE


class Line(msgspec.Struct, frozen=True):
    """What is bought: a price before tax, a quantity of at least one, and the class the goods are taxed by."""

    sku: str
    quantity: int
    unit_price_minor: int
    currency: str
    tax_class: TaxClass


class PricedLine(msgspec.Struct, frozen=True):
    """A line with its shares; `discount_minor` and `tax_minor` are what a return of it gives back."""

    sku: str
    quantity: int
    unit_price_minor: int
    tax_class: TaxClass
    line_total_minor: int
    discount_minor: int
    tax_minor: int


class Explanation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One figure and where it comes from: the rule, what it was applied to, and the result."""

    rule: str
    amount_minor: int
    base_minor: int
    target: str = "order"
    rate_bp: int | None = None
    source: str | None = None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Invariant: total = subtotal - discount + tax + shipping, and the lines' shares sum to each."""

    currency: str
    lines: tuple[PricedLine, ...]
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    shipping_minor: int
    total_minor: int
    explanation: tuple[Explanation, ...]
    promotions: tuple[str, ...] = ()
    """The codes of those that took something off, by code."""
