"""HTTP calls to other services: internal token, trace, deadline, breaker, least-loaded instance, one retry layer.

Follows no redirects, keeps no cookies, and repeats a call only when it is idempotent or certainly never arrived.
"""

from shared.service_client.client import ServiceClient
from shared.service_client.transport import new_session, read_bounded

__all__ = ["ServiceClient", "new_session", "read_bounded"]
