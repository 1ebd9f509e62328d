"""what people who do not show who they are ask letters for: an account, a new password"""

from alembic import op

from shared import library_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE letter_requests (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('registration', 'password_reset')),
        email text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
        name text NOT NULL DEFAULT '' CHECK (length(name) <= 100),
        password_hash text,
        user_id uuid REFERENCES users,
        outcome text CHECK (outcome IN ('written', 'repeated', 'nobody', 'too_many')),
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        surprises integer NOT NULL DEFAULT 0,
        review text,
        traceparent text,
        CHECK ((kind = 'registration') = (password_hash IS NOT NULL))
    )
    """,
    "COMMENT ON COLUMN letter_requests.id IS 'of a registration: the id of the user it becomes'",
    "COMMENT ON COLUMN letter_requests.user_id IS 'whose address it was when the letter was written; no request reads it'",
    "CREATE INDEX letter_requests_due ON letter_requests (due_at) WHERE outcome IS NULL",
    "CREATE INDEX letter_requests_email ON letter_requests (email, created_at)",
    "CREATE INDEX letter_requests_user ON letter_requests (user_id)",
    "CREATE VIEW audit.letter_requests AS SELECT id, kind, outcome, created_at FROM letter_requests",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
