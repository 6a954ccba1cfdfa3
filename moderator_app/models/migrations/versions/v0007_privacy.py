"""Forgetting: rules of retention, requests, holds, what may not come back, and since when words are kept.

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retention_rule",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "level", name=op.f("pk_retention_rule")),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.Integer(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=True)
            for name in ("confirmed_at", "due_at", "review_at", "ends_at", "done_at")
        ),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("reason", "basis", "facts", "proof")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
    )
    op.create_table(
        "held_item",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_held_item_item_id_item")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_held_item_request_id_request")),
        sa.PrimaryKeyConstraint("request_id", "item_id", name=op.f("pk_held_item")),
    )
    op.create_index("ix_held_item_item_id", "held_item", ["item_id"])
    op.create_table(
        "kept_out",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_kept_out")),
    )
    for name in ("checking_since", "checked_at"):
        op.add_column("account", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("item", sa.Column("words_since", sa.Integer(), nullable=True))
    # For what is there already the count begins with this step: nobody was told that it would go today.
    op.execute("UPDATE item SET words_since = CAST(strftime('%s', 'now') AS INTEGER) * 1000")
    op.create_index("ix_item_words", "item", ["words_since"], sqlite_where=sa.text("words_since IS NOT NULL"))
