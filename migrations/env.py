"""Alembic's entry point: runs the migrations on the connection that `runner` provides."""

from alembic import context
from sqlalchemy import Connection

from incidents.registry.tables import metadata


def run() -> None:
    """Run the migrations on the given connection."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata(),
        # SQLite can't alter most things in place; a first schema only creates.
        render_as_batch=connection.dialect.name == "sqlite"
        and not context.config.attributes.get("is_first", False),
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
