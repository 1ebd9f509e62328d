"""Who may do what: the matrix of public routes and roles, written once as data and tried cell by cell."""

import pytest

from tests.support.apps import BEHIND, routes
from tests.support.probes import ask, filled, person, whole

ROLES = ("customer", "seller", "support", "admin")
EVERYBODY = frozenset(ROLES)
STAFF = frozenset({"support", "admin"})
EDITORS = frozenset({"seller", "admin"})
ADMIN = frozenset({"admin"})
SELLERS = frozenset({"seller"})

# Routes that need a token, and the roles that pass; whose object it is, is another question (test_ownership.py).
POLICY = {
    ("auth", "DELETE", "/api/v1/auth/me"): EVERYBODY,
    ("auth", "DELETE", "/api/v1/auth/sessions/{session_id:uuid}"): EVERYBODY,
    ("auth", "GET", "/api/v1/auth/me"): EVERYBODY,
    ("auth", "GET", "/api/v1/auth/sessions"): EVERYBODY,
    ("auth", "GET", "/api/v1/users"): STAFF,
    ("auth", "GET", "/api/v1/users/{user_id:uuid}"): STAFF,
    ("auth", "PATCH", "/api/v1/auth/me"): EVERYBODY,
    ("auth", "PATCH", "/api/v1/users/{user_id:uuid}"): ADMIN,
    ("auth", "POST", "/api/v1/auth/logout"): EVERYBODY,
    ("auth", "POST", "/api/v1/auth/logout-everywhere"): EVERYBODY,
    ("auth", "POST", "/api/v1/auth/password"): EVERYBODY,
    ("auth", "DELETE", "/api/v1/auth/api-keys/{key_id:uuid}"): EVERYBODY,
    ("auth", "GET", "/api/v1/auth/api-keys"): EVERYBODY,
    ("auth", "GET", "/api/v1/auth/me/export"): EVERYBODY,
    ("auth", "GET", "/api/v1/auth/security-events"): ADMIN,
    ("auth", "GET", "/api/v1/auth/totp"): EVERYBODY,
    ("auth", "POST", "/api/v1/auth/api-keys"): EVERYBODY,
    ("auth", "POST", "/api/v1/auth/totp"): EVERYBODY,
    ("auth", "POST", "/api/v1/auth/totp/confirm"): EVERYBODY,
    ("auth", "POST", "/api/v1/auth/totp/disable"): EVERYBODY,
    ("auth", "POST", "/api/v1/auth/totp/recovery-codes"): EVERYBODY,
    ("catalog", "DELETE", "/api/v1/products/{reference:str}"): EDITORS,
    ("catalog", "DELETE", "/api/v1/products/{reference:str}/variants/{sku:str}"): EDITORS,
    ("catalog", "DELETE", "/api/v1/products/{reference:str}/price-windows/{window_id:uuid}"): EDITORS,
    ("catalog", "GET", "/api/v1/product-imports/{import_id:uuid}"): EDITORS,
    ("catalog", "GET", "/api/v1/product-imports/{import_id:uuid}/errors"): EDITORS,
    ("catalog", "GET", "/api/v1/products/{reference:str}/price-windows"): EDITORS,
    ("catalog", "GET", "/api/v1/products/{reference:str}/staff"): ADMIN,
    ("catalog", "POST", "/api/v1/categories/move"): ADMIN,
    ("catalog", "POST", "/api/v1/products/{reference:str}/price-windows"): EDITORS,
    ("catalog", "PUT", "/api/v1/product-imports/{import_id:uuid}"): EDITORS,
    ("catalog", "PATCH", "/api/v1/products/{reference:str}"): EDITORS,
    ("catalog", "POST", "/api/v1/categories"): ADMIN,
    ("catalog", "POST", "/api/v1/products"): EDITORS,
    ("catalog", "PUT", "/api/v1/products/{reference:str}/staff"): ADMIN,
    ("catalog", "PUT", "/api/v1/products/{reference:str}/variants/{sku:str}"): EDITORS,
    ("inventory", "GET", "/api/v1/stock/low"): ADMIN,
    ("inventory", "GET", "/api/v1/stock/takes"): ADMIN,
    ("inventory", "GET", "/api/v1/stock/warehouses"): ADMIN,
    ("inventory", "POST", "/api/v1/stock/import"): ADMIN,
    ("inventory", "POST", "/api/v1/stock/receipts"): ADMIN,
    ("inventory", "POST", "/api/v1/stock/takes"): ADMIN,
    ("inventory", "POST", "/api/v1/stock/takes/{take_id:uuid}/cancel"): ADMIN,
    ("inventory", "POST", "/api/v1/stock/takes/{take_id:uuid}/count"): ADMIN,
    ("inventory", "POST", "/api/v1/stock/transfers"): ADMIN,
    ("inventory", "PUT", "/api/v1/stock/rules/{sku:str}"): ADMIN,
    ("inventory", "PUT", "/api/v1/stock/warehouses/{code:str}"): ADMIN,
    ("orders", "DELETE", "/api/v1/cart"): EVERYBODY,
    ("orders", "DELETE", "/api/v1/cart/items/{sku:str}"): EVERYBODY,
    ("orders", "GET", "/api/v1/cart"): EVERYBODY,
    ("orders", "GET", "/api/v1/coupons/{code:str}"): EVERYBODY,
    ("orders", "GET", "/api/v1/orders"): EVERYBODY,
    ("orders", "GET", "/api/v1/orders/{order_id:uuid}"): EVERYBODY,
    ("orders", "GET", "/api/v1/orders/export"): EVERYBODY,
    ("orders", "GET", "/api/v1/orders/sagas"): STAFF,
    ("orders", "GET", "/api/v1/orders/{order_id:uuid}/history"): EVERYBODY,
    ("orders", "GET", "/api/v1/orders/{order_id:uuid}/invoice"): EVERYBODY,
    ("orders", "GET", "/api/v1/orders/{order_id:uuid}/notes"): STAFF,
    ("orders", "PATCH", "/api/v1/cart/items/{sku:str}"): EVERYBODY,
    ("orders", "POST", "/api/v1/cart/items"): EVERYBODY,
    ("orders", "POST", "/api/v1/cart/merge"): EVERYBODY,
    ("orders", "POST", "/api/v1/coupons"): ADMIN,
    ("orders", "GET", "/api/v1/promotions"): STAFF,
    ("orders", "POST", "/api/v1/promotions"): ADMIN,
    ("orders", "POST", "/api/v1/promotions/{code:str}/end"): ADMIN,
    ("orders", "POST", "/api/v1/orders"): EVERYBODY,
    ("orders", "POST", "/api/v1/orders/preview"): EVERYBODY,
    ("orders", "POST", "/api/v1/orders/sagas/{order_id:uuid}/resume"): STAFF,
    ("orders", "POST", "/api/v1/orders/{order_id:uuid}/cancel"): EVERYBODY,
    ("orders", "POST", "/api/v1/orders/{order_id:uuid}/notes"): STAFF,
    ("payments", "GET", "/api/v1/disputes"): STAFF,
    ("payments", "DELETE", "/api/v1/payment-methods/{method_id:uuid}"): EVERYBODY,
    ("payments", "GET", "/api/v1/payment-methods"): EVERYBODY,
    ("payments", "POST", "/api/v1/payment-methods"): EVERYBODY,
    ("payments", "PUT", "/api/v1/payment-methods/{method_id:uuid}/default"): EVERYBODY,
    ("payments", "GET", "/api/v1/payments"): EVERYBODY,
    ("payments", "GET", "/api/v1/payments/authorisations"): STAFF,
    ("payments", "GET", "/api/v1/payments/{payment_id:uuid}"): EVERYBODY,
    ("payments", "GET", "/api/v1/payments/{payment_id:uuid}/refunds"): EVERYBODY,
    ("payments", "GET", "/api/v1/reconciliations"): STAFF,
    ("payments", "GET", "/api/v1/reconciliations/{report_id:uuid}"): STAFF,
    ("payments", "GET", "/api/v1/refunds/{refund_id:uuid}"): EVERYBODY,
    ("payments", "POST", "/api/v1/payments/{payment_id:uuid}/capture"): STAFF,
    ("payments", "POST", "/api/v1/payments/{payment_id:uuid}/refunds"): STAFF,
    ("payments", "POST", "/api/v1/payments/{payment_id:uuid}/void"): STAFF,
    ("search", "GET", "/api/v1/search/misses"): STAFF,
    ("shipping", "DELETE", "/api/v1/shipping/rate-table/{rate_id:uuid}"): ADMIN,
    ("shipping", "GET", "/api/v1/shipments"): EVERYBODY,
    ("shipping", "GET", "/api/v1/shipments/{shipment_id:uuid}"): EVERYBODY,
    ("shipping", "GET", "/api/v1/shipping/measures"): ADMIN,
    ("shipping", "GET", "/api/v1/shipping/quotes/{quote_id:uuid}"): EVERYBODY,
    ("shipping", "GET", "/api/v1/shipping/rate-table"): ADMIN,
    ("shipping", "PATCH", "/api/v1/shipping/rate-table/{rate_id:uuid}"): ADMIN,
    ("shipping", "POST", "/api/v1/shipments/{shipment_id:uuid}/returns"): EVERYBODY,
    ("shipping", "POST", "/api/v1/shipping/rate-table"): ADMIN,
    ("shipping", "PUT", "/api/v1/shipments/{shipment_id:uuid}/address"): EVERYBODY,
    ("shipping", "PUT", "/api/v1/shipping/measures/{sku:str}"): ADMIN,
    ("notifications", "DELETE", "/api/v1/notifications/{notification_id:uuid}/read"): EVERYBODY,
    ("notifications", "DELETE", "/api/v1/notifications/bounces/{bounce_id:uuid}"): STAFF,
    ("notifications", "GET", "/api/v1/notifications"): EVERYBODY,
    ("notifications", "GET", "/api/v1/notifications/bounces"): STAFF,
    ("notifications", "GET", "/api/v1/notifications/preferences"): EVERYBODY,
    ("notifications", "GET", "/api/v1/notifications/unread-count"): EVERYBODY,
    ("notifications", "GET", "/api/v1/notifications/templates"): STAFF,
    ("notifications", "GET", "/api/v1/notifications/templates/{template:str}/preview"): STAFF,
    ("notifications", "POST", "/api/v1/notifications/read"): EVERYBODY,
    ("notifications", "DELETE", "/api/v1/notifications/webhooks/{endpoint_id:uuid}"): SELLERS,
    ("notifications", "GET", "/api/v1/notifications/webhooks"): SELLERS,
    ("notifications", "GET", "/api/v1/notifications/webhooks/{endpoint_id:uuid}/deliveries"): SELLERS,
    ("notifications", "POST", "/api/v1/notifications/webhooks"): SELLERS,
    ("notifications", "POST", "/api/v1/notifications/webhooks/{endpoint_id:uuid}/enable"): SELLERS,
    ("notifications", "POST", "/api/v1/notifications/webhooks/{endpoint_id:uuid}/rotate-secret"): SELLERS,
    ("notifications", "PUT", "/api/v1/notifications/preferences"): EVERYBODY,
    ("notifications", "PUT", "/api/v1/notifications/{notification_id:uuid}/read"): EVERYBODY,
    ("analytics", "GET", "/api/v1/reports/cohorts"): STAFF,
    ("analytics", "GET", "/api/v1/reports/funnel"): STAFF,
    ("analytics", "GET", "/api/v1/reports/live"): STAFF,
    ("analytics", "GET", "/api/v1/reports/orders"): STAFF,
    ("analytics", "GET", "/api/v1/reports/products"): STAFF,
    ("analytics", "GET", "/api/v1/reports/refunds"): STAFF,
    ("analytics", "GET", "/api/v1/reports/revenue"): STAFF,
    ("analytics", "GET", "/api/v1/reports/saved"): STAFF,
    ("analytics", "GET", "/api/v1/reports/saved/{report_id:uuid}"): STAFF,
    ("analytics", "GET", "/api/v1/reports/saved/{report_id:uuid}/export"): STAFF,
    ("analytics", "GET", "/api/v1/reports/stock-turn"): STAFF,
    ("analytics", "GET", "/api/v1/reports/schedules"): STAFF,
    ("analytics", "DELETE", "/api/v1/reports/saved/{report_id:uuid}"): STAFF,
    ("analytics", "DELETE", "/api/v1/reports/schedules/{schedule_id:uuid}"): STAFF,
    ("analytics", "POST", "/api/v1/reports/query"): STAFF,
    ("analytics", "POST", "/api/v1/reports/saved"): STAFF,
    ("analytics", "POST", "/api/v1/reports/schedules"): STAFF,
}
# Internal routes a member of staff may use with a user's role; all others are for services and the operator.
STAFF_INSIDE = {
    ("orders", "support"): "/internal/",  # stories, sagas and recalls of a customer's order
    ("search", "admin"): ("/internal/reindex", "/internal/documents/halted"),
}
# What every service has of the library, for the operator alone.
OPERATED = {
    "/internal/contract",
    "/internal/dead-letters/redrive",
    "/internal/consumer/rewind",
    "/internal/fault-controls",
    "/internal/outbox/adopt",
    "/internal/outbox/send-again",
}


def _closed(service):
    return [route for route in routes(service) if not route.public]


def _allowed(route, role):
    if route.path.startswith("/internal/"):
        if route.path in OPERATED:
            return False
        return route.path.startswith(STAFF_INSIDE.get((route.service, role), "never"))
    if route.path.startswith("/openapi"):
        return True
    return role in POLICY[route.service, route.method, route.path]


def test_every_public_route_that_needs_a_token_is_in_the_matrix_and_nothing_else():
    declared = {
        (route.service, route.method, route.path)
        for service in BEHIND
        for route in _closed(service)
        if route.path.startswith("/api/v1/")
    }
    assert set(POLICY) == declared


def test_every_other_route_is_internal_or_the_contract():
    others = {route.path for service in BEHIND for route in _closed(service) if not route.path.startswith("/api/v1/")}
    assert [path for path in others if not path.startswith(("/internal/", "/openapi"))] == []


@pytest.mark.parametrize("name", BEHIND)
async def test_each_role_may_do_what_the_matrix_says_and_nothing_else(engines, prefix, name):
    """No body is sent: who may not is told so before the body is looked at, who may is told what is missing."""
    async with whole(engines, name, prefix) as service:
        wrong = []
        for route in _closed(name):
            for role in ROLES:
                status, problem = await ask(service, route, headers=service.headers(person(role)))
                forbidden = status == 403 and problem["code"] == "forbidden"
                if forbidden == _allowed(route, role) or status >= 500:
                    wrong.append((str(route), role, status))
        assert wrong == []


@pytest.mark.parametrize("name", BEHIND)
async def test_a_method_that_is_not_declared_is_not_found_on_any_path(engines, prefix, name):
    async with whole(engines, name, prefix) as service:
        declared = {}
        for route in routes(name):
            declared.setdefault(route.path, set()).add(route.method)
        for path, methods in declared.items():
            for method in {"PUT", "PATCH", "DELETE", "TRACE"} - methods:
                status, _ = await service.call(method, filled(path), principal=person("customer"))
                assert status in {404, 405}, (method, path, status)


@pytest.mark.parametrize("name", BEHIND)
async def test_somebody_without_any_role_has_no_more_rights_than_a_customer(engines, prefix, name):
    async with whole(engines, name, prefix) as service:
        for route in _closed(name):
            if not _allowed(route, "customer"):
                status, _ = await ask(service, route, headers=service.headers(person()))
                assert status == 403, route
