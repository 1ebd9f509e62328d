"""INV-08's oracle: exact for any lines, and patient with what the shop may rightly do."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from scenarios.checkers import Outcome
from scenarios.checkers.exact_money import NANO, Rate, priced, shipping_minor
from scenarios.evidence import rows as audit
from shared.exchange_rates import convert
from shared.money import Money
from tests.support.anomalies import PAID, alter, change, converted, judged, where
from tests.support.builders import FlashSale
from tests.support.builders.fleet_rows import LOAD_STARTED_AT


def test_an_old_price_is_rightful_only_for_as_long_as_caches_may_keep_it() -> None:
    evidence = FlashSale().evidence()
    prices, order = evidence.audit.prices, evidence.audit.orders[where(evidence.audit.orders, id=PAID)]
    prices[:] = [
        change(prices[0], valid_until=order.placed_at - 1.0),
        change(prices[0], price_minor=1, valid_from=order.placed_at - 1.0),
    ]
    assert PAID not in {stake.order_id for stake in judged(evidence, "INV-08").stakes}
    prices[0] = change(prices[0], valid_until=order.placed_at - 60.0)
    assert PAID in {stake.order_id for stake in judged(evidence, "INV-08").stakes}


line_amounts = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 10_000)), min_size=1, max_size=6)


@given(line_amounts, st.integers(0, 3_000), st.integers(1, 10_000))
def test_the_oracle_agrees_with_fractions_and_loses_no_unit(
    amounts: list[tuple[int, int]], rate_bp: int, coupon_bp: int
) -> None:
    lines = [audit.OrderLineRow("o", str(n), count, price, count * price) for n, (count, price) in enumerate(amounts)]
    due = priced(lines, rates_bp=[rate_bp] * len(lines), coupon=audit.CouponRow(code="C", rate_bp=coupon_bp))
    totals = [line.line_total_minor for line in lines]
    assert due.discount_minor == int(Fraction(sum(totals) * coupon_bp, 10_000) + Fraction(1, 2))
    assert sum(due.discounts) == due.discount_minor
    for total, off, tax in zip(totals, due.discounts, due.taxes, strict=True):
        exact = Fraction(due.discount_minor * total, sum(totals) or 1)
        assert exact - 1 < off < exact + 1
        assert tax == int(Fraction((total - off) * rate_bp, 10_000) + Fraction(1, 2))


def test_what_was_shown_at_a_quoted_rate_and_ordered_accuses_nobody() -> None:
    evidence = FlashSale().evidence()
    before = {checker: judged(evidence, checker).checked for checker in ("INV-06", "INV-08")}
    evidence = FlashSale().evidence()
    converted(evidence)
    for checker, checked in before.items():
        result = judged(evidence, checker)
        assert (result.outcome, result.checked) == (Outcome.PASS, checked + 1)
    evidence.journals.exchange.clear()
    assert judged(evidence, "INV-08").outcome is Outcome.PASS, "the rate was told before the run"


@given(st.integers(0, 10**9), st.integers(1, 10**12), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_the_oracle_converts_as_the_shop_does(price_minor: int, rate_nano: int, target: str) -> None:
    rate = Rate("USD", target, Fraction(rate_nano, NANO))
    shop = convert(Money(price_minor, "USD"), to=target, rate_nano=rate_nano)
    assert rate.converted(price_minor) == shop.amount_minor


def test_boxes_are_priced_by_weight_or_room_and_split_beyond_the_heaviest_band() -> None:
    bands = FlashSale().evidence().audit.shipping_rates

    def due(*loads: tuple[int, int], worth_minor: int | None = 100) -> int:
        return shipping_minor(bands, loads=loads, worth_minor=worth_minor)["parcelpost"]

    assert due((500, 0)) == due((1_000, 5_000_000)) == 490
    assert due((500, 5_000_001)) == due((1_500, 0)) == due((5_000, 0)) == 690
    assert due((10_500, 0)) == 690 * 2 + 490
    assert due((500, 0), (1_500, 0)) == 490 + 690
    assert due((500, 0), worth_minor=10_000) == 0
    assert due((500, 0), worth_minor=None) == 490


def test_what_shipping_said_last_serves_past_its_time_where_nobody_was_promised_it() -> None:
    evidence = FlashSale().evidence()
    for row in list(evidence.audit.shipping_quotes):
        alter(evidence.audit.shipping_quotes, {"expires_at": row.created_at - 60}, id=row.id)
    result = judged(evidence, "INV-08")
    assert result.outcome is Outcome.PASS
    assert result.observed["orders at what shipping said last, whose time was over"]


def test_each_line_is_taxed_at_the_rate_of_its_class() -> None:
    lines = [audit.OrderLineRow("o", str(n), 1, 1_000, 1_000) for n in range(3)]
    due = priced(lines, rates_bp=[2_300, 1_350, 0], coupon=None)
    assert (due.taxes, due.tax_minor) == ((230, 135, 0), 365)


def test_a_promotion_made_or_ended_just_now_may_be_got_or_not() -> None:
    evidence = FlashSale().evidence()
    order = evidence.audit.orders[where(evidence.audit.orders, id=PAID)]
    made = audit.PromotionRow(
        code="NEW", kind="percentage", priority=1, rate_bp=1_000, created_at=order.placed_at - 1.0
    )
    evidence.audit.promotions.append(made)
    assert PAID not in {stake.order_id for stake in judged(evidence, "INV-08").stakes}
    ended = change(made, created_at=0.0, valid_until=order.placed_at - 1.0, currency="CHF")
    evidence.audit.promotions[:] = [ended]
    evidence.audit.order_promotions.append(audit.OrderPromotionRow(PAID, "NEW"))
    assert judged(evidence, "INV-08").outcome is Outcome.PASS


def test_goods_whose_class_was_changed_meanwhile_accuse_nobody() -> None:
    evidence = FlashSale().evidence()
    variants = evidence.audit.variants
    variants[0] = change(variants[0], tax_class="zero", taxed_since=LOAD_STARTED_AT + 3_600)
    result = judged(evidence, "INV-08")
    assert result.outcome is Outcome.PASS
    assert result.observed


def test_an_erased_address_leaves_nothing_to_tax_by() -> None:
    evidence = FlashSale().evidence()
    alter(evidence.audit.orders, {"shipping_country": ""}, id=PAID)
    result = judged(evidence, "INV-08")
    assert result.outcome is Outcome.PASS
    assert result.observed == {"orders whose address was erased, left out": 1}
