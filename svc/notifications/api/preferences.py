"""How a customer wants to be told."""

from datetime import time
from typing import Annotated, Literal

import msgspec
from litestar import Controller, Response, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from shared.database import Database
from shared.identity import Principal
from shared.if_match import IfMatch, etag, expected_version
from shared.validated import matching
from svc.notifications import handlers
from svc.notifications.domain import Locale, QuietHours, Reader, Refused
from svc.notifications.store import readers

REFUSED_MAX = 20
CLOCK = "%H:%M"

Phone = Annotated[str, matching(r"\+[1-9][0-9]{6,14}", 16)]
"""E.164."""
PushToken = Annotated[str, matching(r"[A-Za-z0-9:_-]+", 255)]
TimeZone = Annotated[str, matching(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", 64)]
"""An IANA name in form; whether there is one, the rules know."""
Clock = Annotated[str, matching(r"([01][0-9]|2[0-3]):[0-5][0-9]", 5)]


class QuietHoursWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No SMS and no push from `begins` up to `ends` by the reader's clock; they come when it is over."""

    begins: Clock
    ends: Clock


class RefusedWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A topic that is not wanted over a channel."""

    topic: Literal["orders", "shipping"]
    channel: Literal["email", "sms", "push", "in_app"]


class Preferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All wishes of a reader. Without a phone no SMS, without a push token no push; `digest` gathers a day's mails."""

    locale: Locale = "en"
    time_zone: TimeZone = "UTC"
    phone: Phone | None = None
    push_token: PushToken | None = None
    quiet_hours: QuietHoursWish | None = None
    digest: bool = False
    refused: Annotated[list[RefusedWish], msgspec.Meta(max_length=REFUSED_MAX)] = []


class PreferencesController(Controller):
    path = "/api/v1/notifications/preferences"
    tags = ("notifications",)

    @get("/")
    async def show(
        self, database: NamedDependency[Database], principal: NamedDependency[Principal]
    ) -> Response[Preferences]:
        """The caller's wishes, with their version as ETag; 0 for who has not said anything."""
        async with database.acquire() as connection:
            stored = await readers.find(connection, principal.person_id)
        return Response(_shown(stored.reader), headers={"ETag": etag(stored.version)})

    @put("/")
    async def replace(
        self,
        data: JSONBody[Preferences],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
        if_match: IfMatch = None,
    ) -> Response[Preferences]:
        """All wishes at once, made from the version that If-Match names; what is left out is as at the beginning."""
        reader, version = _reader(data), expected_version(if_match)
        async with database.begin() as uow:
            stored = await handlers.put(uow, principal.person_id, reader, version=version)
        return Response(_shown(reader), headers={"ETag": etag(stored)})


def _reader(wish: Preferences) -> Reader:
    quiet = wish.quiet_hours
    return Reader(
        locale=wish.locale,
        time_zone=wish.time_zone,
        phone=wish.phone,
        push_token=wish.push_token,
        quiet_hours=quiet and QuietHours(time.fromisoformat(quiet.begins), time.fromisoformat(quiet.ends)),
        digest=wish.digest,
        refused=frozenset(msgspec.convert(wish.refused, list[Refused], from_attributes=True)),
    )


def _shown(reader: Reader) -> Preferences:
    quiet = reader.quiet_hours
    return Preferences(
        locale=reader.locale,
        time_zone=reader.time_zone,
        phone=reader.phone,
        push_token=reader.push_token,
        quiet_hours=quiet and QuietHoursWish(quiet.begins.strftime(CLOCK), quiet.ends.strftime(CLOCK)),
        digest=reader.digest,
        refused=msgspec.convert(sorted(reader.refused), list[RefusedWish], from_attributes=True),
    )
