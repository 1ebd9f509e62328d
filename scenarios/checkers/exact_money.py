"""INV-08: every order costs what catalog, tax table, rate table, promotions and its coupon say, to the minor unit.

An oracle of its own, in whole numbers and fractions only: prices of the time at which the order was drafted, what
promotions take off one after the other, a coupon spread by largest remainder, tax once per line and half up at the rate
of its class of goods. Of an order in another currency each unit price is the catalog's at the rate that the exchange's
own journal has under the name in the quote, half up. Shipping costs what was quoted for just these goods, and the quote
what the rates make of its boxes, which weigh what the goods do. It shares no line with the pricing it judges.

A shop that priced an order wrongly, or at another rate than it had promised, may say so once: on the evidence of a
repaired fleet a wrong price is undone where what the order should have cost stands beside it, as the oracle has it, and
what was too much went back.
"""

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import msgspec

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.checkers.standing import difference_owed
from scenarios.evidence.bundle import Evidence
from scenarios.evidence.rows import (
    CouponRow,
    OrderLineRow,
    OrderRow,
    PriceCorrectionRow,
    PriceRow,
    PromotionRow,
    ShippingQuoteRow,
    ShippingRateRow,
)
from scenarios.money_text import money_text
from shared.currencies import exponent
from shared.exchange_rates import rate_text

BASIS_POINTS = 10_000
CORRECTABLE = frozenset({"discount", "tax", "total"})
"""What of an order may be wrong and set right beside it."""
PRICE_AGE_S_MAX = 3.0
"""How long a shop may go on selling at a price that was changed: its caches, and the change's own commit."""
PROMOTION_AGE_S_MAX = 11.0
"""How long a shop may not know of a promotion that was made or ended: what its processes remember, and the commit."""
REQUEST_S_MAX = 15.0
"""How long before its order a request may have begun whose client we do not know."""
ITEM_WEIGHT_G = 500
"""What the shop says that any item weighs."""
NANO = 10**9


class Priced(msgspec.Struct, frozen=True):
    """What the oracle makes of the lines of an order."""

    discounts: tuple[int, ...]
    taxes: tuple[int, ...]
    subtotal_minor: int
    discount_minor: int
    tax_minor: int

    @property
    def goods_minor(self) -> int:
        """All but shipping."""
        return self.subtotal_minor - self.discount_minor + self.tax_minor


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    findings.require(evidence.audit.orders, "no order was placed")
    rules = Rules(evidence)
    for order in evidence.audit.orders:
        if not order.shipping_country:
            findings.observe("orders whose address was erased, left out")
            continue
        lines = sorted(evidence.lines_of.get(order.id, ()), key=lambda line: line.position)
        if not lines:
            findings.violation("order_without_lines", "the order has a total and no lines", order_id=order.id)
            continue
        requoted = _is_requoted(evidence, order, lines, rules, findings)
        rate = _judge_rate(evidence, order, findings, requoted=requoted)
        _judge_prices(evidence, order, lines, rules, rate, findings, requoted=requoted)
        _judge_tax_classes(evidence, order, lines, rules, findings)
        _judge_totals(evidence, order, lines, rules, findings)
        _judge_shipping(order, lines, rules, findings)
    return findings.result()


def priced(
    lines: Sequence[OrderLineRow],
    *,
    rates_bp: Sequence[int],
    coupon: CouponRow | None,
    promotions: Sequence[PromotionRow] = (),
    currency: str = "",
) -> Priced:
    """Discount, tax and sums of these quantities at these unit prices; one rate per line.

    The promotions are due as far as their currency and minimum let them be.
    """
    line_totals = [line.unit_price_minor * line.quantity for line in lines]
    subtotal = sum(line_totals)
    rests = _promoted(lines, line_totals, promotions, currency=currency)
    shares = _spread(_discount(coupon, sum(rests)), rests)
    discounts = [total - rest + share for total, rest, share in zip(line_totals, rests, shares, strict=True)]
    off = sum(discounts)
    taxes = [
        _half_up((total - less) * rate_bp)
        for total, less, rate_bp in zip(line_totals, discounts, rates_bp, strict=True)
    ]
    return Priced(tuple(discounts), tuple(taxes), subtotal, off, sum(taxes))


def due_of(
    order: OrderRow, lines: Sequence[OrderLineRow], rules: "Rules", promotions: Sequence[PromotionRow]
) -> Priced | None:
    """What the rules make of an order with its coupon and these promotions; None where a line has no tax rate."""
    rates_bp = [rules.tax_rate_bp.get((order.shipping_country, line.tax_class)) for line in lines]
    known_bp = [rate_bp for rate_bp in rates_bp if rate_bp is not None]
    if len(known_bp) < len(lines):
        return None
    coupon = rules.coupons.get(order.coupon) if order.coupon else None
    return priced(lines, rates_bp=known_bp, coupon=coupon, promotions=promotions, currency=order.currency)


def at_promised_rate(lines: Sequence[OrderLineRow], correction: PriceCorrectionRow | None) -> list[OrderLineRow]:
    """The lines at the unit prices that a correction says are right; as they are where it says nothing of prices."""
    prices = () if correction is None or not correction.unit_prices else correction.unit_prices.split(",")
    if len(prices) != len(lines):
        return list(lines)
    return [
        msgspec.structs.replace(line, unit_price_minor=int(price)) for line, price in zip(lines, prices, strict=True)
    ]


def is_right(correction: PriceCorrectionRow, order: OrderRow, due: Priced) -> bool:
    """Whether a correction says of the order what the rules do."""
    return (
        correction.discount_minor,
        correction.tax_minor,
        correction.shipping_minor,
        correction.total_minor,
        correction.charged_minor,
        correction.difference_minor,
        correction.discounts,
        correction.taxes,
    ) == (
        due.discount_minor,
        due.tax_minor,
        order.shipping_minor,
        due.goods_minor + order.shipping_minor,
        order.total_minor,
        order.total_minor - due.goods_minor - order.shipping_minor,
        ",".join(map(str, due.discounts)),
        ",".join(map(str, due.taxes)),
    )


def _promoted(
    lines: Sequence[OrderLineRow], line_totals: Sequence[int], promotions: Sequence[PromotionRow], *, currency: str
) -> list[int]:
    """What promotions leave of each line: one after the other, by priority and code, each on what is left.

    An exclusive one takes only lines that are whole, and keeps them to itself.
    """
    rests, kept = list(line_totals), [False] * len(lines)
    for promotion in sorted(promotions, key=lambda row: (row.priority, row.code)):
        if promotion.currency not in {"", currency} or sum(line_totals) < promotion.minimum_minor:
            continue
        wanted = set(promotion.skus.split(",")) if promotion.skus else None
        weights = [
            0
            if kept[n]
            or (wanted is not None and line.sku not in wanted)
            or (promotion.exclusive and rests[n] != line_totals[n])
            else rests[n]
            for n, line in enumerate(lines)
        ]
        if promotion.rate_bp is not None:
            offs = [_half_up(weight * promotion.rate_bp) for weight in weights]
        elif promotion.amount_minor is not None:
            offs = _spread(min(promotion.amount_minor, sum(weights)), weights)
        else:
            group = (promotion.buy_units or 0) + (promotion.free_units or 0)
            offs = [
                min(weight, line.unit_price_minor * (line.quantity // group) * (promotion.free_units or 0))
                for weight, line in zip(weights, lines, strict=True)
            ]
        kept = [was or (promotion.exclusive and off > 0) for was, off in zip(kept, offs, strict=True)]
        rests = [rest - off for rest, off in zip(rests, offs, strict=True)]
    return rests


def shipping_minor(
    bands: Sequence[ShippingRateRow], *, loads: Sequence[tuple[int, int]], worth_minor: int | None
) -> dict[str, int]:
    """What each carrier takes for boxes of (grams, cubic millimetres), in minor units."""
    return {
        carrier: _carried_minor([band for band in bands if band.carrier == carrier], loads, worth_minor)
        for carrier in {band.carrier for band in bands}
    }


def _carried_minor(bands: Sequence[ShippingRateRow], loads: Sequence[tuple[int, int]], worth_minor: int | None) -> int:
    """Full parcels of the heaviest band and the cheapest band that carries the rest, of each box by weight or room.

    Free from the bound on that the heaviest of the last parcels names.
    """
    heaviest = max(bands, key=lambda band: band.weight_g_max)
    total, lasts = 0, [min(bands, key=lambda band: band.weight_g_max)]
    for weight_g, volume_mm3 in loads:
        room_g = ceil(Fraction(volume_mm3, heaviest.cm3_per_kg))
        full, rest_g = divmod(max(1, weight_g, room_g), heaviest.weight_g_max)
        last = heaviest
        if rest_g:
            last = min((band for band in bands if band.weight_g_max >= rest_g), key=lambda band: band.weight_g_max)
        total += full * heaviest.amount_minor + (last.amount_minor if rest_g else 0)
        lasts.append(last)
    free_from = max(lasts, key=lambda band: band.weight_g_max).free_from_minor
    return 0 if free_from is not None and worth_minor is not None and worth_minor >= free_from else total


class Rules:
    """The rules as the services' own audit views tell them."""

    def __init__(self, evidence: Evidence) -> None:
        self.tax_rate_bp = {(row.country, row.tax_class): row.rate_bp for row in evidence.audit.tax_rates}
        self.variants = {row.sku: row for row in evidence.audit.variants}
        self.coupons = {row.code: row for row in evidence.audit.coupons}
        self.promotions = {row.code: row for row in evidence.audit.promotions}
        self._promoted: dict[str, set[str]] = defaultdict(set)
        for promoted in evidence.audit.order_promotions:
            self._promoted[promoted.order_id].add(promoted.code)
        self._prices: dict[tuple[str, str], list[PriceRow]] = defaultdict(list)
        for row in evidence.audit.prices:
            self._prices[row.sku, row.currency].append(row)
        self._bands: dict[tuple[str, str, str], list[ShippingRateRow]] = defaultdict(list)
        for rate in evidence.audit.shipping_rates:
            self._bands[rate.country, rate.currency, rate.method].append(rate)
        self.deliveries = {row.order_id: row for row in evidence.audit.order_deliveries}
        self.quotes = {row.id: row for row in evidence.audit.shipping_quotes}
        self.measures = {row.sku: row for row in evidence.audit.item_measures}

    def prices(self, sku: str, currency: str, *, after: float, before: float) -> set[int]:
        """Every price that was in force at some time between the two."""
        return {
            row.price_minor
            for row in self._prices[sku, currency]
            if row.valid_from <= before and (row.valid_until is None or row.valid_until >= after)
        }

    def got(self, order: OrderRow) -> set[str]:
        """The codes of the promotions that the order says it got."""
        return self._promoted.get(order.id, set())

    def bands(self, order: OrderRow) -> list[ShippingRateRow]:
        """The rates of the order's country; one without a zone of its own is the world's."""
        place = order.currency, order.shipping_method
        return self._bands.get((order.shipping_country, *place)) or self._bands.get(("", *place), [])


class Rate(msgspec.Struct, frozen=True):
    """What one unit of `source` is worth in `target`."""

    source: str
    target: str
    exact: Fraction

    def converted(self, price_minor: int) -> int:
        """A unit price, half up."""
        exact = price_minor * self.exact * Fraction(10 ** exponent(self.target), 10 ** exponent(self.source))
        return int(exact + Fraction(1, 2))


def _is_requoted(
    evidence: Evidence, order: OrderRow, lines: Sequence[OrderLineRow], rules: Rules, findings: Findings
) -> bool:
    """Whether beside the order stands what its goods cost at the rate that was promised, and nothing else does."""
    correction, pinned = evidence.corrections.get(order.id), evidence.conversions.get(order.id)
    if correction is None or not correction.unit_prices:
        return False
    quote = None if pinned is None else evidence.quotes.get(pinned.quote_id)
    asked = _asked_at(evidence, order)
    right = at_promised_rate(lines, correction)
    is_promised = (
        pinned is not None
        and quote is not None
        and quote.rate_nano == correction.rate_nano
        and all(
            line.unit_price_minor
            in {
                Rate(pinned.priced_in, order.currency, Fraction(quote.rate_nano, NANO)).converted(price)
                for price in rules.prices(
                    line.sku, pinned.priced_in, after=asked - PRICE_AGE_S_MAX, before=order.placed_at
                )
            }
            for line in right
        )
        and len(correction.unit_prices.split(",")) == len(lines)
    )
    findings.check()
    if not is_promised:
        findings.violation(
            "corrected_otherwise_than_promised",
            f"the shop says that {correction.unit_prices} were its right prices at "
            f"{rate_text(correction.rate_nano or 0)}, which was not promised or are not the catalog's",
            order_id=order.id,
        )
    return is_promised


def _judge_rate(evidence: Evidence, order: OrderRow, findings: Findings, *, requoted: bool) -> Rate | None:
    """The rate that the order's prices must be at; None when it is in the currency of its goods."""
    pinned = evidence.conversions.get(order.id)
    if pinned is None:
        return None
    findings.check()
    quote = evidence.quotes.get(pinned.quote_id)
    about = (order.customer_id, pinned.priced_in, order.currency)
    if quote is None or (quote.customer_id, quote.from_currency, quote.to_currency) != about:
        findings.violation(
            "quote_differs",
            f"the order is pinned to quote {pinned.quote_id}, which payments "
            f"{'never gave' if quote is None else 'gave to somebody else or between other currencies'}",
            order_id=order.id,
        )
        return Rate(pinned.priced_in, order.currency, Fraction(pinned.rate_nano, NANO))
    if order.placed_at - REQUEST_S_MAX > quote.expires_at:
        findings.violation(
            "quote_out_of_time",
            f"the rate was promised until {order.placed_at - quote.expires_at:.0f} s before the order",
            order_id=order.id,
        )
    said = evidence.exchange_rates.get(quote.exchange_rate_id)
    exact = Fraction(quote.rate_nano, NANO) if said is None else Fraction(said.rate)
    if {Fraction(pinned.rate_nano, NANO), Fraction(quote.rate_nano, NANO)} != {exact}:
        findings.damage(
            "rate_differs",
            f"the exchange said {'nothing that is known' if said is None else said.rate}, payments quoted "
            f"{rate_text(quote.rate_nano)}, the order is at {rate_text(pinned.rate_nano)}",
            undone=requoted and Fraction(quote.rate_nano, NANO) == exact,
            order_id=order.id,
        )
    return Rate(pinned.priced_in, order.currency, exact)


def _judge_prices(
    evidence: Evidence,
    order: OrderRow,
    lines: Sequence[OrderLineRow],
    rules: Rules,
    rate: Rate | None,
    findings: Findings,
    *,
    requoted: bool,
) -> None:
    asked = _asked_at(evidence, order)
    currency = order.currency if rate is None else rate.source
    for line in lines:
        findings.check()
        rightful = rules.prices(line.sku, currency, after=asked - PRICE_AGE_S_MAX, before=order.placed_at)
        if rate is not None:
            rightful = {rate.converted(price) for price in rightful}
        if line.unit_price_minor in rightful:
            continue
        said = " or ".join(money_text(price, order.currency) for price in sorted(rightful)) or "no price"
        findings.damage(
            "price_differs",
            f"{line.quantity} × {line.sku} at {money_text(line.unit_price_minor, order.currency)}, "
            f"the catalog said {said}",
            undone=requoted,
            order_id=order.id,
            sku=line.sku,
            weight=min((abs(line.unit_price_minor - price) for price in rightful), default=1) * line.quantity,
        )


def _judge_tax_classes(
    evidence: Evidence, order: OrderRow, lines: Sequence[OrderLineRow], rules: Rules, findings: Findings
) -> None:
    asked = _asked_at(evidence, order)
    for line in lines:
        goods = rules.variants.get(line.sku)
        if goods is None or goods.taxed_since >= asked - PRICE_AGE_S_MAX:
            findings.observe("lines whose goods were taxed otherwise, or are gone, since they were ordered")
            continue
        findings.check()
        if line.tax_class != goods.tax_class:
            findings.violation(
                "tax_class_differs",
                f"{line.sku} is taxed as {line.tax_class}, the catalog says {goods.tax_class}",
                order_id=order.id,
                sku=line.sku,
            )


def _judge_totals(
    evidence: Evidence, order: OrderRow, lines: Sequence[OrderLineRow], rules: Rules, findings: Findings
) -> None:
    promotions = _promotions_due(evidence, order, rules, findings)
    due = due_of(order, lines, rules, promotions)
    if due is None:
        classes = sorted({line.tax_class for line in lines})
        findings.violation(
            "no_tax_rate",
            f"delivery to {order.shipping_country} has no tax rate for one of {classes}",
            order_id=order.id,
        )
        return
    coupon = rules.coupons.get(order.coupon) if order.coupon else None
    if order.coupon and (coupon is None or not _applies(coupon, order)):
        findings.violation("coupon_not_due", f"coupon {order.coupon} does not apply to this order", order_id=order.id)
    findings.check()
    right = due_of(order, at_promised_rate(lines, evidence.corrections.get(order.id)), rules, promotions)
    assert right is not None, "prices change no tax rate"
    corrected = _judge_correction(evidence, order, right, findings)
    for what, stored, right in (
        ("line_total", sum(line.line_total_minor for line in lines), due.subtotal_minor),
        ("subtotal", order.subtotal_minor, due.subtotal_minor),
        ("discount", order.discount_minor, due.discount_minor),
        ("tax", order.tax_minor, due.tax_minor),
        ("total", order.total_minor, due.goods_minor + order.shipping_minor),
    ):
        if stored != right:
            findings.damage(
                "amount_differs",
                f"{what} is {money_text(stored, order.currency)}, the rules make it "
                f"{money_text(right, order.currency)}",
                undone=corrected and what in CORRECTABLE,
                order_id=order.id,
                weight=abs(stored - right),
            )
    shares = [(line.discount_minor, line.tax_minor) for line in lines]
    rightful = list(zip(due.discounts, due.taxes, strict=True))
    if shares != rightful:
        findings.damage(
            "share_differs",
            f"the lines' shares of discount and tax are {shares}, the rules make them {rightful}",
            undone=corrected,
            order_id=order.id,
        )


def _judge_correction(evidence: Evidence, order: OrderRow, due: Priced, findings: Findings) -> bool:
    """Whether the order was corrected as the rules have it, and its customer is no worse off than by a right price."""
    correction = evidence.corrections.get(order.id)
    if correction is None:
        return False
    findings.check()
    if not is_right(correction, order, due):
        findings.violation(
            "correction_differs",
            f"the shop says that {money_text(correction.total_minor, order.currency)} was right, the rules make it "
            f"{money_text(due.goods_minor + order.shipping_minor, order.currency)}",
            order_id=order.id,
            weight=abs(correction.total_minor - due.goods_minor - order.shipping_minor),
        )
        return False
    owed_minor, back_minor = difference_owed(evidence, correction)
    if back_minor != owed_minor:
        findings.violation(
            "difference_not_returned",
            f"{money_text(owed_minor, order.currency)} too much was to go back, "
            f"{money_text(back_minor, order.currency)} did",
            order_id=order.id,
            amount_minor=abs(owed_minor - back_minor),
            weight=abs(owed_minor - back_minor),
        )
    return back_minor == owed_minor


def _judge_shipping(order: OrderRow, lines: Sequence[OrderLineRow], rules: Rules, findings: Findings) -> None:
    """The order costs what shipping quoted for its goods, and the quote is what the rates make of its boxes."""
    pinned = rules.deliveries.get(order.id)
    quote = None if pinned is None else rules.quotes.get(pinned.quote_id)
    if pinned is None or quote is None:
        findings.violation("not_quoted", "shipping never quoted what its delivery costs", order_id=order.id)
        return
    findings.check()
    if order.shipping_minor != quote.amount_minor:
        findings.violation(
            "shipping_differs",
            f"shipping is {money_text(order.shipping_minor, order.currency)}, quoted was "
            f"{money_text(quote.amount_minor, quote.currency)}",
            order_id=order.id,
            weight=abs(order.shipping_minor - quote.amount_minor),
        )
    for what, of_order, of_quote in (
        ("customer", order.customer_id if pinned.personal else "", quote.customer_id),
        ("goods", ",".join(sorted(f"{line.sku}:{line.quantity}" for line in lines)), _sorted(quote.goods)),
        ("country", order.shipping_country, quote.country),
        ("method", order.shipping_method, quote.method),
        ("currency", order.currency, quote.currency),
        ("carrier", pinned.carrier, quote.carrier),
        ("worth", "" if pinned.personal else order.subtotal_minor, "" if pinned.personal else quote.subtotal_minor),
    ):
        if of_order != of_quote:
            findings.violation(
                "quoted_for_another",
                f"the order's {what} is {of_order}, the quote is for {of_quote}",
                order_id=order.id,
            )
    if order.placed_at - REQUEST_S_MAX > quote.expires_at:
        if pinned.personal:
            findings.violation(
                "shipping_quote_out_of_time",
                f"the cost of shipping was promised until {order.placed_at - quote.expires_at:.0f} s before the order",
                order_id=order.id,
            )
        else:
            findings.observe("orders at what shipping said last, whose time was over")
    _judge_quote(order, quote, rules, findings)


def _judge_quote(order: OrderRow, quote: ShippingQuoteRow, rules: Rules, findings: Findings) -> None:
    bands = rules.bands(order)
    if not bands:
        findings.violation(
            "no_shipping_rate",
            f"no {order.shipping_method} rate in {order.currency} to {order.shipping_country}",
            order_id=order.id,
        )
        return
    goods = {sku: int(count) for sku, _, count in (one.rpartition(":") for one in quote.goods.split(","))}
    measured = [rules.measures[sku] for sku in goods if sku in rules.measures]
    if any(row.updated_at > quote.created_at for row in (*bands, *measured)):
        findings.observe("orders whose shipping rate or goods were changed since they were quoted")
        return
    loads = [(int(weight), int(volume)) for weight, _, volume in (one.partition(":") for one in quote.loads.split(","))]
    weight_of = {row.sku: row.weight_g for row in measured}
    weight_g = sum(weight_of.get(sku, ITEM_WEIGHT_G) * count for sku, count in goods.items())
    findings.check()
    if weight_g != sum(weight for weight, _ in loads):
        findings.violation(
            "packed_differently", f"the goods weigh {weight_g} g, the boxes quoted {quote.loads}", order_id=order.id
        )
    due = shipping_minor(bands, loads=loads, worth_minor=quote.subtotal_minor)
    if quote.amount_minor == min(due.values()) == due.get(quote.carrier):
        return
    findings.violation(
        "rate_not_kept",
        f"{money_text(quote.amount_minor, quote.currency)} by {quote.carrier} was quoted, the rates make it "
        f"{money_text(min(due.values()), quote.currency)}",
        order_id=order.id,
        weight=abs(quote.amount_minor - min(due.values())),
    )


def _sorted(goods: str) -> str:
    return ",".join(sorted(goods.split(",")))


def _promotions_due(evidence: Evidence, order: OrderRow, rules: Rules, findings: Findings) -> list[PromotionRow]:
    """Those that the order got and may have got, and those that it must have got."""
    asked, got = _asked_at(evidence, order), rules.got(order)
    for code in sorted(got):
        promotion = rules.promotions.get(code)
        begins = None if promotion is None else max(promotion.valid_from or 0.0, promotion.created_at)
        ended = promotion is not None and promotion.valid_until is not None and (
            promotion.valid_until + PROMOTION_AGE_S_MAX < asked
        )  # fmt: skip
        if begins is None or begins > order.placed_at or ended:
            findings.violation("promotion_not_due", f"promotion {code} was not in force", order_id=order.id)
    return [
        promotion
        for promotion in rules.promotions.values()
        if promotion.code in got
        or (
            max(promotion.valid_from or 0.0, promotion.created_at) + PROMOTION_AGE_S_MAX <= asked
            and (promotion.valid_until is None or promotion.valid_until > order.placed_at)
        )
    ]


def _asked_at(evidence: Evidence, order: OrderRow) -> float:
    """The earliest moment at which the order may have been priced."""
    return evidence.first_tried_at.get((order.customer_id, order.idempotency_key), order.placed_at - REQUEST_S_MAX)


def _applies(coupon: CouponRow, order: OrderRow) -> bool:
    in_time = (coupon.valid_from is None or coupon.valid_from <= order.placed_at) and (
        coupon.valid_until is None or order.placed_at - REQUEST_S_MAX < coupon.valid_until
    )
    return in_time and coupon.currency in {"", order.currency} and order.subtotal_minor >= coupon.minimum_minor


def _discount(coupon: CouponRow | None, subtotal: int) -> int:
    if coupon is None:
        return 0
    off = _half_up(subtotal * coupon.rate_bp) if coupon.rate_bp is not None else coupon.amount_minor or 0
    return min(off, subtotal)


def _half_up(scaled: int) -> int:
    """A product with basis points as minor units; amounts are never negative here."""
    return (2 * scaled + BASIS_POINTS) // (2 * BASIS_POINTS)


def _spread(total: int, weights: Sequence[int]) -> list[int]:
    """Largest remainder: rounded down first, then one unit each to those that lost most, earlier ones first."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    lost = sorted(range(len(weights)), key=lambda index: (-(total * weights[index] - parts[index] * whole), index))
    for index in lost[: total - sum(parts)]:
        parts[index] += 1
    return parts


CHECKER = Checker(
    id="INV-08",
    name="exact-money",
    statement="order lines, discount, tax, shipping and total are what catalog, quotes and rules say, "
    "to the minor unit",
    witness="an independent oracle × catalog's prices and tax classes × the exchange's journal × shipping's quotes and "
    "rates × tax, promotion and coupon rules",
    needs=(
        "orders.orders",
        "orders.order_lines",
        "orders.order_conversions",
        "orders.order_deliveries",
        "payments.conversion_quotes",
        "orders.tax_rates",
        "orders.coupons",
        "orders.promotions",
        "orders.order_promotions",
        "orders.price_corrections",
        "payments.refunds",
        "catalog.prices",
        "catalog.variants",
        "shipping.shipping_rates",
        "shipping.shipping_quotes",
        "shipping.item_measures",
    ),
    examine=examine,
)
