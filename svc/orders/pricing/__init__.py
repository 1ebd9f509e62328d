"""What an order costs and why: lines → subtotal, discount, tax, shipping, total, and an explanation of each.

Pure and alone: no I/O, no clock, no other package of this service. Nothing else in the fleet computes money.
Stacking order, stated once: unit prices in the currency of the order, line totals, then promotions (promotions.py says
how they stack), then one coupon on what they left (never below zero), then tax per line on what is left of it, at the
rate of its class of goods, then shipping, which is neither discounted nor taxed.
"""

from svc.orders.pricing.conversion import Conversion, NotConvertible, QuoteNotApplicable
from svc.orders.pricing.discount import (
    Coupon,
    CouponKind,
    CouponNotApplicable,
    UnknownCoupon,
    validate_coupon,
)
from svc.orders.pricing.model import Explanation, Line, MixedCurrencies, PricedLine, Totals
from svc.orders.pricing.promotions import Promotion, PromotionKind
from svc.orders.pricing.tax import TAX_RATES_BP, TAX_ROUNDING, UnsupportedCountry, check_country, tax_rate_bp
from svc.orders.pricing.totals import PriceOrder, calculate_order_total

__all__ = [
    "TAX_RATES_BP",
    "TAX_ROUNDING",
    "Conversion",
    "Coupon",
    "CouponKind",
    "CouponNotApplicable",
    "Explanation",
    "Line",
    "MixedCurrencies",
    "NotConvertible",
    "PriceOrder",
    "PricedLine",
    "Promotion",
    "PromotionKind",
    "QuoteNotApplicable",
    "Totals",
    "UnknownCoupon",
    "UnsupportedCountry",
    "calculate_order_total",
    "check_country",
    "tax_rate_bp",
    "validate_coupon",
]
