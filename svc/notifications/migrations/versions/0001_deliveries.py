"""deliveries"""

from alembic import op

from shared import library_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE deliveries (
        id uuid PRIMARY KEY,
        event_id uuid NOT NULL,
        template text NOT NULL,
        channel text NOT NULL CHECK (channel IN ('email', 'sms', 'push')),
        recipient text NOT NULL,
        customer_id uuid NOT NULL,
        order_id uuid,
        amount_minor bigint,
        currency char(3),
        context jsonb NOT NULL,
        traceparent text,
        message_id text NOT NULL UNIQUE,
        status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sending', 'sent', 'failed')),
        attempts integer NOT NULL DEFAULT 0,
        surprises integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        review text,
        error text,
        version bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        sent_at timestamptz,
        CONSTRAINT one_per_event_template_recipient UNIQUE (event_id, template, recipient),
        CHECK ((status = 'sent') = (sent_at IS NOT NULL))
    )
    """,
    "CREATE INDEX deliveries_due ON deliveries (due_at) WHERE status IN ('pending', 'sending')",
    "CREATE INDEX deliveries_feed ON deliveries (customer_id, created_at DESC, id DESC)",
    """
    CREATE VIEW audit.deliveries AS
        SELECT id, event_id, template, channel, recipient, order_id, status, attempts, message_id, sent_at
        FROM deliveries
    """,
)


def upgrade() -> None:
    library_tables.create_v1(op.execute)
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
