"""documents, index builds"""

from alembic import op

from shared import library_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE documents (
        product_id uuid PRIMARY KEY,
        version bigint NOT NULL CHECK (version > 0),
        deleted boolean NOT NULL,
        body jsonb,
        indexed_version bigint NOT NULL DEFAULT 0 CHECK (indexed_version <= version),
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        surprises int NOT NULL DEFAULT 0,
        review text,
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT living_documents_have_a_body CHECK (deleted OR body IS NOT NULL)
    )
    """,
    "CREATE INDEX documents_pending ON documents (due_at) WHERE indexed_version < version",
    """
    CREATE TABLE index_builds (
        id uuid PRIMARY KEY,
        index_name text UNIQUE,
        status text NOT NULL CHECK (status IN ('requested', 'running', 'completed', 'failed')),
        documents bigint NOT NULL DEFAULT 0,
        attempts int NOT NULL DEFAULT 0,
        reason text,
        requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        started_at timestamptz,
        ended_at timestamptz,
        CONSTRAINT ended_builds_have_an_end CHECK ((status IN ('completed', 'failed')) = (ended_at IS NOT NULL))
    )
    """,
    "CREATE UNIQUE INDEX one_open_build ON index_builds ((true)) WHERE status IN ('requested', 'running')",
    "CREATE VIEW audit.documents AS SELECT product_id, version, deleted, indexed_version, surprises, review, updated_at "
    "FROM documents",
    "COMMENT ON COLUMN audit.documents.version IS 'aggregate version of the newest product event seen'",
    "COMMENT ON COLUMN audit.documents.indexed_version IS 'the version the index has; lower than version: on its way'",
    "CREATE VIEW audit.index_builds AS SELECT id, index_name, status, documents, attempts, reason, requested_at, started_at, "
    "ended_at FROM index_builds",
)


def upgrade() -> None:
    library_tables.create_v1(op.execute)
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
