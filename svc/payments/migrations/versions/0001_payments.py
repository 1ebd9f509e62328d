"""payments, attempts, refunds, ledger, webhooks"""

from alembic import op

from shared import library_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE payments (
        id uuid PRIMARY KEY,
        order_id uuid NOT NULL UNIQUE,
        order_number text NOT NULL,
        customer_id uuid NOT NULL,
        email text NOT NULL,
        amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
        currency char(3) NOT NULL,
        payment_method text NOT NULL,
        status text NOT NULL
            CHECK (status IN ('pending', 'processing', 'unknown', 'captured', 'failed', 'cancelled')),
        cancel_requested boolean NOT NULL DEFAULT false,
        review text,
        captured_minor bigint NOT NULL DEFAULT 0,
        extra_captured_minor bigint NOT NULL DEFAULT 0 CHECK (extra_captured_minor >= 0),
        refund_reserved_minor bigint NOT NULL DEFAULT 0,
        refunded_minor bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
        extra_refunded_minor bigint NOT NULL DEFAULT 0
            CHECK (extra_refunded_minor BETWEEN 0 AND extra_captured_minor),
        psp_payment_id text UNIQUE,
        attempts integer NOT NULL DEFAULT 0,
        surprises integer NOT NULL DEFAULT 0,
        unknown_since timestamptz,
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        version bigint NOT NULL DEFAULT 0,
        traceparent text,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT captured_once CHECK (captured_minor = CASE WHEN status = 'captured' THEN amount_minor ELSE 0 END),
        CONSTRAINT refunds_within_captures CHECK (
            refunded_minor <= refund_reserved_minor
            AND refund_reserved_minor <= captured_minor + extra_captured_minor
        )
    ) WITH (fillfactor = 70)
    """,
    "COMMENT ON COLUMN payments.due_at IS 'not worked on before; for a payment being worked on: the end of the lease'",
    "COMMENT ON COLUMN payments.review IS 'why a person must look; such a payment is not worked on by itself'",
    "COMMENT ON COLUMN payments.extra_captured_minor IS 'captures beyond the one owed, found at the PSP and taken over'",
    "CREATE INDEX payments_due ON payments (due_at) WHERE status IN ('pending', 'processing', 'unknown')",
    "CREATE INDEX payments_customer ON payments (customer_id, id)",
    """
    CREATE TABLE payment_attempts (
        id uuid PRIMARY KEY,
        payment_id uuid NOT NULL REFERENCES payments,
        number integer NOT NULL CHECK (number > 0),
        idempotency_key text NOT NULL,
        outcome text NOT NULL DEFAULT 'pending'
            CHECK (outcome IN ('pending', 'captured', 'declined', 'unknown', 'error')),
        detail text NOT NULL DEFAULT '',
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        resolved_at timestamptz,
        UNIQUE (payment_id, number),
        CONSTRAINT resolved_when_decided CHECK ((outcome IN ('pending', 'unknown')) = (resolved_at IS NULL))
    )
    """,
    "COMMENT ON COLUMN payment_attempts.idempotency_key IS 'derived from the payment: every repeat sends the same'",
    "CREATE UNIQUE INDEX one_open_attempt ON payment_attempts (payment_id) WHERE outcome IN ('pending', 'unknown')",
    "CREATE UNIQUE INDEX one_capture ON payment_attempts (payment_id) WHERE outcome = 'captured'",
    """
    CREATE TABLE extra_captures (
        psp_payment_id text PRIMARY KEY,
        payment_id uuid NOT NULL REFERENCES payments,
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        currency char(3) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    """
    CREATE TABLE refunds (
        id uuid PRIMARY KEY,
        payment_id uuid NOT NULL REFERENCES payments,
        psp_payment_id text NOT NULL,
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        currency char(3) NOT NULL,
        reason text NOT NULL,
        requested_by text NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'processing', 'unknown', 'succeeded', 'failed')),
        idempotency_key text NOT NULL UNIQUE,
        psp_refund_id text UNIQUE,
        review text,
        attempts integer NOT NULL DEFAULT 0,
        surprises integer NOT NULL DEFAULT 0,
        unknown_since timestamptz,
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        traceparent text,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CHECK ((status = 'succeeded') = (psp_refund_id IS NOT NULL))
    )
    """,
    "CREATE INDEX refunds_due ON refunds (due_at) WHERE status IN ('pending', 'processing', 'unknown')",
    "CREATE INDEX refunds_payment ON refunds (payment_id, id)",
    """
    CREATE TABLE ledger_heads (
        currency char(3) PRIMARY KEY,
        entry_hash text NOT NULL,
        entries bigint NOT NULL
    )
    """,
    "COMMENT ON TABLE ledger_heads IS 'the newest hash per currency; its row lock puts writers of one chain in line'",
    """
    CREATE TABLE ledger_entries (
        id uuid PRIMARY KEY,
        transaction_id uuid NOT NULL,
        account text NOT NULL CHECK (account IN ('psp_receivable', 'sales')),
        amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
        currency char(3) NOT NULL,
        order_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('capture', 'capture_duplicate', 'refund', 'refund_duplicate')),
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        previous_hash char(64) NOT NULL,
        entry_hash char(64) NOT NULL UNIQUE,
        CONSTRAINT posted_once UNIQUE (transaction_id, account),
        CONSTRAINT chain_never_forks UNIQUE (currency, previous_hash)
    )
    """,
    "CREATE UNIQUE INDEX ledger_one_capture ON ledger_entries (order_id, account) WHERE kind = 'capture'",
    "CREATE INDEX ledger_order ON ledger_entries (order_id)",
    """
    CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM ledger_entries WHERE transaction_id = NEW.transaction_id
            GROUP BY currency HAVING sum(amount_minor) <> 0
        ) THEN
            RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balances';
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE CONSTRAINT TRIGGER ledger_balances AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION ledger_balances()",
    """
    CREATE FUNCTION ledger_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'ledger entries are append-only';
    END $$
    """,
    "CREATE TRIGGER ledger_is_final BEFORE UPDATE OR DELETE ON ledger_entries "
    "FOR EACH ROW EXECUTE FUNCTION ledger_is_final()",
    "CREATE TRIGGER ledger_is_kept BEFORE TRUNCATE ON ledger_entries "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_final()",
    """
    CREATE TABLE webhooks (
        event_id text PRIMARY KEY,
        type text NOT NULL,
        payload text NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        applied_at timestamptz,
        outcome text,
        review text,
        surprises integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        traceparent text,
        CHECK ((applied_at IS NULL) = (outcome IS NULL))
    )
    """,
    "CREATE INDEX webhooks_due ON webhooks (due_at) WHERE applied_at IS NULL",
    "CREATE TABLE reconciliations (at timestamptz PRIMARY KEY DEFAULT clock_timestamp(), report jsonb NOT NULL)",
    """
    CREATE VIEW audit.payments AS
        SELECT id, order_id, customer_id, status, amount_minor, currency,
               captured_minor + extra_captured_minor AS captured_minor, refunded_minor, psp_payment_id, created_at,
               updated_at
        FROM payments
    """,
    "COMMENT ON COLUMN audit.payments.captured_minor IS "
    "'all captures known to us: the one that was owed, and duplicates taken over from the PSP for their refund'",
    "CREATE VIEW audit.payment_attempts AS SELECT id, payment_id, number, idempotency_key, outcome, started_at, "
    "resolved_at FROM payment_attempts",
    """
    CREATE VIEW audit.refunds AS
        SELECT r.id, r.payment_id, p.order_id, r.amount_minor, r.currency, r.status, r.reason, r.psp_refund_id,
               r.created_at
        FROM refunds r JOIN payments p ON p.id = r.payment_id
    """,
    "CREATE VIEW audit.ledger AS SELECT id, transaction_id, account, amount_minor, currency, order_id, kind, "
    "created_at, previous_hash, entry_hash FROM ledger_entries",
    "COMMENT ON COLUMN audit.ledger.amount_minor IS 'signed: debit positive, credit negative'",
    "COMMENT ON COLUMN audit.ledger.entry_hash IS 'sha256 hex over the compact JSON array [previous_hash, id, "
    "transaction_id, account, amount_minor, currency, order_id, kind]; the first of a currency follows 64 zeros'",
    "CREATE VIEW audit.webhooks AS SELECT event_id, type, received_at, applied_at, outcome FROM webhooks",
)


def upgrade() -> None:
    library_tables.create_v1(op.execute)
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
