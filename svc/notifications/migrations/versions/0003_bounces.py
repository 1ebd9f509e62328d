"""bounces and digests: addresses that nobody has, and what waits for the morning"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE bounced_addresses (
        id uuid PRIMARY KEY,
        address text NOT NULL UNIQUE,
        customer_id uuid NOT NULL,
        delivery_id uuid NOT NULL,
        reason text NOT NULL,
        bounced_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE INDEX deliveries_waiting ON deliveries (customer_id) WHERE status IN ('held', 'gathered')",
    "CREATE INDEX deliveries_gathered ON deliveries (due_at) WHERE status = 'gathered'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
