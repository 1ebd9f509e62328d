"""Merges the OpenAPI documents of the fleet into the one that clients read. Pure functions."""

from collections.abc import Mapping
from typing import Any

import msgspec

_REFERENCE = b'"#/components/schemas/'
_SECTIONS = ("schemas",)


def merged(documents: Mapping[str, Mapping[str, Any]], own: Mapping[str, Any]) -> dict[str, Any]:
    """One document with the public paths of all services; schemas carry their service's name as a prefix.

    `own` is the gateway's document; internal paths are left out.
    """
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    tags: list[dict[str, str]] = []
    for service, document in {**documents, "gateway": own}.items():
        renamed = _renamed(service, document)
        public = {path: item for path, item in renamed.get("paths", {}).items() if _is_public(path)}
        if not public:
            continue
        paths |= public
        named: dict[str, Any] = renamed.get("components", {}).get("schemas") or {}
        for name, schema in named.items():
            schemas[f"{service}.{name}"] = schema
        tags.append({"name": service})
    return {
        "openapi": "3.1.0",
        "info": {"title": "ShopStream", "version": "1"},
        "servers": [{"url": "/"}],
        "security": [{"accessToken": []}],
        "tags": tags,
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _renamed(service: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its references and operation ids under the service's name."""
    text = msgspec.json.encode(document).replace(_REFERENCE, _REFERENCE + service.encode() + b".")
    renamed: dict[str, Any] = msgspec.json.decode(text)
    for item in renamed.get("paths", {}).values():
        for operation in item.values():
            if isinstance(operation, dict) and "operationId" in operation:
                operation["operationId"] = f"{service}.{operation['operationId']}"
    return renamed


def _is_public(path: str) -> bool:
    return path.startswith(("/api/v1/", "/.well-known/"))
