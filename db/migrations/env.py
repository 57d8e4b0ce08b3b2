"""Alembic runs this with the connection, and inside the transaction, that db.open_store gave it."""

from alembic import context

context.run_migrations()
