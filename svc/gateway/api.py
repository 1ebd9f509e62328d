"""The gateway's own pages: what works right now, the contract of the whole fleet, and an index for people."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response, get
from litestar.di import NamedDependency

from svc.gateway.contract import merged
from svc.gateway.fleet import Fleet, FleetStatus

_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_FRESH = {"Cache-Control": "no-store"}


@get("/api/v1/status", opt={"public": True}, tags=["status"])
async def status(fleet: NamedDependency[Fleet]) -> Response[FleetStatus]:
    """Which parts of the shop work, which are degraded, which are down."""
    return Response(await fleet.status(), headers=_FRESH)


@get("/fleet/openapi.json", include_in_schema=False)
async def contract(request: Request[Any, Any, Any], fleet: NamedDependency[Fleet]) -> Response[dict[str, Any]]:
    """The public routes of every service that answers, as one OpenAPI document."""
    return Response(merged(await fleet.contracts(), request.app.openapi_schema.to_schema()), headers=_FRESH)


@get("/", include_in_schema=False, media_type="text/html")
async def index(fleet: NamedDependency[Fleet]) -> Response[str]:
    """The fleet on one page."""
    page = _TEMPLATES.get_template("index.html").render(seen=await fleet.status())
    return Response(page, media_type="text/html", headers={**_FRESH, "Content-Security-Policy": _PAGE_POLICY})


ROUTES = (status, contract, index)
