"""The replaceable parts of the catalog."""

from dataclasses import dataclass

from shared.service_parts import ServiceParts
from svc.catalog.shelf import Shelf


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    shelf: type[Shelf] = Shelf
    """Products and categories read through the cache, pages in a fixed number of statements."""


HEALTHY = Parts()
