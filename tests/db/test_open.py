"""Opening a database: made, brought up to date, or refused with one sentence."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

import db
from core.errors import BadSetting, Busy
from core.model import DUPLICATE, Decision, Recipe, Search
from db import open_store
from db.tables import metadata
from tests.db.conftest import operation

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(home: Path) -> Path:
    return home / "winnow.db"


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def version(file: Path) -> str:
    with sqlite3.connect(file) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def test_a_new_database_is_made_with_its_folder_and_opened_again_as_it_is(home):
    file = home / "deep" / "er" / "winnow.db"
    store = open_store(url(file))
    store.add_project("cars", ["sedan"])
    store.close()
    again = open_store(url(file))
    assert [p.name for p in again.projects()] == ["cars"]
    assert version(file) == db.NEWEST
    again.close()


def test_the_number_of_the_newest_schema_is_that_of_the_last_migration():
    script = ScriptDirectory(str(ROOT / "db" / "migrations"))
    assert script.get_current_head() == db.NEWEST


def test_the_migrations_make_exactly_the_tables_of_tables_py(store):
    with store._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_sqlite_runs_in_wal_mode_with_foreign_keys(store):
    with store._engine.connect() as connection:
        read = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert read == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 30000}


def test_opening_an_up_to_date_database_imports_no_alembic(store, file):
    code = f"import sys; from db import open_store; open_store({url(file)!r}); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.slow
def test_four_processes_that_open_a_new_database_at_once_all_succeed(file):
    code = f"from db import open_store; print(len(open_store({url(file)!r}).projects()))"
    starting = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for _ in range(4)]  # fmt: skip
    answers = [process.communicate(timeout=120) for process in starting]
    assert answers == [("0\n", "")] * 4
    assert version(file) == db.NEWEST


def test_a_database_of_a_newer_program_is_refused_and_left_as_it_is(store, file):
    store.close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(
        Busy, match=r"written by a newer Winnow \(schema 9999, this program knows 0009\): update Winnow"
    ):
        open_store(url(file))
    assert version(file) == "9999"


@pytest.mark.parametrize("has_the_column", [False, True])
def test_a_database_of_the_schema_before_keeps_its_searches(store, project, claim, file, has_the_column):
    by = claim()
    store.add_search(
        by, project.id, Search("sedan", "openverse", "sedan car", asked_by=by.job, found=3, next="2"), 0, []
    )
    store.close()
    with sqlite3.connect(file) as connection:
        for table in (
            "measures",
            "embeddings",
            "links",
            "detections",
            "opinions",
            "second_looks",
            "showings",
            "certificates",
            "presets",
        ):
            connection.execute(f"DROP TABLE {table}")
        for column in ("projects DROP COLUMN cleaning", "projects DROP COLUMN reviewing", "splits DROP COLUMN crop", "split_images DROP COLUMN box",
                       "images DROP COLUMN crop", "images DROP COLUMN box",
                       "runs DROP COLUMN name", "runs DROP COLUMN note", "runs DROP COLUMN deleted", "predictions DROP COLUMN truth",
                       "decisions DROP COLUMN box", "decisions DROP COLUMN was_box"):  # fmt: skip
            connection.execute(f"ALTER TABLE {column}")
        if not has_the_column:
            connection.execute("ALTER TABLE searches DROP COLUMN size")
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    again = open_store(url(file))
    (kept,) = again.searches(by.job)
    assert (kept.query, kept.found, kept.next, kept.size, version(file)) == ("sedan car", 3, "2", 0, db.NEWEST)
    with again._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    again.close()


def test_a_file_that_is_no_database_is_refused_with_one_sentence(file):
    file.write_bytes(b"this is no database" * 1000)
    with pytest.raises(Busy, match="cannot be opened: file is not a database"):
        open_store(url(file))
    assert file.read_bytes().startswith(b"this is no database")


def test_a_damaged_page_is_one_sentence_when_it_is_read(store, project, images, file):
    images(300)
    store.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'images'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with open(file, "r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\xff" * size)
    with pytest.raises(Busy, match="The database did not answer: database disk image is malformed"):
        list(open_store(url(file)).images(project.id))


def test_a_read_only_database_can_be_looked_at_and_says_why_it_keeps_nothing(store, project, file):
    store.close()
    reader = open_store(f"sqlite:///file:{file}?mode=ro&uri=true")
    assert [p.name for p in reader.projects()] == ["cars"]
    with pytest.raises(Busy, match="attempt to write a readonly database"):
        reader.add_project("more", ["x"])
    reader.close()


def test_a_database_that_another_program_holds_says_so_and_works_again_afterwards(store, project, file):
    def impatient(connection, _record) -> None:
        connection.execute("PRAGMA busy_timeout=200")

    store._engine.dispose()
    event.listen(store._engine, "connect", impatient)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(Busy, match="database is locked. Try again"):
        store.submit("scrape", {}, project.id)
    assert time.monotonic() - began < 5
    assert store.projects() == [project], "readers do not wait for a writer"
    holder.execute("ROLLBACK")
    holder.close()
    assert store.submit("scrape", {}, project.id).status == "queued"


@pytest.mark.parametrize("wrong", ["winnow.db", "", "sqlite//x"])
def test_an_address_that_is_none_is_refused(wrong):
    with pytest.raises(BadSetting, match="WINNOW_DATABASE_URL=.*is no database address"):
        open_store(wrong)


def test_a_driver_that_is_not_installed_is_named(home):
    with pytest.raises(BadSetting, match="needs a driver that is not installed"):
        open_store("oracle+nothing://someone:SECRET123@host/x")


def test_a_password_is_not_shown():
    with pytest.raises(BadSetting) as caught:
        open_store("oracle+nothing://someone:SECRET123@host/x")
    assert "SECRET123" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_a_sentence(home):
    (home / "file").write_text("")
    with pytest.raises(BadSetting, match="The folder of the database .* cannot be made"):
        open_store(url(home / "file" / "winnow.db"))


def test_what_was_decided_before_counts_as_looked_at_in_that_order(store, project, images, file):
    first, second, third, copied = images(4)
    for decision in (
        Decision(copied, "keep", DUPLICATE), Decision(third, "reject", "interior"), Decision(first, "keep"),
        Decision(third, "keep"), Decision(copied, "reject"),
    ):  # fmt: skip
        store.apply(project.id, operation(decision))
    store.close()
    with sqlite3.connect(file) as connection:
        for table in ("opinions", "second_looks", "showings", "certificates", "presets"):
            connection.execute(f"DROP TABLE {table}")
        for column in (
            "projects DROP COLUMN reviewing",
            "runs DROP COLUMN name",
            "runs DROP COLUMN note",
            "runs DROP COLUMN deleted",
            "predictions DROP COLUMN truth",
        ):
            connection.execute(f"ALTER TABLE {column}")
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    again = open_store(url(file))
    assert [(one.image, one.bad) for one in again.judged(project.id)] == [
        (third, False),
        (first, False),
        (copied, True),
    ]
    assert again.audit(project.id).left == 1
    again.close()


def test_runs_and_what_models_said_before_they_could_be_named_are_kept(store, project, claim, images, file):
    (image,) = images(1)
    by = claim("split")
    split = store.add_split(by, project.id, 1, {"train": [(image, "sedan")], "val": [], "test": []}, ["sedan"], {}, 0)
    by = claim("train", "gpu")
    run = store.start_run(by, project.id, split.id, Recipe("vgg75"), 0)
    store.finish_run(by, run.id, {"val_accuracy": 0.5})
    said = [{"model": "vgg75", "image": image, "label": "sedan", "predicted": "sedan", "confidence": 0.75}]
    number = store.add_evaluation(claim("evaluate"), project.id, [run.id], "val", {}, said)
    store.close()
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE presets")
        connection.execute("ALTER TABLE predictions DROP COLUMN truth")
        for column in ("name", "note", "deleted"):
            connection.execute(f"ALTER TABLE runs DROP COLUMN {column}")
        connection.execute("UPDATE alembic_version SET version_num = '0006'")
    again = open_store(url(file))
    (kept,) = again.runs(project.id, done=True)
    assert (kept.id, kept.name, kept.note, kept.deleted, kept.result) == (
        run.id,
        "vgg75",
        "",
        None,
        {"val_accuracy": 0.5},
    )
    assert again.predicted(number, "vgg75", "sedan", "sedan") == [(image, 0.75)]
    with again._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    again.close()
