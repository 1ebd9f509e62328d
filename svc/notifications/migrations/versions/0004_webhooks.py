"""webhooks to sellers"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE webhook_endpoints (
        id uuid PRIMARY KEY,
        seller_id uuid NOT NULL,
        url text NOT NULL,
        events text[] NOT NULL CHECK (cardinality(events) > 0),
        secret text NOT NULL,
        last_secret text,
        last_secret_until timestamptz,
        status text NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled')),
        failures integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        UNIQUE (seller_id, url),
        CHECK ((last_secret IS NULL) = (last_secret_until IS NULL))
    )
    """,
    """
    ALTER TABLE deliveries
        DROP CONSTRAINT deliveries_channel_check,
        ADD CHECK (channel IN ('email', 'sms', 'push', 'in_app', 'webhook'))
    """,
    "CREATE INDEX deliveries_webhooks ON deliveries (recipient, created_at DESC, id DESC) WHERE channel = 'webhook'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
