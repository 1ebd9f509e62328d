"""authorisations that are captured or voided apart"""

from alembic import op

from shared import library_tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE payments
        ADD COLUMN capture_apart boolean NOT NULL DEFAULT false,
        DROP CONSTRAINT payments_status_check,
        ADD CONSTRAINT payments_status_check CHECK (status IN
            ('pending', 'processing', 'unknown', 'authorised', 'captured', 'failed', 'cancelled')),
        ADD CONSTRAINT authorised_apart CHECK (status <> 'authorised' OR capture_apart)
    """,
    "COMMENT ON COLUMN payments.capture_apart IS 'only authorised at first; people decide on the capture'",
    """
    ALTER TABLE payment_attempts
        DROP CONSTRAINT payment_attempts_outcome_check,
        ADD CONSTRAINT payment_attempts_outcome_check
            CHECK (outcome IN ('pending', 'authorised', 'captured', 'declined', 'unknown', 'error'))
    """,
    """
    CREATE TABLE authorisations (
        payment_id uuid PRIMARY KEY REFERENCES payments,
        order_id uuid NOT NULL,
        psp_payment_id text NOT NULL UNIQUE,
        authorised_minor bigint NOT NULL CHECK (authorised_minor > 0),
        captured_minor bigint NOT NULL DEFAULT 0,
        currency char(3) NOT NULL,
        intent text NOT NULL DEFAULT 'void' CHECK (intent IN ('capture', 'void')),
        reason text NOT NULL DEFAULT 'expired',
        decided_by text,
        decided_at timestamptz,
        status text NOT NULL DEFAULT 'pending'
            CHECK (status IN ('pending', 'processing', 'unknown', 'captured', 'voided')),
        expires_at timestamptz NOT NULL,
        review text,
        attempts integer NOT NULL DEFAULT 0,
        surprises integer NOT NULL DEFAULT 0,
        unknown_since timestamptz,
        due_at timestamptz NOT NULL,
        traceparent text,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT capture_within_authorisation CHECK (captured_minor BETWEEN 0 AND authorised_minor),
        CONSTRAINT captured_when_captured CHECK ((status = 'captured') = (captured_minor > 0)),
        CONSTRAINT decided_by_somebody CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
        CONSTRAINT captures_are_decided CHECK (intent = 'void' OR decided_at IS NOT NULL)
    )
    """,
    "COMMENT ON COLUMN authorisations.intent IS "
    "'how it is to end; void at expires_at from its beginning, unless people decide before'",
    "COMMENT ON COLUMN authorisations.decided_at IS 'when somebody decided; null while the money is only held'",
    "COMMENT ON COLUMN authorisations.due_at IS "
    "'when its intent is carried out; for one being worked on: the end of the lease'",
    "CREATE INDEX authorisations_due ON authorisations (due_at) WHERE status IN ('pending', 'processing', 'unknown')",
    """
    CREATE VIEW audit.authorisations AS
        SELECT payment_id, order_id, psp_payment_id, authorised_minor, captured_minor, currency, intent, status,
               intent || '-' || payment_id AS idempotency_key, expires_at, decided_at, created_at
        FROM authorisations
    """,
    "COMMENT ON COLUMN audit.authorisations.idempotency_key IS 'what the PSP is asked under to carry the intent out'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
