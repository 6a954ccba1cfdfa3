"""The record may let go of its oldest lines, and of those alone that its newest line says are over.

Revision ID: 0008
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP TRIGGER audit_no_delete")
    op.execute(
        """CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
        WHEN (
            SELECT what = 'cut' AND CAST(target AS INTEGER) >= OLD.seq FROM audit ORDER BY seq DESC LIMIT 1
        ) IS NOT 1
        BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"""
    )
