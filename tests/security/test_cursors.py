"""Cursors of the right shape with values that no engine takes: refused as the caller's, by every list of the fleet."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.pagination import encode_cursor
from svc.auth.api.accounts import USERS_ORDER
from svc.notifications.api.feed import ORDER as NOTIFICATIONS_ORDER
from svc.orders.api.orders import LIST as ORDERS_ORDER
from tests.support.probes import person, whole

EARLY = "0001-01-01T00:00:00+14:00"
LATE = "9999-12-31T23:59:59-14:00"
ALL_ROLES = ("customer", "support", "admin")
TIMED = [
    ("auth", "/api/v1/users", USERS_ORDER),
    ("orders", "/api/v1/orders", ORDERS_ORDER),
    ("notifications", "/api/v1/notifications", NOTIFICATIONS_ORDER),
]


@pytest.mark.parametrize(("name", "path", "order"), TIMED)
async def test_a_moment_out_of_all_calendars_is_an_invalid_cursor(engines, prefix, name, path, order):
    async with whole(engines, name, prefix) as service:
        caller = person(*ALL_ROLES)
        good = encode_cursor(order, (datetime.now(UTC), uuid4()))
        assert (await service.call("GET", f"{path}?cursor={good}", principal=caller))[0] == 200
        for moment in (EARLY, LATE):
            cursor = encode_cursor(order, (moment, uuid4()))
            status, problem = await service.call("GET", f"{path}?cursor={cursor}", principal=caller)
            assert (status, problem["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("since", ["0001-01-01", "9999-12-31"])
async def test_a_report_of_another_age_is_refused(engines, prefix, since):
    async with whole(engines, "analytics", prefix) as analytics:
        target = f"/api/v1/reports/revenue?since={since}&until={since}"
        status, problem = await analytics.call("GET", target, principal=person("admin"))
        assert (status, problem["code"]) == (400, "out_of_range")


@pytest.mark.parametrize("field", ["valid_from", "valid_until"])
@pytest.mark.parametrize("moment", [EARLY, LATE])
async def test_a_coupon_of_another_age_is_refused(engines, prefix, field, moment):
    async with whole(engines, "orders", prefix) as orders:
        coupon = {"code": "SAVE", "rate_bp": 100, field: moment}
        status, problem = await orders.call("POST", "/api/v1/coupons", json=coupon, principal=person("admin"))
        assert (status, problem["code"]) == (400, "out_of_range")


@pytest.mark.service("orders")
async def test_a_coupon_ends_after_it_begins(engines, prefix):
    async with whole(engines, "orders", prefix) as orders:
        coupon = {
            "code": "SAVE", "rate_bp": 100, "valid_from": "2026-02-01T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z",
        }  # fmt: skip
        status, problem = await orders.call("POST", "/api/v1/coupons", json=coupon, principal=person("admin"))
        assert (status, problem["code"]) == (422, "invalid_coupon")
        assert (await orders.call("GET", "/api/v1/coupons/SAVE", principal=person("customer")))[0] == 404
