"""Orders over HTTP: carts, coupons and orders for customers, insight and help for operators."""

from typing import Any

from svc.orders.api.cart import CartController
from svc.orders.api.coupons import CouponController
from svc.orders.api.internal import InternalController
from svc.orders.api.orders import OrderController

ROUTES: tuple[Any, ...] = (CartController, CouponController, OrderController, InternalController)
