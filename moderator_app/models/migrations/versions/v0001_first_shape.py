"""The first shape: inbox, care, counters and search.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Badges are read on every change, so counting is done as items change, not when they are shown.
_COUNT_TRIGGERS = (
    """
    CREATE TRIGGER item_count_insert AFTER INSERT ON item BEGIN
      INSERT INTO item_count(status, level, n) VALUES (new.status, new.level, 1)
        ON CONFLICT(status, level) DO UPDATE SET n = n + 1;
    END
    """,
    """
    CREATE TRIGGER item_count_delete AFTER DELETE ON item BEGIN
      UPDATE item_count SET n = n - 1 WHERE status = old.status AND level = old.level;
    END
    """,
    """
    CREATE TRIGGER item_count_update AFTER UPDATE OF status, level ON item
    WHEN old.status <> new.status OR old.level <> new.level BEGIN
      UPDATE item_count SET n = n - 1 WHERE status = old.status AND level = old.level;
      INSERT INTO item_count(status, level, n) VALUES (new.status, new.level, 1)
        ON CONFLICT(status, level) DO UPDATE SET n = n + 1;
    END
    """,
)

# External content over a view keeps no second copy of the words; secure-delete leaves no trace of what
# is erased; the facets column turns "this person's messages" into one more search term.
_SEARCH = (
    """
    CREATE VIEW message_search AS SELECT id, coalesce(folded, body) AS body,
      'p' || coalesce(person_id, 0) || ' t' || thread_id || ' a' || account_id
        || ' w' || (created_at / 604800000) AS facets
    FROM message
    """,
    """
    CREATE VIRTUAL TABLE message_fts USING fts5(body, facets, content='message_search',
      content_rowid='id', tokenize='unicode61 remove_diacritics 2')
    """,
    "INSERT INTO message_fts(message_fts, rank) VALUES ('secure-delete', 1)",
    """
    CREATE TRIGGER message_fts_insert AFTER INSERT ON message BEGIN
      INSERT INTO message_fts(rowid, body, facets)
        SELECT id, body, facets FROM message_search WHERE id = new.id;
    END
    """,
    """
    CREATE TRIGGER message_fts_delete BEFORE DELETE ON message BEGIN
      INSERT INTO message_fts(message_fts, rowid, body, facets)
        SELECT 'delete', id, body, facets FROM message_search WHERE id = old.id;
    END
    """,
    """
    CREATE TRIGGER message_fts_before BEFORE UPDATE OF body, folded, person_id ON message BEGIN
      INSERT INTO message_fts(message_fts, rowid, body, facets)
        SELECT 'delete', id, body, facets FROM message_search WHERE id = old.id;
    END
    """,
    """
    CREATE TRIGGER message_fts_after AFTER UPDATE OF body, folded, person_id ON message BEGIN
      INSERT INTO message_fts(rowid, body, facets)
        SELECT id, body, facets FROM message_search WHERE id = new.id;
    END
    """,
)


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("vault_key", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("abilities", sa.String(), nullable=False),
        sa.Column("health", sa.String(), nullable=False),
        sa.Column("health_since", sa.Integer(), nullable=True),
        sa.Column("last_pull_at", sa.Integer(), nullable=True),
        sa.Column("next_try_at", sa.Integer(), nullable=True),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("removed_at", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("platform", "external_id", name=op.f("uq_account_platform_external_id")),
    )
    op.create_table(
        "item_count",
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("status", "level", name=op.f("pk_item_count")),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("reviewed_by", sa.String(), nullable=False),
        sa.Column("approved_until", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
        sa.UniqueConstraint("key", name=op.f("uq_template_key")),
    )
    op.create_table(
        "cursor",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_cursor_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "stream", name=op.f("pk_cursor")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("first_seen", sa.Integer(), nullable=False),
        sa.Column("last_seen", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_person_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("account_id", "external_id", name=op.f("uq_person_account_id_external_id")),
    )
    op.create_table(
        "thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("permalink", sa.String(), nullable=True),
        sa.Column("last_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_thread_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread")),
        sa.UniqueConstraint("account_id", "external_id", name=op.f("uq_thread_account_id_external_id")),
    )
    op.create_table(
        "item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("new_messages", sa.Integer(), nullable=False),
        sa.Column("top_message_id", sa.Integer(), nullable=True),
        sa.Column("waiting_since", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.Integer(), nullable=True),
        sa.Column("lowered_through", sa.Integer(), nullable=False),
        sa.Column("assignee", sa.String(), nullable=False),
        sa.Column("escalated_to", sa.String(), nullable=False),
        sa.Column("escalated_at", sa.Integer(), nullable=True),
        sa.Column("acknowledged_at", sa.Integer(), nullable=True),
        sa.Column("snoozed_until", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("first_reply_at", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_item_account_id_account")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_item_person_id_person")),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_item_thread_id_thread")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint("thread_id", "person_id", name=op.f("uq_item_thread_id_person_id")),
    )
    op.create_index(
        "ix_item_escalated",
        "item",
        ["rank", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("escalated_to <> ''"),
    )
    op.create_index("ix_item_level", "item", ["status", "level", "rank", "due_at", "id"], unique=False)
    op.create_index(
        "ix_item_mine",
        "item",
        ["assignee", "status", "rank", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("assignee <> ''"),
    )
    op.create_index("ix_item_person", "item", ["person_id", "last_at"], unique=False)
    op.create_index(
        "ix_item_snoozed", "item", ["snoozed_until"], unique=False, sqlite_where=sa.text("status = 'snoozed'")
    )
    op.create_index("ix_item_week", "item", ["waiting_since", "level", "first_reply_at"], unique=False)
    op.create_index("ix_item_status", "item", ["status", "rank", "due_at", "id"], unique=False)
    op.create_table(
        "person_link",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("cluster_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_link_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_link")),
    )
    op.create_index(op.f("ix_person_link_cluster_id"), "person_link", ["cluster_id"], unique=False)
    op.create_table(
        "draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("saved_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_draft_item_id_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
        sa.UniqueConstraint("item_id", "who", name=op.f("uq_draft_item_id_who")),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("item_id", sa.Integer(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("parent_ext", sa.String(), nullable=True),
        sa.Column("subject_ext", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("lang", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=True),
        sa.Column("permalink", sa.String(), nullable=True),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("fetched_at", sa.Integer(), nullable=False),
        sa.Column("edited_at", sa.Integer(), nullable=True),
        sa.Column("gone_at", sa.Integer(), nullable=True),
        sa.Column("gone_how", sa.String(), nullable=True),
        sa.Column("likes", sa.Integer(), nullable=False),
        sa.Column("replies", sa.Integer(), nullable=False),
        sa.Column("hidden_there", sa.Boolean(), nullable=False),
        sa.Column("hidden_wanted", sa.Boolean(), nullable=True),
        sa.Column("liked", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("read_v", sa.Integer(), nullable=True),
        sa.Column("action_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_message_account_id_account")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_message_item_id_item")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_message_person_id_person")),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_message_thread_id_thread")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("account_id", "external_id", name=op.f("uq_message_account_id_external_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_message_item", "message", ["item_id", "id"], unique=False)
    op.create_index(
        "ix_message_parent",
        "message",
        ["account_id", "parent_ext"],
        unique=False,
        sqlite_where=sa.text("ours"),
    )
    op.create_index("ix_message_person", "message", ["person_id", "created_at", "id"], unique=False)
    op.create_index("ix_message_thread", "message", ["thread_id", "created_at", "id"], unique=False)
    op.create_index(
        "ix_message_unread", "message", ["id"], unique=False, sqlite_where=sa.text("read_v IS NULL")
    )
    op.create_index(
        "ix_message_week",
        "message",
        ["created_at", "ours", "account_id", "level", "person_id", "thread_id"],
        unique=False,
    )
    op.create_table(
        "note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("forgotten_at", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_note_item_id_item")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_note_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
    )
    op.create_index(op.f("ix_note_item_id"), "note", ["item_id"], unique=False)
    op.create_index(op.f("ix_note_person_id"), "note", ["person_id"], unique=False)
    op.create_table(
        "action",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("item_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.Column("not_before", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.Integer(), nullable=True),
        sa.Column("remote_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_action_account_id_account")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_action_item_id_item")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_action_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
    )
    op.create_index("ix_action_at", "action", ["at"], unique=False)
    op.create_index(
        "ix_action_due",
        "action",
        ["account_id", "not_before"],
        unique=False,
        sqlite_where=sa.text("state IN ('held', 'sent', 'unknown')"),
    )
    op.create_index("ix_action_item", "action", ["item_id", "at"], unique=False)
    op.create_index("ix_action_message", "action", ["message_id", "at"], unique=False)
    op.create_index("ix_action_who", "action", ["who", "at"], unique=False)
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("replaced_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_revision_message_id_message"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
    )
    op.create_index("ix_revision_message_id", "revision", ["message_id"], unique=False)
    op.create_table(
        "signal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("lang", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_signal_message_id_message"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal")),
    )
    op.create_index("ix_signal_message_id", "signal", ["message_id"], unique=False)

    for statement in (*_COUNT_TRIGGERS, *_SEARCH):
        op.execute(statement)
