"""Events as the release before told them: what a fleet reads while its services are replaced one after the other."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from shared.contracts import REGISTRY, decode_header
from shared.contracts.catalog import PriceChanged

Data = dict[str, Any]


def _each_on_its_own(data: Data) -> Data | None:
    """Several prices were several events then."""
    if len(data["prices"]) != 1:
        return None
    ((sku, price),) = data["prices"].items()
    return {"product_id": data["product_id"], "sku": sku, **price}


FORMER: Final[dict[str, Callable[[Data], Data | None]]] = {PriceChanged.type: _each_on_its_own}
"""By event type: today's data in the version before; None when one event of that version could not say it."""


def as_before(payload: bytes) -> bytes:
    """The event in its version before today's, under the same id; one that has none stays as it is."""
    header = decode_header(payload)
    former = FORMER.get(header.type)
    data = former(msgspec.json.decode(header.data)) if former else None
    if data is None:
        return payload
    version = REGISTRY[header.type].schema_version - 1
    return msgspec.json.encode({**msgspec.json.decode(payload), "version": version, "data": data})
