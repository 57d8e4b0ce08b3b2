"""The clean step as a whole: what it finds, that it goes on where it was, and that a second one costs nothing."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from PIL import Image

from core import clean, steps
from core.errors import BadInput, Missing
from core.model import Cleaning, Link
from core.settings import load
from tests.pretrained import SMALL, drawn_by_lot
from tests.scenes import jpeg, scene

STAGES = 5


def test_the_same_pixels_in_other_bytes_are_exact_duplicates_and_two_labels_a_conflict(shelf):
    scene(1).save(to := io.BytesIO(), "PNG")
    [one] = shelf.add(to.getvalue())
    scene(1).save(to := io.BytesIO(), "BMP")
    [other] = shelf.add(to.getvalue(), label="coupe")
    shelf.add(jpeg(scene(2)))
    result = shelf.clean()
    assert (result["images"], result["groups"]) == (3, 1)
    assert result["findings"] == {"exact_duplicate": 2, "label_conflict": 2}
    assert sum(f.note.startswith("best copy") for f in shelf.found("exact_duplicate").values()) == 1
    assert {f.note for f in shelf.found("label_conflict").values()} == {"the same photo is in coupe, sedan"}
    assert shelf.groups("exact_duplicate") == [{one, other}]


def test_the_same_bytes_from_two_addresses_are_a_finding_and_two_labels_a_conflict(shelf):
    data = jpeg(scene(1))
    [one] = shelf.add(data)
    assert shelf.add(data, label="suv") == [one]
    shelf.clean()
    assert shelf.found("exact_duplicate")[one].note.endswith("; at 2 addresses")
    assert shelf.found("label_conflict")[one].note == "the same photo is in sedan, suv"


def test_changed_copies_are_one_group_with_the_best_one_marked(shelf):
    image = scene(7, 640, 440)
    copies = [
        jpeg(image.resize((320, 220))), jpeg(image, 95), jpeg(image.crop((13, 9, 627, 431)), 90),
        jpeg(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((300, 200)), 60),
        jpeg(image.transpose(Image.Transpose.ROTATE_90).resize((200, 300))),
    ]  # fmt: skip
    ids = shelf.add(*copies)
    shelf.add(*(jpeg(scene(seed)) for seed in range(20, 40)))
    shelf.clean()
    assert shelf.groups() == [set(ids)]
    found = shelf.found("near_duplicate")
    assert [image for image, f in found.items() if f.note == "best copy, 640 x 440 px"] == [ids[1]]
    assert all(0.9 <= f.score <= 1 for f in found.values())


def test_a_second_clean_reads_nothing_again_and_finds_the_same(shelf):
    shelf.add(*(jpeg(scene(seed)) for seed in (1, 2, 3)), jpeg(scene(1), 50))
    first = shelf.clean()
    was = list(shelf.store.findings(shelf.project.id))
    assert len(was) > 1
    assert shelf.clean() == first
    assert list(shelf.store.findings(shelf.project.id)) == was
    assert not [p for p in shelf.told if p.done], "nothing was new"


def test_pictures_that_come_later_join_the_groups_there_are(shelf):
    first = shelf.add(*(jpeg(scene(seed)) for seed in (1, 2, 3)))
    shelf.clean()
    assert shelf.groups() == []
    [copy] = shelf.add(jpeg(scene(2), 40))
    shelf.clean()
    assert shelf.groups() == [{first[1], copy}]


@pytest.mark.parametrize("stage", range(1, STAGES + 1))
def test_a_clean_that_was_cut_off_goes_on_to_the_same_end(shelf, stage):
    shelf.add(*(jpeg(scene(seed)) for seed in range(6)), jpeg(scene(1), 50), jpeg(scene(2), 40))
    at_work = stage < 4  # the last two have nothing to count here
    shelf.killed(lambda p: bool(p.detail) and p.detail["stage"]["number"] == stage and (p.done > 0 or not at_work))
    result = shelf.clean()
    assert (result["images"], result["findings"]["near_duplicate"]) == (8, 4)
    assert len(list(shelf.store.measures(shelf.project.id))) == 8
    assert [done for *_, done in shelf.store.embeddings(shelf.project.id, "plain")] == [True] * 8


def test_other_weights_under_the_same_name_describe_every_picture_anew(shelf, monkeypatch, tmp_path):
    drawn_by_lot(SMALL, tmp_path / "weights")
    monkeypatch.setenv("WINNOW_WEIGHTS", str(tmp_path / "weights"))
    shelf.settings = load()
    shelf.add(*(jpeg(scene(seed)) for seed in (1, 2)))
    first = shelf.clean(embedder=SMALL)["embedder"]
    assert shelf.clean(embedder=SMALL)["embedder"] == first
    assert not [p for p in shelf.told if p.done], "nothing was new"
    was = [vector for _, vector, _ in shelf.store.embeddings(shelf.project.id, first)]
    drawn_by_lot(SMALL, tmp_path / "weights", seed=1)
    other = shelf.clean(embedder=SMALL)["embedder"]
    assert other != first
    now = [vector for _, vector, _ in shelf.store.embeddings(shelf.project.id, other)]
    assert len(was) == len(now) == 2 and was != now
    assert list(shelf.store.embeddings(shelf.project.id, first)) == [], "nobody asks for them any more"


def test_a_lost_file_with_an_exact_copy_doubles_nothing(shelf):
    Image.open(io.BytesIO(jpeg(scene(1)))).save(png := io.BytesIO(), "PNG")
    one, resized = shelf.add(png.getvalue(), jpeg(scene(1).resize((240, 165))))
    shelf.clean()
    Image.open(io.BytesIO(png.getvalue())).save(bmp := io.BytesIO(), "BMP")
    [other] = shelf.add(bmp.getvalue())
    shelf.clean()
    data = shelf.file(one).read_bytes()
    shelf.file(one).unlink()
    shelf.clean()
    assert shelf.groups() == [{one, resized, other}]
    assert [i for i, f in shelf.found("exact_duplicate").items() if f.note.startswith("best copy")] == [other]
    shelf.file(one).write_bytes(data)
    shelf.clean()
    assert shelf.groups() == [{one, resized, other}]


def test_pictures_of_a_fetch_that_went_on_after_the_clean_are_not_cleaned_yet(shelf):
    shelf.add(jpeg(scene(1)))
    ctx = shelf.context("scrape")  # stopped before the clean, and goes on after it
    shelf.clean()
    assert clean.cleaned(shelf.store, shelf.project)
    shelf.add_under(ctx.claim, jpeg(scene(2)))
    assert not clean.cleaned(shelf.store, shelf.project)


@pytest.mark.parametrize("stage", range(1, 6))
def test_what_a_clean_that_was_stopped_has_begun_with_is_not_cleaned_yet(shelf, stage):
    """Whatever stage it was in: a split of such pictures would find no copies among them, and call its leak 0."""
    shelf.add(jpeg(scene(1)))
    ctx = shelf.context("scrape")
    shelf.clean()
    shelf.add_under(ctx.claim, jpeg(scene(2)), jpeg(scene(2).resize((240, 165))))
    shelf.killed(lambda progress: bool(progress.detail) and progress.detail["stage"]["number"] == stage)
    assert not clean.cleaned(shelf.store, shelf.project)
    shelf.clean()
    assert clean.cleaned(shelf.store, shelf.project)


def test_a_split_leaves_out_what_came_while_it_cleaned(shelf):
    """Nobody looked for its copies: they could stand in two parts, and the leak be called 0."""
    ids = shelf.add(*(jpeg(scene(seed)) for seed in range(8)))
    fetching, splitting = shelf.context("scrape"), shelf.context("split")
    late = []

    def fetch(progress):
        if progress.detail and progress.detail.get("stage", {}).get("number") == 5 and not late:
            late.extend(shelf.add_under(fetching.claim, jpeg(scene(20)), jpeg(scene(20), 50)))

    shelf.end(steps.split(splitting, min_per_class=2, parts="50/25/25"), fetch)
    parts = shelf.store.split(shelf.project.id).parts
    assert late and {image for members in parts.values() for image, _ in members} == set(ids)
    assert not clean.cleaned(shelf.store, shelf.project)


def test_a_split_keeps_a_chain_of_sure_copies_together(shelf):
    ids = shelf.add(*(jpeg(scene(seed)) for seed in range(5)))
    shelf.clean()
    ctx = shelf.context("split")
    chain = [Link(one, other, 0.95, "pixels") for one, other in pairwise(ids)]
    shelf.store.add_links(ctx.claim, shelf.project.id, chain, [])
    together = steps._groups(shelf.store, shelf.project)
    assert len({together[image] for image in ids}) == 1


def test_what_is_only_perhaps_one_photo_is_not_cut_by_a_split_and_is_no_leak_of_the_sources_parts(shelf):
    """A copy with words across it, say: no group that a person has to settle, but no picture to test with either."""
    parts = ["train"] * 8 + ["val"] * 6 + ["test"] * 6
    ids = [shelf.add(jpeg(scene(seed)), part=part)[0] for seed, part in enumerate(parts)]
    shelf.clean()
    ctx = shelf.context("split")
    chain = [Link(one, other, 0.6, "pixels") for one, other in pairwise(ids[7:9])]
    shelf.store.add_links(ctx.claim, shelf.project.id, chain, [])

    def split(**more):
        result = shelf.end(steps.split(ctx, parts="40/30/30", min_per_class=1, **more))
        return result, shelf.store.split(shelf.project.id).parts

    for seed in range(5):
        result, made = split(seed=seed)
        assert len({part for part, members in made.items() for image, _ in members if image in ids[7:9]}) == 1
        assert result["leak"] == 0
    result, made = split(keep_source_parts=True)
    assert [len(made[part]) for part in ("train", "val", "test")] == [8, 6, 6]
    assert result["leak"] == 0


def test_progress_says_which_stage_of_how_many_it_is(shelf):
    shelf.add(jpeg(scene(1)), jpeg(scene(1), 50))
    shelf.clean()
    stages = [p.detail["stage"] for p in shelf.told if p.detail]
    assert [s["number"] for s in stages] == sorted(s["number"] for s in stages)
    assert {s["number"] for s in stages} == set(range(1, STAGES + 1))
    assert {len(s["of"]) for s in stages} == {STAGES}
    assert all(p.note for p in shelf.told)


def test_how_it_is_cleaned_is_kept_and_taken_up_by_the_next_clean(shelf):
    shelf.add(jpeg(scene(1)))
    shelf.clean(likeness=0.95)
    shelf.clean()
    assert (shelf.project.cleaning.likeness, shelf.project.cleaning.embedder) == (0.95, "plain")


def test_a_stricter_limit_leaves_only_surer_copies_grouped(shelf):
    image = scene(7, 640, 440)
    ids = shelf.add(jpeg(image, 95), jpeg(image.resize((320, 220)), 90), jpeg(image.crop((40, 20, 620, 430)), 90))
    shelf.clean()
    assert shelf.groups() == [set(ids)]
    shelf.clean(likeness=0.97)
    assert shelf.groups() == [{ids[0], ids[1]}]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"likeness": 1.5}, "likeness=1.5 does not fit: wanted a number from 0.5 to 1"),
        ({"margin": -0.1, "detector": "none"}, "margin=-0.1 does not fit"),
        ({"detector": "yolov99"}, "detector='yolov99' is not known: wanted one of none, yolo"),
        ({"detector": "yolo", "want": ["kar"]}, "want='kar' is nothing the detectors know: they know car"),
        ({"detector": "yolo"}, "wants to know what to look for"),
        ({"embedder": "resnet5"}, "resnet"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(shelf, changes, sentence):
    with pytest.raises(BadInput, match=sentence):
        shelf.clean(**changes)
    assert shelf.project.cleaning == Cleaning()


def test_a_detector_without_weights_says_which_file_to_put_where(shelf, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
    shelf.add(jpeg(scene(1)))
    with pytest.raises(Missing, match="yolov8n.pt"):
        shelf.clean(detector="yolo", want=["car"])
    assert list(shelf.store.measures(shelf.project.id)) == [], "it is said before hours of work"


def test_every_kind_has_a_sentence():
    kinds = {"corrupt", "too_small", "exact_duplicate", "near_duplicate", "label_conflict", "label_issue", "no_box"}
    assert kinds <= clean.KINDS.keys()
    assert all(sentence.endswith(".") for sentence in clean.KINDS.values())
