"""The replaceable parts of notifications."""

from dataclasses import dataclass

from shared.service_parts import ServiceParts
from svc.notifications.clients.mail import SmtpServer
from svc.notifications.clients.phones import PhoneGateway
from svc.notifications.clients.sellers import SellerEndpoints
from svc.notifications.handlers.letters import Letters
from svc.notifications.handlers.sellers import SellerNews
from svc.notifications.jobs import Sender
from svc.notifications.letters import Writer


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    letters: type[Letters] = Letters
    """One letter queued per event that customers are told about."""
    sender: type[Sender] = Sender
    """One queued message sent and recorded."""
    news: type[SellerNews] = SellerNews
    """Webhooks queued for the sellers of an order's lines."""
    sellers: type[SellerEndpoints] = SellerEndpoints
    """The way to sellers' endpoints."""
    writer: type[Writer] = Writer
    """A delivery put into words."""
    mail_server: type[SmtpServer] = SmtpServer
    """The connection to the mail server."""
    phones: type[PhoneGateway] = PhoneGateway
    """The connection to the gateway for SMS and push."""


HEALTHY = Parts()
