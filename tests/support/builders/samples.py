"""A sample of any event, built from the fields of its struct: what a new event needs only if a field must mean more.

Everything in a sample that is somebody's own (ids, addresses, SKUs, titles) is made from the name of its case, so that
two cases share nothing and what a case did can be told from what all others did.
"""

import types
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from shared.contracts import REGISTRY, Envelope, Event
from shared.ids import new_id

SAME_AS = {"reservation_id": "order_id", "user_id": "customer_id", "owner_id": "customer_id"}
"""Fields that name a thing by another field's id."""

MEANINGFUL: dict[str, object] = {
    "currency": "EUR", "country": "DE", "status": "active", "channel": "email", "template": "order_paid",
    "payment_method": "tok_visa", "shipping_method": "standard", "warehouse": "main", "carrier": "dhl",
    "change": "password_changed", "reason": "released", "category": "things", "quantity": 1,
}  # fmt: skip
"""What a field must hold, whichever event it is in, for anybody to make sense of it."""

A_MINOR = 1_000

OLDER_DATA: Mapping[tuple[str, int], Any] = {
    ("price.changed", 1): lambda data: {
        "product_id": data["product_id"], "sku": next(iter(data["prices"])), **next(iter(data["prices"].values())),
    },
}  # fmt: skip
"""The data of an event as an earlier schema version told it, from that of the newest."""


class Case:
    """One play of a matrix. `facts` are what its fields must hold, `words` texts by which rows name what is its own."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.ids: dict[str, UUID] = {}
        self.facts: dict[str, object] = {}
        self.words: dict[str, str] = {}
        self.at = datetime.now(UTC).replace(microsecond=0)

    def id(self, name: str) -> UUID:
        name = SAME_AS.get(name, name)
        return self.ids.setdefault(name, uuid5(NAMESPACE_URL, f"{self.token}/{name}"))

    def event(self, event_type: str, *, wording: str = "") -> Event:
        """A sample; another `wording` makes its free texts differ."""
        return self._struct(REGISTRY[event_type], wording)

    def envelope(self, event_type: str, version: int, *, wording: str = "") -> Envelope[Event]:
        event = self.event(event_type, wording=wording)
        return Envelope(
            id=new_id(), type=event_type, version=event.schema_version, aggregate_id=self._aggregate_id(event),
            aggregate_version=version, occurred_at=self.at, data=event,
        )  # fmt: skip

    def _aggregate_id(self, event: Event) -> str:
        """The first id that the event names, which is how contracts order their fields; of stock, where it lies."""
        for field in msgspec.structs.fields(event):
            value = getattr(event, field.name)
            if isinstance(value, UUID):
                return str(value)
        return f"{event.warehouse}/{event.sku}"

    def _struct(self, kind: type[msgspec.Struct], wording: str) -> Any:
        fields = msgspec.structs.fields(kind)
        return kind(**{it.name: self._value(it.name, it.type, wording) for it in fields if it.required})

    def _value(self, name: str, kind: Any, wording: str) -> Any:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return self._value(name, arguments[0], wording)
        if origin in (Union, types.UnionType):
            return self._value(name, next(it for it in arguments if it is not type(None)), wording)
        if origin is not None:
            made = self._value(name, arguments[-1], wording)
            return {self._key(): made} if issubclass(origin, Mapping) else [made]
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(kind, wording)
        known = {**MEANINGFUL, **self.facts}
        return known[name] if name in known else self._plain(name, kind, wording)

    def _key(self) -> str:
        return f"SKU-{self.token}"

    def _plain(self, name: str, kind: Any, wording: str) -> Any:
        if kind is str and name == "sku":
            return self._key()
        if kind is str and name == "email":
            return f"{self.token}@example.com"
        made = {
            str: f"{name} {self.token}{wording}", int: A_MINOR, bool: False, float: 1.0, UUID: self.id(name),
            datetime: self.at, date: self.at.date(),
        }  # fmt: skip
        if kind not in made:
            raise TypeError(f"a sample needs a value for {name}: {kind}; say it in {__name__}")
        return made[kind]
