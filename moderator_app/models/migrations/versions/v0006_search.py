"""Names of people can be found by how they begin, and urgent conversations wherever they stand.

Revision ID: 0006
"""

from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_person_handle ON person (handle COLLATE NOCASE)")
    op.execute("CREATE INDEX ix_person_name ON person (name COLLATE NOCASE) WHERE name <> ''")
    op.execute("CREATE INDEX ix_item_urgent ON item (level) WHERE level <= 1")
