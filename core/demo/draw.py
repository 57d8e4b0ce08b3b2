"""Which pictures the demo has, the truth about each, and their bytes. Item i of a class is the same on every call."""

from __future__ import annotations

import io
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

CLASSES = ("sedan", "coupe", "suv", "truck")
PER_CLASS = 100
EDITION = 1  # raise it when the drawings change: it names the cache's folder and goes into every id
# How many of a class are junk, and which; the rest are good. 14 of 100.
JUNK = {"interior": 4, "poster": 2, "duplicate": 2, "near_duplicate": 3, "wrong_class": 1, "corrupt": 1}
ONE_MORE = {"sedan": "web_page", "coupe": "pixel", "suv": "tiny", "truck": "tiny"}
LOOKS_LIKE = {"sedan": "suv", "coupe": "truck", "suv": "sedan", "truck": "coupe"}  # the wrong label's true class
CHANGES = ("resized", "recompressed", "mirrored")  # what a near-duplicate went through, one of each per class


@dataclass(frozen=True)
class Item:
    """One picture of the demo. `kind` is its truth: "good" or a word of JUNK or ONE_MORE; never sent over HTTP."""

    label: str  # the class a search finds it under
    index: int
    kind: str
    shows: str  # the class of the vehicle in it, "" where there is none
    of: int = -1  # duplicates: index of the original within the class
    change: str = ""  # near-duplicates: a word of CHANGES

    @property
    def id(self) -> str:
        """A stable UUID: the name of the picture's path on the server."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"winnow:demo/{EDITION}/{self.label}/{self.index}"))

    def rng(self, purpose: str) -> random.Random:
        """A stream of its own for each purpose, so that one more choice in one does not move the others."""
        return random.Random(f"winnow demo {EDITION} {self.label} {self.index} {purpose}")


@cache
def items(label: str) -> tuple[Item, ...]:
    """The PER_CLASS items of a class, in the order a search lists them. Raises KeyError for another class."""
    kinds = [kind for kind, count in JUNK.items() for _ in range(count)] + [ONE_MORE[label]]
    rng = random.Random(f"winnow demo {EDITION} {label} plan")
    places = sorted(rng.sample(range(PER_CLASS), len(kinds)))
    rng.shuffle(kinds)
    junk = dict(zip(places, kinds, strict=True))
    good = [i for i in range(PER_CLASS) if i not in junk]
    originals = iter(rng.sample(good, JUNK["duplicate"] + JUNK["near_duplicate"]))
    changes = iter(CHANGES)
    found = []
    for i in range(PER_CLASS):
        kind = junk.get(i, "good")
        shows = {"interior": "", "web_page": "", "pixel": "", "wrong_class": LOOKS_LIKE[label]}.get(kind, label)
        copied = kind in ("duplicate", "near_duplicate")
        found.append(
            Item(
                label,
                i,
                kind,
                shows,
                next(originals) if copied else -1,
                next(changes) if kind == "near_duplicate" else "",
            )
        )
    return tuple(found)


def every() -> Iterator[Item]:
    """All items of all classes."""
    for label in CLASSES:
        yield from items(label)


def truth() -> dict[str, Item]:
    """Path of the picture on the server ("/image/<id>.jpg") -> its item: for tests and benches."""
    return {f"/image/{item.id}.jpg": item for item in every()}


def size(item: Item) -> tuple[int, int]:
    """Width and height in pixels, known without drawing (of a damaged file: what it would have been)."""
    if item.kind in ("pixel", "web_page"):
        return 1, 1
    if item.kind == "tiny":
        return 48, 32
    if item.of >= 0:
        w, h = size(items(item.label)[item.of])
        return (round(w * 0.7), round(h * 0.7)) if item.change == "resized" else (w, h)
    rng = item.rng("size")
    width, shape = rng.randint(320, 640), rng.choice([4 / 3, 4 / 3, 3 / 2, 3 / 2, 1.4, 1.6, 5 / 4])
    return width, max(240, round(width / shape))


def render(item: Item) -> bytes:
    """The file a server would send: JPEG, but for what is meant to be none. About 40 ms."""
    from core.demo import junk

    if item.kind == "web_page":
        return junk.WEB_PAGE
    if item.kind == "duplicate":
        return render(items(item.label)[item.of])
    if item.kind == "near_duplicate":
        return _again(items(item.label)[item.of], item)
    data = _jpeg(_picture(item), item.rng("quality").randint(72, 93))
    return data[: len(data) * 55 // 100] if item.kind == "corrupt" else data


def describe(item: Item) -> tuple[str, str, str]:
    """Colour, place and hour in words, as the title names them; made from the same choices as the drawing."""
    source = items(item.label)[item.of] if item.of >= 0 else item
    from core.demo import coach, places

    rng = source.rng("car")
    return coach.style(source.shows or source.label, rng).colour, *_place(source.rng("place"), places.PLACES)


def _place(rng: random.Random, known: dict) -> tuple[str, str]:
    name = rng.choice(list(known))
    return name, rng.choice(known[name][1])


def _picture(item: Item) -> Image.Image:
    from PIL import Image

    from core.demo import junk

    if item.kind == "pixel":
        return Image.new("RGB", (1, 1), (255, 255, 255))
    if item.kind == "interior":
        return _photo_of(junk.interior(size(item), item.rng("scene")), item)
    if item.kind == "poster":
        return junk.poster(size(item), item.label, item.rng("scene"))
    if item.kind == "tiny":
        return _vehicle(item, (480, 320)).resize(size(item), Image.Resampling.LANCZOS)
    return _vehicle(item, size(item))


def _photo_of(image: Image.Image, item: Item) -> Image.Image:
    from core.demo import scenes

    return scenes.develop(image, item.rng("film"))


def _vehicle(item: Item, extent: tuple[int, int]) -> Image.Image:
    """A vehicle in its place. The car is drawn at twice the size (smooth edges), the place at its own."""
    import numpy as np
    from PIL import Image

    from core.demo import cars, coach, places, scenes
    from core.demo.shapes import Camera

    (w, h), rng, over = extent, item.rng("view"), 2
    style, body = coach.style(item.shows, item.rng("car")), cars.body(item.shows, item.rng("body"))
    pick = item.rng("place")
    name, hour = _place(pick, places.PLACES)
    place = scenes.Place(
        Image.new("RGB", extent),
        item.rng("scene"),
        pick.choice(scenes.HOURS[hour]),
        round(h * rng.uniform(0.40, 0.58)),
        round(h * rng.uniform(0.80, 0.86)),
    )
    light = places.PLACES[name][0](place)
    canvas = place.image.resize((w * over, h * over), Image.Resampling.NEAREST)  # the place comes back as it was
    yaw = rng.choice([rng.uniform(-0.12, 0.12), rng.uniform(-0.2, 0.2), rng.uniform(-0.6, -0.2), rng.uniform(0.2, 0.5)])
    camera = Camera(
        body.length, yaw, rng.uniform(0.02, 0.20), rng.uniform(8, 18), rng.random() < 0.5, rng.gauss(0, 0.012)
    )
    fill, slide = rng.uniform(0.82, 0.96), rng.uniform(-1, 1)
    margin = w * over * (1 - fill) / 2
    camera.fit(
        np.vstack(
            [
                body.side(body.outline),
                body.side(body.outline, near=False),
                *([[x, 0, body.width / 2], [x, 0, -body.width / 2]] for x in body.wheels),
            ]
        ),
        (margin * (1 + 0.8 * slide), h * over * 0.10, w * over - margin * (1 - 0.8 * slide), place.kerb * over),
    )
    coach.Coach(canvas, body, camera, style, light).build()
    scenes.mirror(canvas, place.kerb * over - 0.02 * h, light.gloss)
    return _photo_of(canvas.reduce(over), item)


def _again(original: Item, item: Item) -> bytes:
    """The original once more: smaller, recompressed, or mirrored."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(render(original))) as opened:
        image = opened.convert("RGB")
    if item.change == "resized":
        image = image.resize(size(item), Image.Resampling.LANCZOS)
    elif item.change == "mirrored":
        image = ImageOps.mirror(image)
    return _jpeg(image, 58 if item.change == "recompressed" else 84)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
