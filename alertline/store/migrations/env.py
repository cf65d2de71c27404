"""Run by Alembic with the connection that `alertline.store.migrate` hands over; there is no alembic.ini."""

from alembic import context
from sqlalchemy import Connection

from alertline.store.tables import metadata


def run() -> None:
    """Run the steps in the transaction of the connection: all of them or none."""
    connection = context.config.attributes["connection"]
    if not isinstance(connection, Connection):
        raise TypeError("run migrations with alertline.store.migrate")
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


run()
