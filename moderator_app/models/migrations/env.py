"""What Alembic runs: the steps, on the connection it was handed."""

from alembic import context


def _run() -> None:
    # The caller opened the transaction: a step that fails leaves the file as it was.
    context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
    context.run_migrations()


_run()
