"""Deliveries in words: Jinja2 templates (autoescaped) by locale and version, and mails of them.

A template is a text and an HTML file, `LOCALE/TEMPLATE.VERSION.txt` and `.html`; the text's first line is the subject.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from uuid import UUID

import msgspec
from babel.numbers import format_currency
from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateNotFound, select_autoescape

from shared import one_time_tokens
from shared.money import Money
from svc.notifications.clients.mail import POLICY
from svc.notifications.domain import (
    ABOUT,
    Template,
    Topic,
    UnknownTemplate,
    UnsubscribeLinks,
    header_safe,
    short_text,
)
from svc.notifications.store.deliveries import Delivery

UNSUBSCRIBE_PATH = "/api/v1/notifications/unsubscribe"


TOKEN_OF: dict[str, str] = {
    Template.REGISTRATION_REQUESTED: one_time_tokens.REGISTRATION,
    Template.PASSWORD_RESET: one_time_tokens.PASSWORD_RESET,
}
"""Letters with a token, made when the letter is written and stored nowhere; `request_id` is in their context."""


class Words(msgspec.Struct, frozen=True):
    """What a template says. `text` comes without the subject."""

    subject: str
    text: str
    html: str


class Short(msgspec.Struct, frozen=True):
    """A message for a small screen, plain text."""

    title: str
    text: str


class Writer:
    """Renders deliveries; `shop_url` is where links lead."""

    def __init__(self, sender_address: str, internal_secret: str, *, shop_url: str, links: UnsubscribeLinks) -> None:
        self.sender_address = sender_address
        self._secret = internal_secret
        self._shop_url = shop_url.rstrip("/")
        self._links = links
        self._templates = Environment(
            loader=PackageLoader("svc.notifications"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def words(self, delivery: Delivery) -> Words:
        """The delivery as a letter. Raises `UnknownTemplate`."""
        text = self._rendered(delivery, "txt")
        subject, _, body = text.partition("\n")
        return Words(header_safe(subject), body.strip(), self._rendered(delivery, "html"))

    def short(self, delivery: Delivery) -> Short:
        """The delivery for a small screen: its subject, and its first paragraph. Raises `UnknownTemplate`."""
        subject, _, body = self._rendered(delivery, "txt").partition("\n")
        return Short(header_safe(subject), short_text(body))

    def message(self, delivery: Delivery) -> EmailMessage:
        """The mail of a delivery, the same for every attempt but for its date. Raises `UnknownTemplate`."""
        words = self.words(delivery)
        message = EmailMessage(policy=POLICY)
        message["From"] = self.sender_address
        message["To"] = header_safe(delivery.recipient)
        message["Subject"] = words.subject
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = f"<{delivery.message_id}>"
        for name, value in self._headers(delivery).items():
            message[name] = value
        message.set_content(words.text + "\n")
        message.add_alternative(words.html, subtype="html")
        return message

    def unsubscribe_url(self, delivery: Delivery) -> str | None:
        """Where the reader says that no more of such mails are wanted; None for those that everybody must get."""
        topic = ABOUT[Template(delivery.template)].topic
        if topic is Topic.ACCOUNT:
            return None
        return f"{self._shop_url}{UNSUBSCRIBE_PATH}/{self._links.token(delivery.customer_id, topic)}"

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        url = self.unsubscribe_url(delivery)
        headers = {
            "X-Shopstream-Template": delivery.template,
            "X-Shopstream-Event": str(delivery.event_id),
            "X-Shopstream-Order": str(delivery.order_id) if delivery.order_id else None,
            "X-Shopstream-Amount": amount_text(delivery),
            "traceparent": delivery.traceparent,
            "List-Unsubscribe": url and f"<{url}>",
            "List-Unsubscribe-Post": url and "List-Unsubscribe=One-Click",  # RFC 8058
        }
        return {name: value for name, value in headers.items() if value is not None}

    def _rendered(self, delivery: Delivery, kind: str) -> str:
        name = f"{delivery.locale}/{delivery.template}.{delivery.template_version}.{kind}"
        try:
            template = self._templates.get_template(name)
        except TemplateNotFound as error:
            raise UnknownTemplate(f"there is no {name}") from error
        return template.render({**self._context(delivery), **self._token(delivery), **delivery.context})

    def _token(self, delivery: Delivery) -> dict[str, str]:
        """What the reader proves to have the address by; a preview has a worthless one in its context."""
        purpose = TOKEN_OF.get(delivery.template)
        if purpose is None or "token" in delivery.context:
            return {}
        return {"token": one_time_tokens.mint(self._secret, purpose, UUID(delivery.context["request_id"]))}

    def _context(self, delivery: Delivery) -> Mapping[str, Any]:
        def money(amount_minor: int) -> str:
            assert delivery.currency is not None, "an amount has a currency"
            amount = Money(amount_minor, delivery.currency).decimal_string
            return format_currency(amount, delivery.currency, locale=delivery.locale)

        amount = {} if delivery.amount_minor is None else {"amount": money(delivery.amount_minor)}
        return {
            "locale": delivery.locale,
            "unsubscribe_url": self.unsubscribe_url(delivery),
            "money": money,
            **amount,
        }


def amount_text(delivery: Delivery) -> str | None:
    """The amount as the witness header carries it: `12.34 EUR`."""
    if delivery.amount_minor is None or delivery.currency is None:
        return None
    return f"{Money(delivery.amount_minor, delivery.currency).decimal_string} {delivery.currency}"
