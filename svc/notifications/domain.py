"""The rules of messages: which event tells whom what, and how often one is tried. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from shared.ids import derived_id

ATTEMPTS_MAX = 8
"""Attempts at one mail before it has failed."""
SUBJECT_CHARACTERS_MAX = 150


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
    REPORT_READY = "report_ready"


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


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One message to be sent: what to say to whom because of which event."""

    event_id: UUID
    template: Template
    recipient: str
    customer_id: UUID
    order_id: UUID | None = None
    amount_minor: int | None = None
    currency: str | None = None
    context: Mapping[str, Any]

    @property
    def delivery_id(self) -> UUID:
        """The same letter has the same id, whoever computes it."""
        return derived_id("delivery", self.event_id, self.template.value, self.recipient)


def header_safe(text: str) -> str:
    """One line without control characters, bounded: nobody injects a header through a title."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(line.split())[:SUBJECT_CHARACTERS_MAX]
