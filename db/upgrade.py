"""Bring a database up to date with Alembic; imported only where it is not."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.errors import Busy
from db.tables import metadata

# One number for all processes that migrate a PostgreSQL database at once; any constant would do.
MIGRATION_LOCK = 7_466_091


def upgrade(connection: Connection) -> None:
    """The whole upgrade in the caller's one transaction; of several processes one does it and the others wait.

    Raises Busy for a database that a newer program wrote.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    have, newest = MigrationContext.configure(connection).get_current_revision(), script.get_current_head()
    if have == newest:
        return
    if have is not None and have not in {step.revision for step in script.walk_revisions()}:
        raise Busy(
            f"The database was written by a newer Winnow (schema {have}, this program knows {newest}): update Winnow."
        )
    with EnvironmentContext(config, script) as environment:
        environment.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False,
                              fn=lambda rev, _: script._upgrade_revs("head", rev))  # fmt: skip
        environment.run_migrations()
