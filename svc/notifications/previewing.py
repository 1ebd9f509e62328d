"""Templates shown to staff: each with a sample, in any locale and version, as a reader would get it."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

import msgspec

from svc.notifications.domain import ABOUT, Channel, Locale, Template, UnknownTemplate
from svc.notifications.letters import Short, Words, Writer
from svc.notifications.store.deliveries import Delivery

NOBODY = UUID(int=0)
AMOUNT_MINOR = 19_198
CURRENCY = "EUR"


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail would say, and what a small screen would show."""

    template: str
    version: int
    locale: Locale
    mail: Words
    short: Short


def preview(writer: Writer, template: str, *, locale: Locale, version: int | None) -> Preview:
    """The template in this version, else in the one letters are written by now. Raises `UnknownTemplate`."""
    if template not in set(Template):
        raise UnknownTemplate("there is no such template")
    sample = _sample(Template(template), locale, version or ABOUT[Template(template)].version)
    return Preview(
        template=template,
        version=sample.template_version,
        locale=locale,
        mail=writer.words(sample),
        short=writer.short(sample),
    )


def _sample(template: Template, locale: Locale, version: int) -> Delivery:
    return Delivery(
        id=NOBODY,
        event_id=NOBODY,
        template=template.value,
        template_version=version,
        locale=locale,
        channel=Channel.EMAIL.value,
        recipient="ann@example.com",
        customer_id=NOBODY,
        order_id=None,
        amount_minor=AMOUNT_MINOR,
        currency=CURRENCY,
        context=_samples()[template.value],
        traceparent=None,
        message_id="preview@shopstream",
        attempts=0,
    )


@cache
def _samples() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("svc.notifications") / "templates" / "samples.toml").read_text())
