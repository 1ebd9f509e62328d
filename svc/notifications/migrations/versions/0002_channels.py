"""channels, readers and the feed: one delivery per channel, how people want to be told, what they have read"""

from alembic import op

from shared import library_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE deliveries
        ADD COLUMN template_version integer NOT NULL DEFAULT 1,
        ADD COLUMN locale text NOT NULL DEFAULT 'en',
        ADD COLUMN read_at timestamptz,
        DROP CONSTRAINT deliveries_channel_check,
        ADD CHECK (channel IN ('email', 'sms', 'push', 'in_app')),
        DROP CONSTRAINT deliveries_status_check,
        ADD CHECK (status IN ('pending', 'held', 'gathered', 'sending', 'sent', 'failed', 'digested', 'suppressed')),
        ADD CHECK (read_at IS NULL OR channel = 'in_app'),
        DROP CONSTRAINT one_per_event_template_recipient,
        ADD CONSTRAINT one_per_event_template_recipient_channel UNIQUE (event_id, template, recipient, channel)
    """,
    "DROP INDEX deliveries_due",
    "CREATE INDEX deliveries_due ON deliveries (due_at) WHERE status IN ('pending', 'sending', 'held')",
    "DROP INDEX deliveries_feed",
    "CREATE INDEX deliveries_feed ON deliveries (customer_id, created_at DESC, id DESC) WHERE channel = 'in_app'",
    """
    CREATE INDEX deliveries_unread ON deliveries (customer_id, created_at, id)
        WHERE channel = 'in_app' AND read_at IS NULL
    """,
    """
    INSERT INTO deliveries (id, event_id, template, channel, recipient, customer_id, order_id, amount_minor, currency,
                            context, traceparent, message_id, status, created_at, sent_at)
        SELECT feed_id, event_id, template, 'in_app', customer_id::text, customer_id, order_id, amount_minor, currency,
               context, traceparent, feed_id || '@shopstream', 'sent', created_at, created_at
        FROM deliveries, LATERAL (SELECT gen_random_uuid() AS feed_id WHERE deliveries.id IS NOT NULL) AS new
        WHERE context <> '{}'
    """,
    """
    CREATE TABLE readers (
        customer_id uuid PRIMARY KEY,
        locale text NOT NULL DEFAULT 'en',
        time_zone text NOT NULL DEFAULT 'UTC',
        phone text,
        push_token text,
        quiet_begins time,
        quiet_ends time,
        digest boolean NOT NULL DEFAULT false,
        refused text[] NOT NULL DEFAULT '{}',
        version bigint NOT NULL CHECK (version > 0),
        CHECK ((quiet_begins IS NULL) = (quiet_ends IS NULL))
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
