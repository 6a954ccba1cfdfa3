"""An index for the queues by what was heard.

Revision ID: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_HEARD = (
    "kind IN ('third_person', 'minor_at_risk', 'abuse_disclosed', 'abuse', 'hate', 'incitement', "
    "'eating_harm', 'threat', 'doxxing', 'spam', 'not_covered', 'unreadable', 'too_long')"
)


def upgrade() -> None:
    op.create_index(
        "ix_signal_heard", "signal", ["kind", "message_id"], unique=False, sqlite_where=sa.text(_HEARD)
    )
