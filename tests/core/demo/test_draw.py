"""The demo's pictures: the same bytes every time, their truth, and whether there is something to learn."""

import hashlib
import io
import subprocess
import sys
from collections import Counter
from functools import cache

import numpy as np
import pytest
from PIL import Image

from core import pixels
from core.demo import draw
from core.demo.draw import CLASSES, JUNK, LOOKS_LIKE, ONE_MORE, PER_CLASS, items, render, size
from core.errors import Permanent

PICTURES = ("good", "interior", "poster", "duplicate", "near_duplicate", "wrong_class", "pixel", "tiny")


def one(kind, label=None, change=""):
    return next(
        i for i in draw.every() if i.kind == kind and label in (None, i.label) and (not change or i.change == change)
    )


def opened(item):
    with Image.open(io.BytesIO(render(item))) as image:
        image.load()
        return image.convert("RGB")


def distance(a, b):
    """Bits between two perceptual hashes, whichever way b is turned."""
    first = pixels.ingest(render(a))[0].hashes[0]
    return min((first ^ other).bit_count() for other in pixels.ingest(render(b))[0].hashes)


@pytest.mark.parametrize("kind", [*JUNK, *set(ONE_MORE.values()), "good"])
def test_an_item_is_the_same_bytes_every_time(kind):
    assert render(one(kind)) == render(one(kind))


def test_another_process_draws_the_same_bytes():
    code = "import sys; from core.demo.draw import *; sys.stdout.buffer.write(render(items('truck')[1]))"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=draw.__file__[: -len("core/demo/draw.py")]
    )
    assert hashlib.sha256(other.stdout).digest() == hashlib.sha256(render(items("truck")[1])).digest()


@pytest.mark.parametrize("label", CLASSES)
def test_every_class_has_its_share_of_junk(label):
    kinds = Counter(item.kind for item in items(label))
    assert sum(kinds.values()) == PER_CLASS
    assert {kind: kinds[kind] for kind in JUNK} == JUNK
    assert kinds[ONE_MORE[label]] == 1
    assert 0.12 <= 1 - kinds["good"] / PER_CLASS <= 0.15
    assert [item.index for item in items(label)] == list(range(PER_CLASS))


def test_every_item_has_an_id_of_its_own_and_is_found_by_its_path():
    truth = draw.truth()
    assert len(truth) == PER_CLASS * len(CLASSES)
    assert all(truth[f"/image/{item.id}.jpg"] == item for item in draw.every())


def test_an_unknown_class_is_an_error():
    with pytest.raises(KeyError):
        items("tractor")


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_decodes_at_the_size_it_was_announced_with(kind):
    assert opened(one(kind)).size == size(one(kind))


@pytest.mark.parametrize("label", CLASSES)
def test_good_pictures_have_sizes_and_shapes_of_their_own(label):
    sizes = [size(item) for item in items(label) if item.kind == "good"]
    assert all(240 <= side <= 640 for pair in sizes for side in pair)
    assert len(set(sizes)) > 40
    assert len({round(w / h, 1) for w, h in sizes}) >= 4


@pytest.mark.parametrize("label", CLASSES)
def test_the_damaged_file_is_cut_short(label):
    data = render(one("corrupt", label))
    assert data.startswith(b"\xff\xd8\xff")
    with pytest.raises(Permanent, match="before the picture does"):
        pixels.ingest(data)


def test_the_web_page_is_no_picture():
    with pytest.raises(Permanent, match="web page"):
        pixels.ingest(render(one("web_page")))


def test_a_duplicate_has_its_originals_bytes():
    for item in draw.every():
        if item.kind == "duplicate":
            original = items(item.label)[item.of]
            assert original.kind == "good" and original.id != item.id
            assert render(original) == render(item)


@pytest.mark.parametrize("change", draw.CHANGES)
def test_a_near_duplicate_is_other_bytes_of_the_same_picture(change):
    item = one("near_duplicate", change=change)
    original = items(item.label)[item.of]
    assert render(item) != render(original)
    assert distance(item, original) <= 4
    assert (opened(item).size != opened(original).size) == (change == "resized")


def test_two_good_pictures_are_no_near_duplicates():
    some = [pixels.ingest(render(item))[0].hashes[0] for item in items("suv")[:30] if item.kind == "good"]
    assert min((a ^ b).bit_count() for i, a in enumerate(some) for b in some[:i]) > 4


def test_the_wrong_label_shows_another_class():
    for label in CLASSES:
        item = one("wrong_class", label)
        assert (item.label, item.shows) == (label, LOOKS_LIKE[label])
        assert item.shows != label


def test_junk_without_a_vehicle_says_so():
    shown = {item.kind: item.shows for item in items("sedan")}
    assert shown["interior"] == shown["web_page"] == ""
    assert shown["good"] == shown["poster"] == "sedan"


def test_the_words_of_a_title_come_from_the_drawing():
    colour, place, hour = draw.describe(one("good"))
    from core.demo.coach import PAINTS
    from core.demo.places import PLACES

    assert colour in PAINTS and hour in PLACES[place][1]
    copy = one("duplicate")
    assert draw.describe(copy) == draw.describe(items(copy.label)[copy.of])


def test_naming_the_items_needs_no_drawing_library():
    code = "import sys, core.demo.draw as d; list(d.every()); sys.exit(any(m in sys.modules for m in ('PIL', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=draw.__file__[: -len("core/demo/draw.py")]).returncode == 0


@cache
def grey(item):
    """(72, 72) floats, 0..255."""
    return np.asarray(opened(item).convert("L").resize((72, 72)), dtype=float)


def edges(item):
    """Where a picture's edges lie and which way they run: (9 * 9 * 9,)."""
    down, across = np.gradient(grey(item))
    direction = (np.arctan2(down, across) % np.pi / np.pi * 9).astype(int) % 9
    cell = np.arange(72) // 8
    found = np.zeros((9, 9, 9))
    np.add.at(found, (cell[:, None], cell[None, :], direction), np.hypot(down, across))
    return (found / (np.linalg.norm(found, axis=2, keepdims=True) + 8)).ravel()


def pixels_of(item):
    """(576,) grey pixels, 0..1."""
    return grey(item).reshape(24, 3, 24, 3).mean(axis=(1, 3)).ravel() / 255


@pytest.mark.slow
@pytest.mark.parametrize(("look", "penalty", "least", "most"), [(edges, 0.3, 0.7, 0.99), (pixels_of, 0.05, 0.4, 0.9)])
def test_the_classes_can_be_learned_but_not_without_effort(look, penalty, least, most):
    from sklearn.linear_model import LogisticRegression

    good = [item for item in draw.every() if item.kind == "good"]
    seen, kinds = np.array([look(item) for item in good]), np.array([item.label for item in good])
    held_out = np.arange(len(good)) % 4 == 0
    model = LogisticRegression(C=penalty, max_iter=500).fit(seen[~held_out], kinds[~held_out])
    accuracy = model.score(seen[held_out], kinds[held_out])
    assert least < accuracy < most, f"{accuracy:.2f}, where chance is 0.25"
