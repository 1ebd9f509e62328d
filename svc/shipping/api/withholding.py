"""For orders: whether the goods of an order can still be kept here."""

from uuid import UUID

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from shared.database import Database
from shared.identity import requires_role
from svc.shipping.domain.parcels import Withholding
from svc.shipping.handlers import orders


class WithholdingAnswer(msgspec.Struct, frozen=True):
    outcome: Withholding


class WithholdingController(Controller):
    path = "/internal/orders"
    tags = ("internal",)
    guards = (requires_role("service"),)

    @post("/{order_id:uuid}/withhold", status_code=200)
    async def withhold(self, order_id: FromPath[UUID], database: NamedDependency[Database]) -> WithholdingAnswer:
        """Keep an order's goods here and say whether they are; `undecided` means: ask again."""
        async with database.begin() as uow:
            return WithholdingAnswer(await orders.withhold(uow, order_id))
