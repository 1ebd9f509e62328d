"""payment methods that customers keep, and which of them is the default"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE payment_methods (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL,
        slot smallint NOT NULL,
        token text NOT NULL,
        brand text NOT NULL,
        last4 text NOT NULL CHECK (last4 ~ '^[0-9]{0,4}$'),
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT ten_methods_at_most CHECK (slot BETWEEN 1 AND 10),
        CONSTRAINT one_method_per_slot UNIQUE (customer_id, slot),
        CONSTRAINT a_token_kept_once UNIQUE (customer_id, token),
        CONSTRAINT kept_by_somebody UNIQUE (customer_id, id)
    )
    """,
    "COMMENT ON COLUMN payment_methods.token IS 'what the PSP knows the card by; never its number'",
    "COMMENT ON COLUMN payment_methods.slot IS 'one of ten places, so that a constraint bounds them'",
    """
    CREATE TABLE default_payment_methods (
        customer_id uuid PRIMARY KEY,
        method_id uuid NOT NULL,
        CONSTRAINT one_of_ones_own FOREIGN KEY (customer_id, method_id)
            REFERENCES payment_methods (customer_id, id) ON DELETE CASCADE
    )
    """,
    "COMMENT ON TABLE default_payment_methods IS 'what customers chose; without a choice it is the oldest method'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
