"""What every group of the Store stands on: two kinds of transaction, and the fence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, insert, update
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, ProgrammingError

from core.errors import BadInput, Busy, Fenced
from core.model import Claim
from db.tables import jobs

T = TypeVar("T")


def now() -> datetime:
    return datetime.now(UTC)


def text(value: str, what: str = "text") -> str:
    """The value, if a database can keep it. Raises BadInput for NUL and lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadInput(f"The {what} {value!r} holds half of a character (a lone surrogate).") from None
    if "\x00" in value:
        raise BadInput(f"The {what} {value!r} holds a NUL character.")
    return value


def chunks(values: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """The values in pieces: SQLite binds a limited number of them."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


class Base:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with _said(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _write(self, claim: Claim | None = None) -> Iterator[Connection]:
        """A write; with a claim it happens only while that claim holds its job. Raises Fenced, Busy."""
        with _said(), self._engine.connect().execution_options(write=True) as connection, connection.begin():
            if claim is not None:
                self._guard(connection, claim)
            yield connection

    @staticmethod
    def _guard(connection: Connection, claim: Claim, **values: Any) -> bool:
        """Touch the job's row if the claim still holds it. True = a person asked the job to stop. Raises Fenced."""
        cancel = connection.execute(
            update(jobs)
            .where(jobs.c.id == claim.job, jobs.c.fence == claim.fence, jobs.c.status == "running")
            .values(updated=now(), **values)
            .returning(jobs.c.cancel)
        ).scalar_one_or_none()
        if cancel is None:
            raise Fenced(f"Job {claim.job} is no longer this worker's: it was stopped, or another worker took it over.")
        return cancel

    def _insert_new(self, table: Any) -> Any:
        """INSERT ... ON CONFLICT, in the dialect at hand (both spell it alike)."""
        if self._engine.dialect.name == "sqlite":
            from sqlalchemy.dialects.sqlite import insert as insert_new
        else:
            from sqlalchemy.dialects.postgresql import insert as insert_new  # takes 0.1 s to import
        return insert_new(table)


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, ProgrammingError):
        raise  # a caller's, or a mistake in this program
    except (DataError, OverflowError) as error:
        raise BadInput("A value is too large for the database to keep.") from error
    except DatabaseError as error:  # locked, full, read-only, a damaged page
        raise Busy(f"The database did not answer: {error.orig}. Try again; nothing was half written.") from error


__all__ = ["Base", "Row", "chunks", "insert", "now", "text"]
