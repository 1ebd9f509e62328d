"""What the twins of the order's key share: an order placed under a name that the key does not determine."""

import msgspec

from shared.ids import new_id
from svc.orders.placing import PlaceOrder

SEPARATOR = "#"


def under_a_new_name(command: PlaceOrder) -> PlaceOrder:
    """The same wish as a request that was never made before, whatever its key says."""
    return msgspec.structs.replace(command, key=f"{command.key}{SEPARATOR}{new_id()}")
