"""The gateway's own pages: what works right now, the contract of the whole fleet, and an index for people."""

from html import escape
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from svc.gateway.contract import merged
from svc.gateway.fleet import Fleet, FleetStatus, ServiceStatus

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1c2024}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #ddd}"
    ".ok{color:#18794e}.degraded{color:#ad5700}.down{color:#ce2c31}"
)
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_FRESH = {"Cache-Control": "no-store"}


@get("/api/v1/status", tags=["status"])
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
    seen = await fleet.status()
    parts = "".join(f'<tr><td>{part.name}<td class="{part.status}">{part.status}' for part in seen.parts)
    services = "".join(_row(service) for service in seen.services)
    page = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>ShopStream</title><style>{_STYLE}</style>"
        f'<h1>ShopStream</h1><p>The shop is <b class="{seen.status}">{seen.status}</b>. '
        "<a href=/openapi/openapi.json>Contract of the fleet (OpenAPI)</a> · <a href=/api/v1/status>Status (JSON)</a>"
        f"<h2>Parts of the shop</h2><table>{parts}</table>"
        f"<h2>Services</h2><table><tr><th>service<th>status<th>instances<th>breaker<th>failing{services}</table>"
    )
    return Response(page, media_type="text/html", headers={**_FRESH, "Content-Security-Policy": _PAGE_POLICY})


def _row(service: ServiceStatus) -> str:
    return (
        f'<tr><td>{escape(service.name)}<td class="{service.status}">{service.status}<td>{service.instances}'
        f"<td>{escape(service.breaker)}<td>{escape(', '.join(service.failing))}"
    )


ROUTES = (status, contract, index)
