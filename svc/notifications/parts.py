"""The replaceable parts of notifications."""

from dataclasses import dataclass

from shared.service_parts import ServiceParts
from svc.notifications.clients import SmtpServer
from svc.notifications.handlers import Letters
from svc.notifications.jobs import MailSender
from svc.notifications.letters import Writer


@dataclass(frozen=True, kw_only=True)
class Parts(ServiceParts):
    """Healthy by default."""

    letters: type[Letters] = Letters
    """One letter queued per event that customers are told about."""
    sender: type[MailSender] = MailSender
    """One queued letter sent and recorded."""
    writer: type[Writer] = Writer
    """A delivery rendered to a message."""
    mail_server: type[SmtpServer] = SmtpServer
    """The connection to the mail server."""


HEALTHY = Parts()
