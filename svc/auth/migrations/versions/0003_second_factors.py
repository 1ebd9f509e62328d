"""second factors with recovery codes"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE second_factors (
        user_id uuid PRIMARY KEY REFERENCES users,
        sealed_secret bytea NOT NULL,
        last_step bigint NOT NULL DEFAULT 0,
        confirmed_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "COMMENT ON COLUMN second_factors.sealed_secret IS 'AES-256-GCM under a key derived from the internal secret'",
    "COMMENT ON COLUMN second_factors.last_step IS 'the latest accepted time step: a code works once'",
    """
    CREATE TABLE recovery_codes (
        user_id uuid NOT NULL REFERENCES second_factors ON DELETE CASCADE,
        digest bytea NOT NULL CHECK (length(digest) = 32),
        PRIMARY KEY (user_id, digest)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
