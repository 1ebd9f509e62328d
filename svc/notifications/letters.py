"""Deliveries as mails: Jinja2 templates (autoescaped), headers that cannot be injected, a Message-ID that repeats."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from shared import one_time_tokens
from svc.notifications.domain import Template, header_safe
from svc.notifications.handlers import amount_text
from svc.notifications.store import Delivery

TOKEN_OF: dict[str, str] = {
    Template.REGISTRATION_REQUESTED: one_time_tokens.REGISTRATION,
    Template.PASSWORD_RESET: one_time_tokens.PASSWORD_RESET,
}
"""Letters with a token, made when the letter is written and stored nowhere; `request_id` is in their context."""


class Writer:
    """Renders deliveries. A template is a text and an HTML file; the text's first line is the subject."""

    def __init__(self, sender_address: str, internal_secret: str) -> None:
        self.sender_address = sender_address
        self._secret = internal_secret
        self._templates = Environment(
            loader=PackageLoader("svc.notifications"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def message(self, delivery: Delivery) -> EmailMessage:
        """The mail of a delivery, the same for every attempt but for its date."""
        context = delivery.context | self._token(delivery)
        text = self._templates.get_template(f"{delivery.template}.txt").render(context)
        subject, _, body = text.partition("\n")
        message = EmailMessage()
        message["From"] = self.sender_address
        message["To"] = header_safe(delivery.recipient)
        message["Subject"] = header_safe(subject)
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = f"<{delivery.message_id}>"
        message["X-Shopstream-Template"] = delivery.template
        message["X-Shopstream-Event"] = str(delivery.event_id)
        if delivery.order_id is not None:
            message["X-Shopstream-Order"] = str(delivery.order_id)
        if (amount := amount_text(delivery)) is not None:
            message["X-Shopstream-Amount"] = amount
        if delivery.traceparent is not None:
            message["traceparent"] = delivery.traceparent
        message.set_content(body.strip() + "\n")
        html = self._templates.get_template(f"{delivery.template}.html").render(context)
        message.add_alternative(html, subtype="html")
        return message

    def _token(self, delivery: Delivery) -> dict[str, str]:
        purpose = TOKEN_OF.get(delivery.template)
        if purpose is None:
            return {}
        return {"token": one_time_tokens.mint(self._secret, purpose, UUID(delivery.context["request_id"]))}
