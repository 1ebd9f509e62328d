"""API keys"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE api_keys (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES users,
        name text NOT NULL CHECK (length(name) <= 100),
        prefix text NOT NULL UNIQUE,
        digest bytea NOT NULL CHECK (length(digest) = 32),
        scopes text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 32),
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz NOT NULL,
        last_used_at timestamptz,
        revoked_at timestamptz,
        revoke_reason text,
        announced_at timestamptz,
        CONSTRAINT revoked_for_a_reason CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
    )
    """,
    "CREATE INDEX api_keys_user ON api_keys (user_id) WHERE revoked_at IS NULL",
    "CREATE INDEX api_keys_unannounced ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL AND announced_at IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
