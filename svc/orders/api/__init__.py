"""Orders over HTTP: carts, coupons and orders for customers and guests, insight and help for operators."""

from typing import Any

from svc.orders.api.cart import CartController, MergeController
from svc.orders.api.corrections import CorrectionController
from svc.orders.api.coupons import CouponController
from svc.orders.api.export import ExportController
from svc.orders.api.guests import (
    GuestCartController,
    GuestController,
    GuestHistoryController,
    GuestOrderController,
)
from svc.orders.api.internal import InternalController
from svc.orders.api.order_history import HistoryController
from svc.orders.api.orders import OrderController
from svc.orders.api.promotions import PromotionController
from svc.orders.api.staff import StaffController

ROUTES: tuple[Any, ...] = (
    CartController,
    MergeController,
    CouponController,
    PromotionController,
    OrderController,
    HistoryController,
    ExportController,
    StaffController,
    GuestController,
    GuestCartController,
    GuestOrderController,
    GuestHistoryController,
    InternalController,
    CorrectionController,
)
