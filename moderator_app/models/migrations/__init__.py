"""Schema steps, run by Alembic on the connection that the store hands over; there is no ini file."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The version that this program writes."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None
    return found


def known(version: str) -> bool:
    """Whether this program has the step that made a file of that version."""
    return any(step.revision == version for step in ScriptDirectory.from_config(_config()).walk_revisions())


def version(connection: sa.Connection) -> str | None:
    """The version of an open file; None where it is new."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: sa.Connection) -> None:
    """Take every step up to head, in the transaction that the caller opened."""
    command.upgrade(_config(connection), "head")
