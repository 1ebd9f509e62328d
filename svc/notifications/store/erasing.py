"""Forgetting a person: deliveries keep that they were, and lose to whom and what they said."""

from shared.contracts.values import ERASED_EMAIL

STATEMENTS = (
    f"""
    UPDATE deliveries SET recipient = '{ERASED_EMAIL}', context = '{{}}'
    FROM erased_people WHERE customer_id = user_id AND recipient <> '{ERASED_EMAIL}' AND channel <> 'in_app'
        AND status IN ('sent', 'failed', 'digested', 'suppressed')
    """,  # noqa: S608 constants
    "DELETE FROM deliveries USING erased_people WHERE customer_id = user_id AND channel = 'in_app'",
    "DELETE FROM bounced_addresses USING erased_people WHERE customer_id = user_id",
    "DELETE FROM webhook_endpoints USING erased_people WHERE seller_id = user_id",
    "DELETE FROM readers USING erased_people WHERE customer_id = user_id",
)
"""A message that is still to be sent keeps its recipient until then; a feed and its wishes nobody needs any more."""
