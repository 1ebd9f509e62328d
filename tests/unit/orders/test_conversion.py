"""A unit price in the buyer's currency, at the rate that was quoted."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.money import Money
from svc.orders.pricing.conversion import Conversion, NotConvertible, QuoteNotApplicable

pytestmark = pytest.mark.service("orders")

QUOTE = Conversion(
    quote_id=UUID(int=1),
    from_currency="EUR",
    to_currency="JPY",
    rate_nano=160_500_000_000,
    expires_at=datetime(2026, 11, 27, tzinfo=UTC),
)


def test_a_price_is_converted_at_the_quoted_rate_half_up():
    assert QUOTE.price(Money(100, "EUR")) == Money(161, "JPY")  # 160.5
    assert QUOTE.price(Money(99, "EUR")) == Money(159, "JPY")  # 158.895


def test_what_costs_nothing_costs_nothing():
    assert QUOTE.price(Money(0, "EUR")) == Money(0, "JPY")


def test_a_quote_is_about_one_currency():
    with pytest.raises(QuoteNotApplicable) as refused:
        QUOTE.price(Money(100, "USD"))
    assert refused.value.extra == {"currency": "USD"}


def test_nothing_that_costs_money_is_given_away():
    cheap = Conversion(
        quote_id=UUID(int=1), from_currency="IDR", to_currency="EUR", rate_nano=50_000, expires_at=QUOTE.expires_at
    )
    with pytest.raises(NotConvertible):
        cheap.price(Money(100, "IDR"))
    assert cheap.price(Money(10_000, "IDR")) == Money(1, "EUR")  # half a cent
