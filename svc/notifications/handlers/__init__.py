"""The use cases of notifications."""

from svc.notifications.handlers.bounces import forget
from svc.notifications.handlers.feed import mark, mark_up_to
from svc.notifications.handlers.letters import Letters
from svc.notifications.handlers.preferences import put, unsubscribe

__all__ = ["Letters", "forget", "mark", "mark_up_to", "put", "unsubscribe"]
