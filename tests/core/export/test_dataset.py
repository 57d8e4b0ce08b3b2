"""The data set: byte for byte, by part and class, never a rejected picture, and in the forms that others read."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from core.blobs import Blobs
from core.errors import BadInput
from core.export import read_csv
from core.export.chosen import Chosen
from core.export.dataset import dataset
from core.export.layouts import LAYOUTS
from core.model import Candidate, Project
from tests.core.export.conftest import Export, end, reject
from tests.drawn import CLASSES
from tests.pages import filled

FORMS = list(LAYOUTS)


def pictures(folder: Path) -> dict[str, Path]:
    """sha256 of the name -> file."""
    return {path.stem: path for path in folder.rglob("*.jpg")}


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("form", FORMS)
def test_every_picture_of_the_split_goes_out_byte_for_byte(
    export: Export, blobs: Blobs, tmp_path: Path, form: str
) -> None:
    result = export(form)
    assert result["parts"] == {"train": 18, "val": 14, "test": 4} and result["images"] == result["copied"] == 36
    found = pictures(tmp_path / "out")
    assert len(found) == 36
    for sha256, path in found.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert all(Path(file).exists() for file in result["files"])
    said = json.loads((tmp_path / "out" / "export.json").read_text())
    assert said["finished"] and said["images"] == 36 and not list((tmp_path / "out").rglob("*.part"))


@pytest.mark.parametrize("form", FORMS)
def test_no_path_of_this_computer_is_passed_on(export: Export, tmp_path: Path, form: str) -> None:
    export(form)
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file() and path.suffix != ".jpg":
            assert b"/pictures/" not in path.read_bytes() and str(tmp_path).encode() not in path.read_bytes(), path


@pytest.mark.parametrize("form", FORMS)
def test_a_rejected_picture_never_goes_out_and_leaves_an_earlier_export(
    export: Export, store, project: Project, tmp_path: Path, form: str
) -> None:
    export(form)
    gone = next(iter(store.images(project.id)))
    reject(store, project, gone.id)
    result = export(form)
    assert result["images"] == 35 and result["copied"] == 0 and result["left_out"] == {"rejected": 1}
    assert gone.facts.sha256 not in pictures(tmp_path / "out")
    assert gone.facts.sha256 not in "".join(path.read_text() for path in (tmp_path / "out").glob("*.csv"))


def test_a_stopped_export_goes_on_and_copies_nothing_twice(
    export: Export, store, blobs: Blobs, project: Project, tmp_path: Path
) -> None:
    step = dataset(store, blobs, project, "coco", tmp_path / "out")
    for _ in range(12):
        next(step)
    step.close()
    some = pictures(tmp_path / "out")
    assert 5 < len(some) < 15 and not list((tmp_path / "out").rglob("*.part"))
    assert not (tmp_path / "out" / "annotations" / "instances_train.json").exists()
    assert export("coco")["copied"] == 36 - len(some)


@pytest.mark.parametrize("form", FORMS)
def test_what_a_killed_export_was_still_writing_goes_with_the_next_one(
    export: Export, tmp_path: Path, form: str
) -> None:
    export(form)
    half = [path.with_name(f"{path.name}.{'0' * 32}.part") for path in (tmp_path / "out").rglob("*") if path.is_file()]
    for path in half:
        path.touch()
    export(form)
    assert half and not [path for path in half if path.exists()]


def test_a_picture_that_is_cut_short_is_copied_again(export: Export, tmp_path: Path) -> None:
    export("csv")
    one = next(iter(pictures(tmp_path / "out").values()))
    whole = one.read_bytes()
    one.write_bytes(whole[:10])
    assert export("csv")["copied"] == 1 and one.read_bytes() == whole


def test_what_is_gone_or_changed_on_disk_is_counted_and_the_rest_goes_out(
    export: Export, store, blobs: Blobs, project: Project, tmp_path: Path
) -> None:
    first, second, *_ = store.images(project.id)
    Path(blobs.path(first.facts.sha256)).unlink()
    Path(blobs.path(second.facts.sha256)).write_bytes(b"something else")
    result = export("parquet")
    assert result["images"] == 34 and result["failures"] == {"not on disk": 1, "changed on disk": 1}
    assert [each["image"] for each in result["errors"]] == [first.id, second.id]
    assert "- 2 that could not be read" in (tmp_path / "out" / "DATASET_CARD.md").read_text()
    with (tmp_path / "out" / "credits.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 34


def test_where_nothing_can_be_read_it_fails_in_a_sentence(export: Export, home: Path) -> None:
    shutil.rmtree(home / "images")
    with pytest.raises(BadInput, match="None of 36 pictures could be exported. The image"):
        export("csv")


def test_only_pictures_of_a_licence_and_the_rest_is_counted(store, home: Path, blobs: Blobs, tmp_path: Path) -> None:
    project = store.add_project("trees", ("oak",))
    _, claim = filled.begin(store, project, "scrape")
    from core import pixels

    found = [Candidate(f"https://a.example.org/{i}.jpg", "oak", "urls", licence=name) for i, name in enumerate(
        ("CC BY 4.0", "unknown", "CC BY-NC 2.0"))]  # fmt: skip
    store.add_candidates(claim, project.id, 0, found)
    for i, one in enumerate(found):
        facts, thumb = pixels.ingest(filled.jpeg(i))
        blobs.put(facts.sha256, filled.jpeg(i), thumb)
        store.add_fetched(claim, project.id, [(one.url, facts, "")])
    result = end(dataset(store, blobs, project, "csv", tmp_path / "out", "commercial"))
    assert result["images"] == 1 and result["left_out"] == {"rejected": 0, "licence": 2}
    with pytest.raises(BadInput, match="No picture passes the filter --licence public: 0 are rejected, 3 have another"):
        end(dataset(store, blobs, project, "csv", tmp_path / "none", "public"))
    with pytest.raises(BadInput, match="'free' is no licence filter"):
        Chosen(store, project, "free")


def test_without_a_split_all_that_is_kept_goes_into_one_part_and_it_says_so(
    store, home: Path, blobs: Blobs, tmp_path: Path
) -> None:
    project = filled.scraped(store, home)
    result = end(dataset(store, blobs, project, "imagefolder", tmp_path / "out"))
    assert result["parts"] == {"train": 36} and result["split"] is None
    assert "There is no split yet" in (tmp_path / "out" / "DATASET_CARD.md").read_text()


def test_without_a_picture_there_is_nothing_to_export(store, blobs: Blobs, tmp_path: Path) -> None:
    project = store.add_project("none", ("oak",))
    with pytest.raises(BadInput, match="There is no picture to export: fetch some first"):
        end(dataset(store, blobs, project, "csv", tmp_path / "out"))


def test_the_class_and_the_parts_are_those_of_the_split(
    export: Export, store, project: Project, tmp_path: Path
) -> None:
    from core.model import Decision, Operation

    one = next(iter(store.images(project.id)))
    other = next(label for label in CLASSES if label != one.label)
    store.apply(project.id, Operation("relabel", "ann", (Decision(one.id, "keep", label=other),)))
    export("imagefolder")
    assert pictures(tmp_path / "out")[one.facts.sha256].parent == tmp_path / "out" / "train" / one.label
    assert "1 of them were given another class" in (tmp_path / "out" / "DATASET_CARD.md").read_text()


def test_a_new_split_leaves_nothing_of_the_old_one(export: Export, store, project: Project, tmp_path: Path) -> None:
    export("huggingface")
    _, claim = filled.begin(store, project, "split")
    kept = [(r.id, r.label) for r in store.images(project.id) if r.label != "red"]
    store.add_split(claim, project.id, 0, {"train": kept[:12], "val": kept[12:], "test": []}, ("green", "blue"), {}, 0)
    result = export("huggingface")
    assert result["parts"] == {"train": 12, "val": 12} and result["left_out"]["not in the split"] == 12
    assert len(pictures(tmp_path / "out")) == 24 and not (tmp_path / "out" / "data" / "test").exists()


# each form ----------------------------------------------------------------------------------------------------------


def test_imagefolder_is_read_by_torchvision(export: Export, store, project: Project, tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    export("imagefolder")
    labels = {record.facts.sha256: record.label for record in store.images(project.id)}
    for part, count in (("train", 18), ("val", 14), ("test", 4)):
        read = ImageFolder(str(tmp_path / "out" / part), allow_empty=True)
        assert read.classes == sorted(CLASSES) and len(read) == count
        assert all(labels[Path(path).stem] == read.classes[target] for path, target in read.samples)
    assert json.loads((tmp_path / "out" / "classes.json").read_text()) == {name: name for name in CLASSES}


def test_classes_of_any_name_get_a_folder_each(store, home: Path, blobs: Blobs, tmp_path: Path) -> None:
    labels = ("CON", "a: b?", "a_ b_", "=1+1")
    project = filled.scraped(store, home, classes=labels, each=3)
    end(dataset(store, blobs, project, "imagefolder", tmp_path / "out"))
    named = json.loads((tmp_path / "out" / "classes.json").read_text())
    assert set(named.values()) == set(labels) and {path.name for path in (tmp_path / "out" / "train").iterdir()} == set(
        named
    )
    assert Counter(path.parent.name for path in pictures(tmp_path / "out").values()) == dict.fromkeys(named, 3)
    rows = list(read_csv(tmp_path / "out" / "images.csv", ["label"]))
    assert Counter(row["label"] for row in rows) == dict.fromkeys(labels, 3)
    assert "'=1+1" in (tmp_path / "out" / "images.csv").read_text()


def test_the_table_tells_all_that_is_known_of_a_picture(
    export: Export, store, project: Project, tmp_path: Path
) -> None:
    export("csv")
    rows = {row["sha256"]: row for row in read_csv(tmp_path / "out" / "images.csv", ["file", "part", "attribution"])}
    assert len(rows) == 36
    for record in store.images(project.id):
        row = rows[record.facts.sha256]
        assert (tmp_path / "out" / row["file"]).stat().st_size == int(row["bytes"]) == record.facts.size
        assert (row["label"], int(row["width"]), int(row["height"])) == (
            record.label,
            record.facts.width,
            record.facts.height,
        )
        assert row["licence"] == "CC BY 4.0" and row["licence_url"].startswith(
            "https://creativecommons.org/licenses/by/4.0"
        )
        assert row["origin"] == Path(record.origin).name and row["verdict"] == "undecided" and row["box_left"] == ""


def test_parquet_holds_the_same_with_types(export: Export, store, project: Project, tmp_path: Path) -> None:
    from pyarrow import parquet

    export("csv", tmp_path / "csv")
    export("parquet")
    table = parquet.read_table(tmp_path / "out" / "images.parquet")
    written = list(read_csv(tmp_path / "csv" / "images.csv", ["file"]))
    assert table.column_names == list(written[0])
    as_text = [{k: "" if v is None else str(v) for k, v in row.items()} for row in table.to_pylist()]
    assert as_text == written
    assert str(table.schema.field("width").type) == "int64" and str(table.schema.field("box_left").type) == "double"


def test_coco_is_as_its_format_wants_it(export: Export, store, blobs: Blobs, home: Path, tmp_path: Path) -> None:
    project = store.project("cars")
    records = list(store.images(project.id))
    _, claim = filled.begin(store, project, "split")
    members = [(r.id, r.label) for r in records]
    boxes = {records[0].id: (10.0, 20.0, 110.0, 90.0), records[1].id: (-5.0, 0.0, 9999.0, 50.0)}
    store.add_split(
        claim, project.id, 0, {"train": members[:30], "val": members[30:], "test": []}, CLASSES, {}, 0, "", boxes
    )
    export("coco")
    seen: set[int] = set()
    for part, count in (("train", 30), ("val", 6)):
        said = json.loads((tmp_path / "out" / "annotations" / f"instances_{part}.json").read_text())
        images = {image["id"]: image for image in said["images"]}
        assert len(images) == len(said["images"]) == count and not seen & set(images)
        seen |= set(images)
        assert [c["name"] for c in said["categories"]] == list(CLASSES) and [c["id"] for c in said["categories"]] == [
            1,
            2,
            3,
        ]
        licences = {licence["id"]: licence["name"] for licence in said["licenses"]}
        assert len({each["id"] for each in said["annotations"]}) == count
        for each in said["annotations"]:
            image = images[each["image_id"]]
            x, y, w, h = each["bbox"]
            assert min(x, y) >= 0 and x + w <= image["width"] and y + h <= image["height"] and w > 0 and h > 0
            assert each["area"] == w * h and each["iscrowd"] == 0 and each["category_id"] in (1, 2, 3)
            assert licences[image["license"]] == "CC BY 4.0"
            assert (tmp_path / "out" / "images" / part / image["file_name"]).is_file()
        of = {each["image_id"]: each["bbox"] for each in said["annotations"]}
        if part == "train":
            assert of[records[0].id] == [10, 20, 100, 70]
            assert of[records[1].id] == [0, 0, records[1].facts.width, 50]
            assert of[records[2].id] == [0, 0, records[2].facts.width, records[2].facts.height]
        assert "whole image where no box was chosen" in said["info"]["note"]


def test_hugging_face_reads_it_as_documented(export: Export, store, project: Project, tmp_path: Path) -> None:
    """As its ImageFolder loader does: `file_name` beside `metadata.parquet`, features out of the schema and the card."""
    import yaml
    from pyarrow import parquet

    export("huggingface")
    front = yaml.safe_load((tmp_path / "out" / "README.md").read_text().split("---\n")[1])
    features = {each["name"]: each["dtype"] for each in front["dataset_info"]["features"]}
    names = {int(n): name for n, name in features["label"]["class_label"]["names"].items()}
    assert names == dict(enumerate(CLASSES)) and features["image"] == "image"
    assert front["license"] == "cc-by-4.0" and front["task_categories"] == ["image-classification"]
    labels = {record.facts.sha256: record.label for record in store.images(project.id)}
    count = {each["name"]: each["num_examples"] for each in front["dataset_info"]["splits"]}
    for each in front["configs"][0]["data_files"]:
        folder = tmp_path / "out" / each["path"].removesuffix("/**")
        table = parquet.read_table(folder / "metadata.parquet")
        assert {path.name for path in folder.iterdir()} == {"metadata.parquet", *table.column("file_name").to_pylist()}
        assert ["image" if name == "file_name" else name for name in table.column_names] == list(features)
        assert table.num_rows == count[each["split"]]
        for row in table.to_pylist():
            assert names[row["label"]] == labels[row["sha256"]]
        stored = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        assert stored["label"] == {"names": list(CLASSES), "_type": "ClassLabel"} and set(stored) == set(
            table.column_names
        )
    assert set(count) == {"train", "validation", "test"}


def test_memory_does_not_grow_with_the_number_of_rows(tmp_path: Path) -> None:
    import tracemalloc

    from core.export import rows

    def peak(count: int) -> int:
        tracemalloc.start()
        row = dict.fromkeys(rows.COLUMNS, "x" * 50) | dict.fromkeys(rows.INTEGERS, 1) | dict.fromkeys(rows.FLOATS, 1.0)
        with rows.to_parquet(tmp_path / "t.parquet", rows.schema()) as add:
            for _ in range(count):
                add(row)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few = peak(2000)
    assert peak(12_000) < 1.3 * few
