"""Importing this builds an application and throws it away, so that what the framework makes on first use is there.

For a process that others are forked from: they share those pages instead of each making them (measured: 11 MB and
0.1 s per service). It connects nothing. Imported nowhere else.
"""

from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from shared.service import Runtime
from shared.service_parts import ServiceParts
from shared.settings import ServiceSettings

UNUSED_SECRET = "not a secret: nothing is served with it"  # noqa: S105


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=8)] = ""


@get("/warm-up/{number:int}")
async def _read(
    number: FromPath[int],
    thing: NamedDependency[object],
    key: Annotated[str | None, HeaderParameter(name="Idempotency-Key")] = None,
    limit: Annotated[int, QueryParameter(ge=1)] = 1,
) -> dict[str, Any]:
    return {"number": number, "thing": thing, "key": key, "limit": limit}


@post("/warm-up")
async def _write(data: JSONBody[_Body]) -> _Body:
    return data


Runtime(ServiceSettings(service="warm-up", internal_secret=UNUSED_SECRET), ServiceParts()).application(
    route_handlers=[_read, _write], dependencies={"thing": None}
)
