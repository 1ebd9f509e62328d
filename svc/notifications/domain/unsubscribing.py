"""The link in a mail by which its reader wants no more of them: signed, so that nobody unsubscribes another."""

import hashlib
import hmac
from uuid import UUID

import msgspec

from shared.errors import Kind, Refusal
from svc.notifications.domain.letters import REFUSABLE, Topic


class UnknownLink(Refusal):
    """Not a link of ours; which part of it is wrong nobody is told."""

    code = "unknown_link"
    kind = Kind.NOT_FOUND


class Unsubscription(msgspec.Struct, frozen=True):
    """Who wants no more mails about what."""

    customer_id: UUID
    topics: frozenset[Topic]


class UnsubscribeLinks:
    """Makes and reads the tokens of links. They do not end: whoever keeps an old mail may still unsubscribe."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"shopstream-unsubscribe", hashlib.sha256)

    def token(self, customer_id: UUID, topic: Topic) -> str:
        """For the mails about a topic."""
        return f"{customer_id.hex}.{topic}.{self._mac(customer_id.hex, topic)}"

    def read(self, token: str) -> Unsubscription:
        """Raises `UnknownLink`."""
        who, topic, mac = (*token.split("."), "", "", "")[:3]
        if token.count(".") != 2 or not hmac.compare_digest(self._mac(who, topic).encode(), mac.encode()):
            raise UnknownLink("there is no such link")
        topics = REFUSABLE if topic == Topic.DIGEST else frozenset({Topic(topic)})
        return Unsubscription(UUID(who), topics)

    def _mac(self, who: str, topic: str) -> str:
        return hmac.new(self._key, f"{who}.{topic}".encode(), hashlib.sha256).hexdigest()
