"""Schema steps, run by Alembic on the connection that the store hands over; there is no ini file.

Alembic is loaded only for a file that needs a step: it takes longer to load than a store to open.
"""

from pathlib import Path

import sqlalchemy as sa

_HERE = Path(__file__).parent


def _steps() -> list[str]:
    """The versions that this program knows, oldest first: each file of a step is named after its own."""
    return sorted(path.name[1:].split("_")[0] for path in (_HERE / "versions").glob("v[0-9]*.py"))


def head() -> str:
    """The version that this program writes."""
    return _steps()[-1]


def known(version: str) -> bool:
    """Whether this program has the step that made a file of that version."""
    return version in _steps()


def version(connection: sa.Connection) -> str | None:
    """The version of an open file; None where it is new."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def upgrade(connection: sa.Connection, to: str = "head") -> None:
    """Take every step up to a version, in the transaction that the caller opened."""
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
