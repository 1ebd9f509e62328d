"""INV-04: nobody gets more than the limit allows: units per customer and SKU, uses of a coupon.

The witness is what clients were told; a cancelled order frees its customer's allowance.
"""

from collections import defaultdict

from scenarios.checkers.occupancy import Stay, excesses
from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence, Purchase
from scenarios.evidence.facts import CouponLimit


def examine(evidence: Evidence) -> Finding:
    findings = Findings(evidence)
    limits = {row.sku: row.per_customer for row in evidence.audit.purchase_limits}
    limits |= {limit.sku: limit.per_customer for limit in evidence.facts.limits}
    findings.require(limits or evidence.facts.coupons, "no purchase limit and no coupon limit was in force")
    for sku, per_customer in sorted(limits.items()):
        _judge_units(evidence, sku, per_customer, findings)
    for coupon in evidence.facts.coupons:
        _judge_coupon(evidence, coupon, findings)
    return findings.result()


def _judge_units(evidence: Evidence, sku: str, per_customer: int, findings: Findings) -> None:
    wanted: dict[str, dict[str, int]] = defaultdict(dict)
    for purchase in evidence.purchases:
        if purchase.units(sku):
            wanted[purchase.customer_id][purchase.key] = purchase.units(sku)
    pressing = sum(1 for keys in wanted.values() if sum(keys.values()) > per_customer)
    findings.observe("customers who asked for more than the limit", pressing)
    findings.require(pressing, f"nobody asked for more than {per_customer} × {sku}")
    stays: dict[str, list[Stay]] = defaultdict(list)
    for order_id, purchase in evidence.confirmed.items():
        if count := purchase.units(sku):
            stays[purchase.customer_id].append(_stay(evidence, order_id, purchase, count))
    for customer_id, of_customer in sorted(stays.items()):
        findings.check()
        undone = sum(stay.units for stay in of_customer if stay.left_at is None) <= per_customer
        for excess in excesses(of_customer, lambda _: per_customer):
            findings.damage(
                "limit_exceeded",
                f"customer {customer_id} got {excess.occupied} × {sku}, the limit is {per_customer}",
                undone=undone,
                order_id=excess.stay.order_id,
                sku=sku,
                at=excess.stay.entered_at,
                weight=excess.occupied - per_customer,
            )


def _judge_coupon(evidence: Evidence, coupon: CouponLimit, findings: Findings) -> None:
    attempts = [purchase for purchase in evidence.purchases if purchase.coupon == coupon.code]
    uses = [
        (purchase.customer_id, _stay(evidence, order_id, purchase, 1))
        for order_id, purchase in evidence.confirmed.items()
        if purchase.coupon == coupon.code and purchase.answer.discount_minor > 0
    ]
    findings.check(len(uses))
    if coupon.total is not None:
        tried = len({(purchase.customer_id, purchase.key) for purchase in attempts})
        findings.require(tried > coupon.total, f"coupon {coupon.code} was tried {tried} ×, no more than allowed")
        _judge_uses([stay for _, stay in uses], coupon.total, coupon.code, findings)
    if coupon.per_customer is not None:
        by_customer: dict[str, list[Stay]] = defaultdict(list)
        for customer_id, stay in uses:
            by_customer[customer_id].append(stay)
        for stays in by_customer.values():
            _judge_uses(stays, coupon.per_customer, coupon.code, findings)


def _judge_uses(stays: list[Stay], limit: int, code: str, findings: Findings) -> None:
    for excess in excesses(stays, lambda _: limit):
        findings.damage(
            "coupon_overused",
            f"coupon {code} was used {excess.occupied} ×, {limit} were allowed",
            undone=excess.stay.left_at is not None,
            order_id=excess.stay.order_id,
            at=excess.stay.entered_at,
            weight=excess.occupied - limit,
        )


def _stay(evidence: Evidence, order_id: str, purchase: Purchase, units: int) -> Stay:
    return Stay(
        order_id,
        units,
        purchase.completed_at or purchase.invoked_at,
        evidence.cancelled_at.get(order_id),
    )


CHECKER = Checker(
    id="INV-04",
    name="limits-held",
    statement="per-customer limits and coupon limits hold",
    witness="client history",
    needs=("orders.order_transitions",),
    examine=examine,
)
