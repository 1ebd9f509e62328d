"""What is said: templates, what each is about, and the letter that an event makes of one."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal

ATTEMPTS_MAX = 8
"""Attempts at one message before it has failed."""
SUBJECT_CHARACTERS_MAX = 150
SHORT_CHARACTERS_MAX = 480
"""Of an SMS or a push message: three SMS."""

Locale = Literal["en", "de"]
LOCALES: tuple[Locale, ...] = get_args(Locale)


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    IN_APP = "in_app"
    WEBHOOK = "webhook"


TO_PEOPLE = (Channel.EMAIL, Channel.SMS, Channel.PUSH, Channel.IN_APP)
"""The channels over which letters go; webhooks tell programs of sellers."""


class Topic(StrEnum):
    """What letters are about. A digest is about everything that can be refused."""

    ACCOUNT = "account"
    ORDERS = "orders"
    SHIPPING = "shipping"
    DIGEST = "digest"


REFUSABLE = frozenset({Topic.ORDERS, Topic.SHIPPING})
"""What people may wish not to be told, channel by channel."""


class Template(StrEnum):
    REGISTRATION_REQUESTED = "registration_requested"
    REGISTRATION_REPEATED = "registration_repeated"
    WELCOME = "welcome"
    PASSWORD_RESET = "password_reset"  # noqa: S105 a template's name
    CREDENTIALS_CHANGED = "credentials_changed"
    ORDER_PLACED = "order_placed"
    ORDER_PAID = "order_paid"
    ORDER_SHIPPED = "order_shipped"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_REFUNDED = "order_refunded"
    DUPLICATE_RETURNED = "duplicate_returned"
    PRICE_CORRECTED = "price_corrected"
    REPORT_READY = "report_ready"
    DIGEST = "digest"
    WEBHOOK_DISABLED = "webhook_disabled"


CHANGES = {
    "password_changed": "the password was changed",
    "password_reset": "the password was set anew by a letter to this address",
    "second_factor_enabled": "a second factor was switched on",
    "second_factor_disabled": "the second factor was switched off",
    "recovery_codes_renewed": "new recovery codes were made; the old ones no longer work",
    "recovery_code_used": "somebody signed in with a recovery code",
    "api_key_created": "an API key was made",
}
"""What auth says has changed, in words."""


class About(msgspec.Struct, frozen=True):
    """A template's topic, the channels it is fit for, and the version that new letters are written by.

    The files of a version never change once letters may have been queued by it: a change of words is a new version.
    """

    topic: Topic
    channels: tuple[Channel, ...] = TO_PEOPLE
    version: int = 1

    @property
    def refusable(self) -> bool:
        """Whether people may unsubscribe from it, have it held at night or gathered into a digest."""
        return self.topic in REFUSABLE


ABOUT: Mapping[Template, About] = {
    Template.REGISTRATION_REQUESTED: About(Topic.ACCOUNT, (Channel.EMAIL,)),
    Template.REGISTRATION_REPEATED: About(Topic.ACCOUNT, (Channel.EMAIL,)),
    Template.PASSWORD_RESET: About(Topic.ACCOUNT, (Channel.EMAIL,)),
    Template.CREDENTIALS_CHANGED: About(Topic.ACCOUNT, (Channel.EMAIL, Channel.IN_APP)),
    Template.WELCOME: About(Topic.ACCOUNT, (Channel.EMAIL, Channel.IN_APP)),
    Template.ORDER_PLACED: About(Topic.ORDERS, version=2),
    Template.ORDER_PAID: About(Topic.ORDERS),
    Template.ORDER_SHIPPED: About(Topic.SHIPPING),
    Template.ORDER_CANCELLED: About(Topic.ORDERS),
    Template.ORDER_REFUNDED: About(Topic.ORDERS),
    Template.DUPLICATE_RETURNED: About(Topic.ORDERS),
    Template.PRICE_CORRECTED: About(Topic.ORDERS),
    Template.WEBHOOK_DISABLED: About(Topic.ACCOUNT, (Channel.IN_APP,)),
    Template.REPORT_READY: About(Topic.ACCOUNT, (Channel.EMAIL,)),
    Template.DIGEST: About(Topic.DIGEST, (Channel.EMAIL,)),
}


class UnknownTemplate(Refusal):
    """No such template, or not in this version."""

    code = "unknown_template"
    kind = Kind.NOT_FOUND


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be said to one person because of one event, before it is known over which channels.

    `context` holds what the templates name besides the amount; its own amounts are minor units of `currency`.
    """

    event_id: UUID
    template: Template
    recipient: str
    customer_id: UUID
    order_id: UUID | None = None
    amount_minor: int | None = None
    currency: str | None = None
    context: Mapping[str, Any]


def header_safe(text: str) -> str:
    """One line without control characters, bounded: nobody injects a header through a title."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(line.split())[:SUBJECT_CHARACTERS_MAX]


def short_text(body: str) -> str:
    """The first paragraph of a letter as one line, bounded: what fits an SMS."""
    paragraph = " ".join(body.strip().partition("\n\n")[0].split())
    if len(paragraph) <= SHORT_CHARACTERS_MAX:
        return paragraph
    return paragraph[: SHORT_CHARACTERS_MAX - 1] + "…"
