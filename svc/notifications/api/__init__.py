"""Notifications over HTTP: a customer's feed and preferences, the link that unsubscribes;
sellers' endpoints; previews and
bounced addresses for staff.
"""

from typing import Any

from svc.notifications.api.bounces import BouncesController
from svc.notifications.api.feed import FeedController
from svc.notifications.api.preferences import PreferencesController
from svc.notifications.api.previews import TemplatesController
from svc.notifications.api.unsubscribing import UnsubscribeController
from svc.notifications.api.webhooks import WebhooksController

ROUTES: tuple[Any, ...] = (
    FeedController,
    PreferencesController,
    UnsubscribeController,
    TemplatesController,
    BouncesController,
    WebhooksController,
)
