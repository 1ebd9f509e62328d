"""How staff makes a coupon: once per code, and a repetition of the same terms changes nothing."""

from shared.errors import Kind, Refusal
from shared.unit_of_work import UnitOfWork
from svc.orders.store import coupons
from svc.orders.store.coupons import CouponTerms


class CouponExists(Refusal):
    """The code is taken by a coupon of other terms."""

    code = "coupon_exists"
    kind = Kind.CONFLICT


async def make_coupon(uow: UnitOfWork, terms: CouponTerms) -> None:
    """Make a coupon; the same one again changes nothing. Raises `CouponExists`."""
    if await coupons.put(uow.connection, terms):
        return
    known = await coupons.find_use(uow.connection, terms.coupon.code)
    if known is None or known.terms != terms:
        raise CouponExists("this code is taken", coupon=terms.coupon.code)
