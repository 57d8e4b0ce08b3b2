"""The edge: rows in, nouns out. `open_store(url)` brings the file up to date and returns the Store."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from core.errors import BadSetting, Busy
from db.store import Store

NEWEST = "0009"  # the last file of migrations/versions: known here, so that opening an up-to-date database is quick


def open_store(url: str) -> Store:
    """Open (and where needed make or upgrade) the database at `url`.

    SQLite runs in WAL mode on a local disk; writes begin with BEGIN IMMEDIATE, so that no read-then-write is lost.
    Raises BadSetting for an address that is none, Busy for a database that is locked, read-only, damaged or newer.
    """
    engine = _engine(url)
    try:
        with engine.connect() as connection, connection.begin():
            have = _revision(connection)
        if have != NEWEST:
            from db.upgrade import upgrade  # Alembic takes as long to import as all the rest

            with engine.connect().execution_options(write=True) as connection, connection.begin():
                upgrade(connection)
    except DatabaseError as error:
        engine.dispose()
        raise Busy(f"The database {_shown(url)} cannot be opened: {error.orig}.") from error
    return Store(engine)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadSetting(
            f"WINNOW_DATABASE_URL={url!r} is no database address: wanted sqlite:///FILE "
            "or postgresql+psycopg://USER@HOST/NAME."
        ) from None
    if parsed.get_backend_name() != "sqlite":
        try:
            return create_engine(parsed, pool_pre_ping=True)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise BadSetting(
                f"WINNOW_DATABASE_URL={_shown(url)!r} needs a driver that is not installed: {error}."
            ) from None
    if parsed.database:
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(
                f"The folder of the database {parsed.database!r} cannot be made: {error.strerror}."
            ) from None
    # isolation_level None: the driver begins nothing of its own accord, `_begin` says how each transaction begins.
    engine = create_engine(parsed, connect_args={"timeout": 30, "isolation_level": None, "check_same_thread": False})
    event.listen(engine, "connect", _pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _pragmas(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    # Of the cache, KiB: with SQLite's own 2 MB, rows came in at a third of the speed once there were 300,000. Of the
    # log, pages (32 MB): with SQLite's own 4 MB, it was written back after each thousand rows of a thousand classes.
    for pragma in (
        "journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON", "cache_size=-65536",
        "wal_autocheckpoint=8000",
    ):  # fmt: skip
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
