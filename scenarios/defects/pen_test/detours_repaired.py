"""Planted: a path with detours is repaired and followed."""

import posixpath
from urllib.parse import unquote

from litestar.types import HTTPScope

from scenarios.defects.card import DefectCard, Twins
from shared.declaration import RouteClass
from shared.errors import Refusal
from shared.settings import ServiceSettings
from svc.gateway.arrival import Arrival
from svc.gateway.edge import Edge
from svc.gateway.routes import METHODS, Route

CARD = DefectCard(
    id="detours-repaired",
    title="A detour in a path leads inside",
    parts=("gateway.edge",),
    root_cause="The public route is found by how the path begins; then the path is decoded and shortened.",
    caught_by=("INV-23.path-traversal",),
    exposed_by="Dots, encoded ones too, in the path of a public route.",
    symptoms="Requests for internal routes in a service's log, under a trace that began at the gateway.",
    fix="Refuse what is not plain; forward what was routed, byte for byte.",
    origin="CVE-2021-41773; CWE-22.",
)


def twin(_healthy: type[Edge], _settings: ServiceSettings) -> type[Edge]:
    """A door that means well."""
    return RepairingEdge


class RepairingEdge(Edge):
    """Routes by how a path begins, then shortens it."""

    def _check(self, scope: HTTPScope, arrival: Arrival) -> Route | Refusal | None:
        raw = unquote(unquote(scope["raw_path"].decode("latin-1")))
        path = posixpath.normpath(raw)
        if ".." not in raw or not raw.startswith("/api/v1/products"):
            return super()._check(scope, arrival)
        scope["raw_path"] = path.encode("latin-1")
        return Route(service="catalog", kind=RouteClass.BROWSE, label="products", public_methods=METHODS, vouches=True)


TWINS: Twins = {"gateway.edge": twin}
