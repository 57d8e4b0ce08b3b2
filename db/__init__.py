"""The edge: rows in, nouns out. `open_store(url)` brings the file up to date and returns the Store."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from core.errors import BadSetting, Busy
from db.store import Store
from db.tables import metadata

# One number for all processes that migrate a PostgreSQL database at once; any constant would do.
MIGRATION_LOCK = 7_466_091


def open_store(url: str) -> Store:
    """Open (and where needed make or upgrade) the database at `url`.

    SQLite runs in WAL mode on a local disk; writes begin with BEGIN IMMEDIATE, so that no read-then-write is lost.
    Raises BadSetting for an address that is none, Busy for a database that is locked, read-only, damaged or newer.
    """
    engine = _engine(url)
    try:
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            _upgrade(connection)
    except DatabaseError as error:
        engine.dispose()
        raise Busy(f"The database {_shown(url)} cannot be opened: {error.orig}.") from error
    return Store(engine)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadSetting(f"WINNOW_DATABASE_URL={url!r} is no database address: wanted sqlite:///FILE "
                         "or postgresql+psycopg://USER@HOST/NAME.") from None
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    # isolation_level None: the driver begins nothing of its own accord, `_begin` says how each transaction begins.
    engine = create_engine(parsed, connect_args={"timeout": 30, "isolation_level": None, "check_same_thread": False})
    event.listen(engine, "connect", _pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _pragmas(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _upgrade(connection: Connection) -> None:
    """The whole upgrade in the caller's one transaction; of several processes one does it and the others wait."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    have, newest = MigrationContext.configure(connection).get_current_revision(), script.get_current_head()
    if have == newest:
        return
    if have is not None and have not in {step.revision for step in script.walk_revisions()}:
        raise Busy(f"The database was written by a newer Winnow (schema {have}, this program knows {newest}): update Winnow.")
    with EnvironmentContext(config, script, fn=lambda rev, _: script._upgrade_revs(newest, rev)) as environment:
        environment.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False,
                              fn=lambda rev, _: script._upgrade_revs(newest, rev))
        environment.run_migrations()


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
