"""What a route refuses with is what its document says it may refuse with, as problem details."""

import re

import pytest

from tests.support.apps import SERVICES, built, routes
from tests.support.probes import filled, person, whole

BEHIND = SERVICES[1:]


@pytest.mark.parametrize("name", BEHIND)
async def test_no_refusal_is_undeclared(engines, prefix, name):
    paths = built(name).openapi_schema.to_schema()["paths"]
    async with whole(engines, name, prefix) as service:
        callers = {
            "nobody": {},
            "customer": service.headers(person("customer")),
            "staff": service.headers(person("customer", "seller", "support", "admin", "service", "operator")),
        }
        wrong = []
        for route in routes(name):
            path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
            operation = paths.get(path, {}).get(route.method.lower())
            if operation is None:
                continue
            for who, headers in callers.items():
                for sent in ({}, {"json": {}}, {"json": {"no_such_field": 1}}):
                    url = service.url + filled(route.path)
                    async with service.http.request(route.method, url, headers=headers, **sent) as answer:
                        if answer.status < 400:
                            continue
                        if str(answer.status) not in operation["responses"]:
                            wrong.append((str(route), who, answer.status))
                        if answer.content_type != "application/problem+json":
                            wrong.append((str(route), who, answer.content_type))
        assert wrong == []
