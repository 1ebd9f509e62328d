"""reports of people's own, and when they are mailed"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE saved_reports (
        id uuid PRIMARY KEY,
        name text NOT NULL UNIQUE,
        definition jsonb NOT NULL,
        made_by text NOT NULL,
        made_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    """
    CREATE TABLE report_schedules (
        id uuid PRIMARY KEY,
        report_id uuid NOT NULL REFERENCES saved_reports ON DELETE CASCADE,
        owner_id uuid NOT NULL,
        email text NOT NULL,
        cadence text NOT NULL CHECK (cadence IN ('daily', 'weekly', 'monthly')),
        hour integer NOT NULL CHECK (hour BETWEEN 0 AND 23),
        days integer NOT NULL CHECK (days BETWEEN 1 AND 366),
        next_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        sent integer NOT NULL DEFAULT 0,
        last_error text,
        UNIQUE (report_id, owner_id, cadence, hour)
    )
    """,
    "COMMENT ON COLUMN report_schedules.days IS 'how many days up to the one before it is mailed the report is about'",
    "CREATE INDEX report_schedules_due ON report_schedules (next_at)",
    'CREATE INDEX saved_reports_name ON saved_reports (name COLLATE "C")',
    "CREATE INDEX report_schedules_owner ON report_schedules (owner_id, id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
