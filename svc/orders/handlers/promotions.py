"""How staff makes and ends a promotion: once per code, its terms are never changed."""

from datetime import datetime

from shared.errors import Kind, Refusal
from shared.unit_of_work import UnitOfWork
from svc.orders.pricing import Promotion
from svc.orders.store import promotions

PROMOTIONS_MAX = 100
"""That are in force or will be: each one is looked at for every order."""


class PromotionExists(Refusal):
    """The code is taken by a promotion of other terms."""

    code = "promotion_exists"
    kind = Kind.CONFLICT


class TooManyPromotions(Refusal):
    """End one first."""

    code = "too_many_promotions"
    kind = Kind.CONFLICT


class NoSuchPromotion(Refusal):
    code = "promotion_not_found"
    kind = Kind.NOT_FOUND


async def make_promotion(uow: UnitOfWork, promotion: Promotion, *, now: datetime) -> None:
    """Make a promotion; the same one again changes nothing. Raises `PromotionExists`, `TooManyPromotions`."""
    await promotions.lock_all(uow.connection)
    if await promotions.put(uow.connection, promotion):
        if len(await promotions.coming(uow.connection, now, rows_max=PROMOTIONS_MAX + 1)) > PROMOTIONS_MAX:
            raise TooManyPromotions(f"at most {PROMOTIONS_MAX} may be in force or to come")
        return
    if await promotions.find(uow.connection, promotion.code) != promotion:
        raise PromotionExists("this code is taken", promotion=promotion.code)


async def end_promotion(uow: UnitOfWork, code: str, *, now: datetime) -> Promotion:
    """Let a promotion end; one that has ended stays as it is. Raises `NoSuchPromotion`."""
    ended = await promotions.end(uow.connection, code, now) or await promotions.find(uow.connection, code)
    if ended is None:
        raise NoSuchPromotion("there is no such promotion")
    return ended
