"""quotes of exchange rates, and which payment is charged at which"""

from alembic import op

from shared import library_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE conversion_quotes (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL,
        from_currency char(3) NOT NULL,
        to_currency char(3) NOT NULL,
        rate_nano bigint NOT NULL CHECK (rate_nano > 0),
        exchange_rate_id text NOT NULL,
        quoted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz NOT NULL,
        CHECK (from_currency <> to_currency),
        CHECK (expires_at > quoted_at),
        CONSTRAINT quoted_to_somebody UNIQUE (id, customer_id, to_currency)
    )
    """,
    "COMMENT ON COLUMN conversion_quotes.rate_nano IS "
    "'billionths of one unit of to_currency for one of from_currency; the way back is a rate of its own'",
    "COMMENT ON COLUMN conversion_quotes.expires_at IS "
    "'an order may be placed at the rate until then; one that was placed is charged at it however late'",
    "CREATE INDEX conversion_quotes_expiry ON conversion_quotes (expires_at)",
    """
    CREATE FUNCTION quotes_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a quote is never changed' USING ERRCODE = 'check_violation', CONSTRAINT = 'quotes_are_final';
    END $$
    """,
    "CREATE TRIGGER quotes_are_final BEFORE UPDATE ON conversion_quotes "
    "FOR EACH ROW EXECUTE FUNCTION quotes_are_final()",
    """
    ALTER TABLE payments
        ADD COLUMN quote_id uuid CONSTRAINT one_payment_per_quote UNIQUE,
        ADD CONSTRAINT charged_as_quoted FOREIGN KEY (quote_id, customer_id, currency)
            REFERENCES conversion_quotes (id, customer_id, to_currency)
    """,
    "COMMENT ON COLUMN payments.quote_id IS 'the quote the order was priced at; null where nothing was converted'",
    "CREATE VIEW audit.conversion_quotes AS "
    "SELECT id, customer_id, from_currency, to_currency, rate_nano, exchange_rate_id, quoted_at, expires_at "
    "FROM conversion_quotes",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
