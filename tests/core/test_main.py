"""The command line: what it prints, on which stream, and its exit code.

`run` calls it in this process, which is quick; `process` goes through its real door, where that is what is tested.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from core.__main__ import main
from core.cli.parser import parser
from core.model import Cropping

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., dict]


def answer(code: int, out: str, err: str) -> dict:
    """The JSON on stdout, or {"said": the sentence on stderr} after wrong usage."""
    assert "Traceback" not in err
    lines = out.splitlines()
    if code == 2 or not lines:
        assert not lines
        return {"said": err.splitlines()[-1]}
    assert len(lines) == 1
    return json.loads(lines[0])


def process(*words: object, code: int = 0) -> dict:
    """`python -m core WORDS --json`, a process of its own."""
    argv = [sys.executable, "-m", "core", *map(str, words), "--json"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == code, done.stderr
    return answer(code, done.stdout, done.stderr)


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The same in this process."""

    def run(*words: object, code: int = 0) -> dict:
        try:
            ended = main([*map(str, words), "--json"])
        except SystemExit as left:  # argparse
            ended = left.code
        out, err = capsys.readouterr()
        assert ended == code, err
        return answer(code, out, err)

    return run


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twelve pictures in two folders, one of them twice, and a file that is none."""
    folder = tmp_path / "pictures"
    for label, colour in (("red", (220, 30, 40)), ("blue", (30, 60, 220))):
        (folder / label).mkdir(parents=True)
        for i in range(6):
            image = Image.new("RGB", (120 + i, 90), colour)
            image.paste((i * 40, 255 - i * 40, 128), (10 + 8 * i, 20, 60 + 8 * i, 60))
            image.save(folder / label / f"{i}.jpg")
    (folder / "red" / "copy.jpg").write_bytes((folder / "red" / "0.jpg").read_bytes())
    (folder / "red" / "notes.jpg").write_text("no picture")
    return folder


def test_a_folder_becomes_a_clean_frozen_set(run: Run, pictures: Path, tmp_path: Path) -> None:
    assert process("project", "p", "--classes", "red, blue")["classes"] == ["red", "blue"]
    scraped = process("scrape", "--project", "p", "--source", "folder", "--path", pictures)
    counted = {"found": 14, "fetched": 12, "duplicate": 1, "failed": 1, "failures": {"not an image": 1}}
    assert {name: scraped[name] for name in counted} == counted
    assert scraped["classes"]["red"] == {"fetched": 6, "duplicate": 1, "failed": 1, "pending": 0}

    cleaned = process("clean", "--project", "p")
    assert cleaned["images"] == 12
    assert cleaned["findings"]["exact_duplicate"] == 1
    rows = run("findings", "--project", "p", "--kind", "exact_duplicate")["findings"]
    assert sorted(Path(row["origin"]).name for row in rows) == ["0.jpg", "copy.jpg"]
    assert len({row["group"] for row in rows}) == 1

    shown = run("review", "next", "--project", "p", "--size", "3")["images"]
    assert len(shown) == 3
    assert set(shown[0]) == {"image", "origin", "label", "score", "why"}
    table = tmp_path / "decisions.csv"
    table.write_text(
        f"image,verdict,reason,label\n{shown[0]['image']},reject,interior,\n{shown[1]['image']},keep,,blue\n"
    )
    assert run("review", "decide", "--project", "p", "--table", table)["stored"] == 2
    assert run("review", "status", "--project", "p")["funnel"]["kept"] == 11
    assert run("review", "undo", "--project", "p")["stored"] == 2
    assert run("review", "status", "--project", "p")["funnel"]["kept"] == 12

    open_still = run("review", "certificate", "--project", "p")
    assert (open_still["certificate"], open_still["left"]) == (None, 12) and "more random ones" in open_still["missing"]
    rows = run("review", "next", "--project", "p", "--size", "50")["images"]
    assert len(rows) == 12 and [row["image"] for row in rows[:3]] == [row["image"] for row in shown], "not decided yet"
    table.write_text("image,verdict\n" + "".join(f"{row['image']},keep\n" for row in rows))
    assert run("review", "decide", "--project", "p", "--table", table)["stored"] == 12
    for queue in ("mixed", "likely", "unsure", "random", "findings", "labels"):
        assert run("review", "next", "--project", "p", "--queue", queue) == {"images": []}
    assert "reject some pictures first" in run("review", "accept", "--project", "p", code=2)["said"]
    signed = run("review", "certificate", "--project", "p", "--reviewer", "Ann")
    assert (signed["certificate"], signed["reviewer"], signed["looked"], signed["high"]) == (1, "Ann", 12, 0)
    assert signed["missing"] == "" and run("review", "status", "--project", "p")["left"]["done"]

    split = process("split", "--project", "p", "--parts", "50/25/25", "--min-per-class", "3")
    assert split["train"] + split["val"] + split["test"] == 12
    assert split["leak"] == 0
    assert {job["status"] for job in run("jobs", "--project", "p")["jobs"]} == {"done"}


def test_a_table_on_the_own_machine_is_refused_row_by_row(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(
        "address,name\nhttp://127.0.0.1:9/x.jpg,red\nhttp://169.254.169.254/,red\nnonsense,red\nhttp://127.1/,green\n"
    )
    run("project", "p", "--classes", "red")
    words = ("scrape", "--project", "p", "--source", "urls", "--table", table, "--url-column", "address")
    result = run(*words, "--label-column", "name")
    assert (result["found"], result["fetched"], result["failed"]) == (4, 0, 4)
    assert result["failures"] == {"forbidden address": 2, "malformed url": 1, "unknown class": 1}
    assert "'label'" in run(*words, code=2)["said"]  # the column it was not told of


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("project", "p", "--classes", "../../x"), "'../../x'"),
        (("project", "p", "--classes", "<img src=x onerror=alert(1)>"), "<img"),
        (("project", "p", "--classes", "a,,b"), "empty"),
        (("project", "p", "--classes", "a,A"), "twice"),
        (("project", "p", "--classes-file", "/nowhere"), "/nowhere"),
        (("project", "p"), "'p'"),
        (("project", "p", "--vpic", "car"), "--years"),
        (("scrape", "--project", "p", "--source", "folder", "--path", "."), "'p'"),
        (("scrape", "--project", "p", "--source", "folder"), "--path"),
        (("scrape", "--project", "p", "--source", "urls"), "--table"),
        (("scrape", "--project", "p", "--source", "commons"), "WINNOW_CONTACT"),
        (("scrape", "--project", "p", "--source", "flickr"), "WINNOW_FLICKR_KEY"),
        (("scrape", "--project", "p", "--source", "page"), "--address"),
        (("scrape", "--project", "p", "--source", "openverse,folder", "--path", "."), "asked in words go together"),
        (("scrape", "--project", "p", "--source", "openverse", "--per-class", "5"), "sources with labels"),
        (("scrape", "--project", "p", "--source", "openverse", "--deadline", "0"), "from 1 to 300"),
        (("scrape", "--project", "p", "--source", "nonsense"), "'nonsense'"),
        (("scrape", "--source", "demo"), "--project"),
        (("findings", "--project", "p", "--kind", "nonsense"), "too_small"),
        (("split", "--project", "p", "--parts", "80/10"), "'80/10'"),
        (("train", "--project", "p", "--recipe", "vgg75"), "'p'"),
        (("train", "--project", "p", "--sweep", "gone.toml"), "gone.toml"),
        (("review", "certificate", "--project", "p"), "'p'"),
        (("export", "--project", "p", "--to", "d", "--format", "coco"), "'p'"),
        (("backup", "f"), "later release"),
        (("run", "7"), "no job 7"),
        (("nonsense",), "'nonsense'"),
        (("scrape", "--project", "p", "--limit", "0"), "0 is not a number from 1 up"),
        (("explain", "--project", "p", "photo.jpg"), "--run"),
        (("explain", "--project", "p", "--run", "1"), "either image files, or --part"),
        (("explain", "--project", "p", "--run", "1", "--part", "val", "photo.jpg"), "either image files, or --part"),
        (("explain", "--project", "p", "--run", "1", "--part", "test"), "'test'"),
        (("explain", "--project", "p", "--run", "1", "--explainer", "", "photo.jpg"), "no explainer"),
        (("explain", "--project", "p", "--run", "1", "--explainer", "nonsense", "photo.jpg"), "'nonsense'"),
        (("train", "--project", "p", "--recipe", "vgg75", "--seed", "-1"), "-1 is not a number from 0"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_2(run: Run, words: tuple, said: str) -> None:
    assert said in run(*words, code=2)["said"]


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--kind", "nonsense"), "corrupt, label_conflict, label_issue"), (("--label", "grey"), "red, blue")],
)
def test_what_to_review_is_asked_for_by_known_names(run: Run, words: tuple, said: str) -> None:
    run("project", "p", "--classes", "red, blue")
    assert said in run("review", "next", "--project", "p", *words, code=2)["said"]
    assert run("review", "next", "--project", "p", "--kind", "any", "--label", "red") == {"images": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--detector", "yolo"), "name it, as in --want car,truck"),
        (("--want", "car"), "want='car' wants a detector"),
        (("--detector", "yolo", "--want", "kar"), "want='kar' is nothing the detectors know"),
        (("--likeness", "2"), "likeness=2.0 does not fit: wanted a number from 0.5 to 1"),
    ],
)
def test_a_clean_that_cannot_be_is_refused_before_there_is_a_job(run: Run, words: tuple[str, ...], said: str) -> None:
    run("project", "p", "--classes", "red")
    assert said in run("clean", "--project", "p", *words, code=2)["said"]
    assert run("jobs", "--project", "p")["jobs"] == []


def test_runs_may_follow_one_another_where_no_image_does() -> None:
    asked = parser().parse_args(["evaluate", "--run", "1", "2", "--run", "3"])
    assert asked.runs == [1, 2, 3]
    asked = parser().parse_args(["predict", "--run", "1", "--run", "2", "3.jpg"])
    assert (asked.runs, asked.images) == ([1, 2], ["3.jpg"])
    assert parser().parse_args(["evaluate"]).runs == []  # what was extended is not the default of the next


def test_explaining_no_image_at_all_is_a_failure(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("project", "p", "--classes", "red")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.jpg").write_text("no picture")
    monkeypatch.setattr("core.runs.choose", lambda *_: [SimpleNamespace(id=1)])
    monkeypatch.setattr("core.runs.load_models", lambda *_: {"vgg75": SimpleNamespace(size=75, crop=Cropping())})
    words = ("explain", "--project", "p", "--run", "1", "--to", tmp_path)
    told = run(*words, tmp_path / "notes.jpg", code=1)
    assert told["images"][0]["error"] in told["error"]
    assert "hold no file" in run(*words, tmp_path / "empty", code=1)["error"]


def test_wrong_usage_ends_the_process_with_2(home: Path) -> None:
    assert "'p'" in process("clean", "--project", "p", code=2)["said"]


def test_a_job_that_fails_is_one_sentence_and_exit_1(run: Run) -> None:
    run("project", "p", "--classes", "red")
    assert "Nothing is kept" in process("split", "--project", "p", code=1)["error"]


def test_a_setting_that_is_none_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_HOEM", "x")
    assert "WINNOW_HOME" in run("doctor", code=2)["said"]


def test_the_project_may_stand_in_the_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("project", "cars", "--classes", "red")
    (tmp_path / ".env").write_text("WINNOW_PROJECT=cars\n")
    assert run("review", "status")["funnel"]["found"] == 0
    assert run("jobs")["jobs"] == []
    assert "'vans'" in run("review", "status", "--project", "vans", code=2)["said"]
    monkeypatch.setenv("WINNOW_PROJECT", "trucks")
    assert "'trucks'" in run("review", "status", code=2)["said"]


def test_the_doctor_says_what_is_in_force(home: Path) -> None:
    report = process("doctor")
    assert report["settings"]["WINNOW_HOME"] == str(home)
    assert report["missing"] == []
    assert any("WINNOW_CONTACT" in advice for advice in report["advice"])
