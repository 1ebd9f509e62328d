"""reports of the reconciliation have names"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE reconciliations ADD COLUMN id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid()")
