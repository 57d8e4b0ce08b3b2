"""`python -m core runs`: what was trained, renamed, noted, and without its files."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from core.__main__ import main
from core.recipes import read
from core.runs import run_folder
from core.settings import load
from db.store import Store
from tests.core.cli.conftest import Run
from tests.pages import filled

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def runs(run: Run, store: Store, home: Path) -> Run:
    """What `runs` answers in a project with two trained ones."""
    project = filled.scraped(store, home)
    filled.split(store, project)
    filled.trained(store, project)
    return partial(run, "runs")


def test_every_run_is_listed_with_its_figures_the_newest_first(runs: Run) -> None:
    rows = runs()["runs"]
    assert [row["recipe"] for row in rows] == ["vgg100-bn", "vgg75-bn"]
    assert list(rows[0]) == ["run", "name", "recipe", "status", "epochs", "val_accuracy", "val_accuracy_interval",
                             "val_macro_f1", "parameters", "bytes", "latency", "seconds", "note", "error", "deleted"]  # fmt: skip
    low, high = rows[0]["val_accuracy_interval"]
    assert low < rows[0]["val_accuracy"] == 0.84 < high


def test_a_run_is_renamed_noted_and_loses_its_files_but_not_its_record(runs: Run, store: Store) -> None:
    assert runs("rename", 1, "the quick one") == {"run": 1, "name": "the quick one", "note": "", "said": ""}
    assert runs("note", 1, "with 40 epochs")["note"] == "with 40 epochs"
    folder = run_folder(load(), 1)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(500))
    assert runs("delete", 1)["freed"] == 500
    assert not folder.exists()
    row = runs()["runs"][-1]
    assert (row["name"], row["note"], row["val_accuracy"]) == ("the quick one", "with 40 epochs", 0.84)
    assert row["deleted"]
    assert runs("rename", 1, "")["name"] == "vgg75-bn"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rename", 1), "wants a run and its name"),
        (("note",), "wants a run and a text"),
        (("delete",), "wants a run;"),
        (("delete", 1, "now"), "wants a run;"),
        (("list", 1), "lists every run"),
        (("rename", 1, "vgg100-bn"), "Run 2 is called 'vgg100-bn' already"),
        (("rename", 9, "x"), "no run 9"),
        (("delete", 9), "no run 9"),
        (("burn", 1), "invalid choice"),
        (("rename", "one", "x"), "invalid int value"),
    ],
)
def test_wrong_usage_is_one_sentence(runs: Run, words: tuple, said: str) -> None:
    assert said in runs(*words, code=2)["said"]


def test_read_by_a_person_what_there_is_not_is_left_out(runs: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs()["runs"][0]["deleted"] is None
    assert main(["runs", "--project", "cars"]) == 0
    told = capsys.readouterr().out
    assert "recipe=vgg75-bn" in told and "deleted" not in told


def test_a_run_is_one_line_whatever_its_note(runs: Run, capsys: pytest.CaptureFixture[str]) -> None:
    runs("note", 1, "with 40 epochs\nand a second line")
    assert main(["runs", "--project", "cars"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told] == ["runs:", "run=2", "run=1"]
    assert "note=with 40 epochs and a second line" in told[2]


def test_it_ends_quietly_where_nobody_reads_on(runs: Run) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "core", "runs", "--project", "cars"], stdout=writer, stderr=subprocess.PIPE, timeout=120,
        cwd=ROOT,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_curve_of_a_run_is_told_with_what_it_still_wants(runs: Run, store: Store) -> None:
    told = runs("curve", 1)
    assert [point["run"] for point in told["points"]] == [1] and told["outlook"] is None
    assert told["missing"] == [
        f"vgg75-bn:share={share},epochs={epochs},patience={patience}"
        for share, epochs, patience in ((0.125, 320, 64), (0.25, 160, 32), (0.5, 80, 16))
    ]
    project = store.project("cars")
    _, claim = filled.begin(store, project, "train")
    for position, text in enumerate(told["missing"]):
        run = store.start_run(claim, project.id, store.split(project.id).id, read(text), position)
        store.finish_run(
            claim, run.id, {"val_accuracy": 0.5 + 0.1 * position, "val_accuracy_interval": [0.4 + 0.1 * position, 0.8]}
        )
    told = runs("curve", 1)
    assert [point["accuracy"] for point in told["points"]] == [0.5, 0.6, 0.7, 0.84] and told["missing"] == []
    assert told["outlook"]["low"] < told["outlook"]["gain"] < told["outlook"]["high"] and told["sentence"]
    assert "wants a run" in runs("curve", code=2)["said"] and "no run 99" in runs("curve", 99, code=2)["said"]
