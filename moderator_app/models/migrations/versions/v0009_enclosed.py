"""What comes with a few messages (a poll, pictures, choices), and what a person has to look for.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    unsure = sa.text("state = 'unsure'")
    op.create_index("ix_action_unsure", "action", ["state"], unique=False, sqlite_where=unsure)
    op.create_table(
        "enclosed",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
            name=op.f("fk_enclosed_message_id_message"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_enclosed")),
    )
