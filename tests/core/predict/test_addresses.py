"""A table of addresses: answers in its order, failures with their reason, and nothing that is answered fetched again."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import runs, steps
from core.blobs import Blobs
from core.checkpoint import Model
from core.engine.local import Local
from core.errors import BadInput
from core.predict import Predictor, addresses
from core.predict.answers import COLUMNS, files
from core.scrape import Reach
from core.settings import load
from tests.drawn import CLASSES, drawn, png, tiny_backbones, trained
from tests.pages import filled
from tests.provider import Provider


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    with tiny_backbones():
        yield trained("tiny24", tmp_path_factory.mktemp("model"), epochs=2)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


PICTURES = [png(pixels) for pixels in drawn(12, 40, 9).pixels]


def serve(provider: Provider, number: int) -> str:
    provider.images[f"/{number}.png"] = PICTURES[number]
    return f"{provider.url}/{number}.png"


def table(path: Path, rows: list[tuple[str, ...]], head: tuple[str, ...] = ("id", "url")) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def asked(model: Model, table: Path, to: Path, provider: Provider, **more: object) -> Iterator:
    reach = Reach(allow=(provider.allow,), deadline=5.0)
    predictor, by = Predictor({"only": model}), {"runs": [1], **more}
    return addresses.answers(predictor, table, to, by, Local(at_once=4).map, reach)


def ended(steps: Iterator) -> dict:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def written(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_answers_stand_in_the_order_of_the_table_and_failures_say_why(
    model: Model, provider: Provider, tmp_path: Path
) -> None:
    provider.images["/text.jpg"] = b"a line of text"
    rows = [
        ("one", serve(provider, 0)), ("=1+1", f"{provider.url}/gone.png"), ("", serve(provider, 1)), ("in", "http://10.0.0.1/a.jpg"),
        ("file", "/etc/passwd"), ("text", f"{provider.url}/text.jpg"), ("two", serve(provider, 2)),
    ]  # fmt: skip
    to = tmp_path / "new" / "answers.csv"
    told = ended(asked(model, table(tmp_path / "urls.csv", rows), to, provider))
    assert (told["images"], told["answered"], told["failed"]) == (7, 3, 4)
    came = written(to)
    assert tuple(came[0]) == COLUMNS
    assert [row["id"] for row in came] == ["one", "'=1+1", rows[2][1], "in", "file", "text", "two"]
    for row, number in ((came[0], 0), (came[2], 1), (came[6], 2)):
        alone = Predictor({"only": model}).predict(PICTURES[number])
        assert row["label"] == alone.label and row["label"] in CLASSES and row["error"] == ""
        assert float(row["confidence"]) == pytest.approx(alone.confidence, abs=1e-3)
        assert row["known"] == ("yes" if alone.known else "no")
    assert all(row["label"] == row["confidence"] == row["known"] == "" for row in (came[1], *came[3:6]))
    assert "404" in came[1]["error"] and "10.0.0.1 is a private address" in came[3]["error"]
    assert "/etc/passwd" in came[4]["error"] and "No picture could be read" in came[5]["error"]
    assert told["error"] == came[1]["error"]
    assert sorted(path.name for path in to.parent.iterdir()) == ["answers.csv", "answers.csv.json"]


def test_a_second_call_fetches_only_what_has_no_answer(model: Model, provider: Provider, tmp_path: Path) -> None:
    rows = [("a", serve(provider, 0)), ("b", f"{provider.url}/3.png"), ("c", serve(provider, 1))]
    urls, to = table(tmp_path / "urls.csv", rows), tmp_path / "answers.csv"
    assert ended(asked(model, urls, to, provider))["failed"] == 1
    before = written(to)
    serve(provider, 3)
    provider.requests.clear()
    assert ended(asked(model, urls, to, provider))["failed"] == 0
    assert [path for path, *_ in provider.requests] == ["/3.png"]
    after = written(to)
    assert [after[0], after[2]] == [before[0], before[2]] and after[1]["label"]


def test_one_that_was_broken_off_goes_on_where_it_was(
    model: Model, provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "AT_ONCE", 2)
    urls = table(tmp_path / "urls.csv", [(str(i), serve(provider, i)) for i in range(12)])
    to = tmp_path / "answers.csv"
    steps = asked(model, urls, to, provider)
    while next(steps).done < 4:
        pass
    steps.close()
    assert not to.exists()
    [part] = tmp_path.glob("answers.csv.*.part")
    kept = len(written(part))
    assert 4 <= kept < 12
    with part.open("a") as file:
        file.write("9,red,0.")  # a last line that was not written to its end
    provider.requests.clear()
    told = ended(asked(model, urls, to, provider))
    assert (told["images"], told["answered"]) == (12, 12)
    assert {path for path, *_ in provider.requests} == {f"/{i}.png" for i in range(kept, 12)}
    assert [row["id"] for row in written(to)] == [str(i) for i in range(12)]
    assert not list(tmp_path.glob("*.part"))


def test_answers_of_other_models_or_of_another_table_are_not_taken_over(
    model: Model, provider: Provider, tmp_path: Path
) -> None:
    urls, to = table(tmp_path / "urls.csv", [("a", serve(provider, 0))]), tmp_path / "answers.csv"
    ended(asked(model, urls, to, provider))
    for more in ({"runs": [2]}, {"runs": [2]}):
        provider.requests.clear()
        ended(asked(model, urls, to, provider, **more))
    assert not provider.requests, "the second of them was the same"
    table(urls, [("b", serve(provider, 1))])
    ended(asked(model, urls, to, provider, runs=[2]))
    assert [path for path, *_ in provider.requests] == ["/1.png"]
    assert json.loads((tmp_path / "answers.csv.json").read_text())["about"]["runs"] == [2]


def test_many_answers_that_wait_for_an_earlier_one_hold_the_fetching_up(
    model: Model, provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the first are known, so they are ready long before it."""
    monkeypatch.setattr(addresses, "WAITING", 3)
    rows = [("0", f"{provider.url}/0.png"), *((str(i), serve(provider, i)) for i in range(1, 12))]
    urls, to = table(tmp_path / "urls.csv", rows), tmp_path / "answers.csv"
    ended(asked(model, urls, to, provider))
    serve(provider, 0)
    assert ended(asked(model, urls, to, provider))["answered"] == 12
    assert [row["id"] for row in written(to)] == [str(i) for i in range(12)]


def test_a_table_may_have_addresses_alone_or_be_written_with_semicolons(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("URL\nhttp://a/1\nhttp://a/2\n")
    assert [(a.id, a.url) for a in addresses.addresses(tmp_path / "a.csv")] == [
        ("http://a/1",) * 2,
        ("http://a/2",) * 2,
    ]
    (tmp_path / "b.csv").write_text("title;Id;url\nx;7;http://a/1\nx;8\n")
    first, second = addresses.addresses(tmp_path / "b.csv")
    assert (first.id, first.url) == ("7", "http://a/1") and second.error == "wrong number of fields"


@pytest.mark.parametrize(("name", "text", "said"), [
    ("a.csv", "id,link\n1,http://a/1\n", "no column 'url' .its columns: 'id', 'link'.: wanted are"),
    ("a.csv", "", "no column 'url'"),
    ("a.txt", "url\n", ".csv, .tsv or .parquet was wanted"),
    ("a.parquet", "url\n", "not a Parquet file"),
])  # fmt: skip
def test_a_table_without_addresses_is_one_sentence(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=said):
        addresses.addresses(tmp_path / name)


def test_a_place_that_cannot_be_written_is_one_sentence(model: Model, provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    urls = table(tmp_path / "urls.csv", [("a", serve(provider, 0))])
    with pytest.raises(BadInput, match="cannot be written"):
        ended(asked(model, urls, tmp_path / "file" / "answers.csv", provider))


def test_two_do_not_write_the_same_answers_at_once(model: Model, provider: Provider, tmp_path: Path) -> None:
    urls, to = table(tmp_path / "urls.csv", [("a", serve(provider, 0))]), tmp_path / "answers.csv"
    first = asked(model, urls, to, provider)
    next(first)
    with pytest.raises(BadInput, match="Another job writes"):
        ended(asked(model, urls, to, provider))
    ended(first)


def test_the_step_asks_the_runs_of_the_project_and_reaches_what_is_allowed(
    store, home: Path, provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = filled.scraped(store, home, classes=CLASSES)
    filled.split(store, project)
    urls, to = table(tmp_path / "urls.csv", [("a", serve(provider, 0))]), tmp_path / "answers.csv"
    with tiny_backbones():
        [run] = filled.trained(store, project, ("tiny24",))
        trained("tiny24", runs.run_folder(load(), run), epochs=1)
        told = []
        for allowed in ("", provider.allow):
            monkeypatch.setenv("WINNOW_ALLOW_HOSTS", allowed)
            job, claim = filled.begin(store, project, "predict")
            context = steps.Context(store, Blobs(load().storage), Local(at_once=4), load(), job, claim, project)
            told.append(ended(steps.predict(context, str(urls), str(to))))
    assert [(one["answered"], one["failed"]) for one in told] == [(0, 1), (1, 0)]
    assert "private address" in told[0]["error"] and written(to)[0]["label"] in CLASSES
    assert json.loads((tmp_path / "answers.csv.json").read_text())["about"]["runs"] == [run]


def test_files_are_answered_as_json_and_as_a_table(model: Model, tmp_path: Path) -> None:
    from core.predict.answers import file

    (tmp_path / "=a.png").write_bytes(PICTURES[0])
    (tmp_path / "b.png").write_text("no picture")
    predictor, paths = Predictor({"only": model}), [str(tmp_path / name) for name in ("=a.png", "b.png")]
    told = files(predictor, paths)
    assert told["images"][0]["label"] == predictor.predict(PICTURES[0]).label
    assert told["failed"] == [{"image": paths[1], "error": told["failed"][0]["error"]}]
    counts = file(predictor, paths, tmp_path / "out.csv")
    assert (counts["images"], counts["failed"], counts["error"]) == (1, 1, told["failed"][0]["error"])
    first, second = written(tmp_path / "out.csv")
    assert first["label"] == told["images"][0]["label"] and second["error"] == counts["error"]
