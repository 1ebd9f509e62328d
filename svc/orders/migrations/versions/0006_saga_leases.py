"""until when somebody is at a saga, for whoever waits for it"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE OR REPLACE VIEW audit.sagas AS SELECT order_id, step, status, attempts, deadline_at, started_at, ended_at, "
    "lease_until FROM sagas",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
