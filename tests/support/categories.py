"""Which category of tests applies to which service, and to which services a test belongs."""

import pytest

from compose import stack

CATEGORIES = ("unit", "integration", "consumer", "performance", "security", "concurrency", "saga")
STACK = stack.load()
SERVICES = tuple(service.name for service in STACK.services)

_NO_PART = "takes no part in a saga: "
NOT_APPLICABLE: dict[tuple[str, str], str] = {
    **{
        (service.name, "consumer"): "consumes no event (its service.toml)"
        for service in STACK.services
        if not service.declaration().consumes
    },
    ("gateway", "saga"): _NO_PART + "it keeps no state and passes requests on",
    ("auth", "saga"): _NO_PART + "accounts are no step of an order",
    ("catalog", "saga"): _NO_PART + "prices are read before the first step",
    ("search", "saga"): _NO_PART + "it projects what others did",
    ("analytics", "saga"): _NO_PART + "it projects what others did",
}
"""Why a service has no tests of a category."""


def services_of(item: pytest.Item) -> set[str]:
    """The services of a test: those it is marked with, and the one that it is played for as a parameter."""
    marked = {str(name) for mark in item.iter_markers("service") for name in mark.args}
    callspec = getattr(item, "callspec", None)
    given = callspec.params.values() if callspec else ()
    return (marked | {name for value in given for name in _named(value)}) & set(SERVICES)


def _named(value: object) -> set[str]:
    """The services that a parameter names: as its text, its `service`, or inside of a tuple."""
    if isinstance(value, str):
        return {value}
    if (service := getattr(value, "service", None)) is not None:
        return {str(service)}
    return {name for one in value for name in _named(one)} if isinstance(value, tuple) else set()


def matrix(items: list[pytest.Item]) -> dict[str, dict[str, int]]:
    """How many tests each service has in each category."""
    counts = {service: dict.fromkeys(CATEGORIES, 0) for service in SERVICES}
    for item in items:
        category = category_of(item)
        for service in services_of(item) if category else ():
            counts[service][category] += 1
    return counts


def category_of(item: pytest.Item) -> str:
    """The category that a test's folder makes it one of, "" outside of all."""
    return next((category for category in CATEGORIES if f"/tests/{category}/" in str(item.path)), "")
