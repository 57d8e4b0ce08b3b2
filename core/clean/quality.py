"""What can be wrong with a picture: small, dark, blurred, empty, drawn, covered with words, under a mark (`overlay`).

Each kind gives 0..1, where 1 is surest that something is wrong, and a threshold from which on it is a finding. All but
size and shape are measured on a reduced picture, so that scores of large and small files compare: at most 512 px for
blur (a photo that was enlarged is blurred at that size, a small one was not blurred), at most 256 px for the rest.

Where CleanVision (https://github.com/cleanlab/cleanvision) has the kind, the docstring says how its definition differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from core.clean.drawn import drawing
from core.clean.lettering import lettering
from core.clean.look import coarse, small
from core.clean.sharpness import edge_width

FINE, ROUGH = 512, 256  # px, longest side: for blur, for the rest
LEAST_SIDE = 64  # px; the smallest model looks at 75 x 75
SHARP = 0.75  # px: width of an edge in a sharp picture
LETTERS = 0.015  # share of the picture from which on letters are a finding
FLAT = 12  # levels of 255 that a flat background may vary by


@dataclass(frozen=True, slots=True)
class Kind:
    """A thing that can be wrong."""

    threshold: float  # a finding from this score on
    sentence: str  # what is wrong, for a person
    meaning: str  # what the score counts


KINDS: Mapping[str, Kind] = {
    "too_small": Kind(
        0.5, "The picture is so small that little can be seen in it.",
        f"How far the shorter side is under {2 * LEAST_SIDE} pixels; .5 is {LEAST_SIDE} pixels.",
    ),
    "odd_aspect": Kind(
        0.65, "The picture is a long narrow strip.",
        "How much shorter the short side is than the long one: .65 is about one to three.",
    ),
    "dark": Kind(
        0.6, "The picture is so dark that little can be seen in it.",
        "How dark its brightest spots are: 1 is black.",
    ),
    "light": Kind(
        0.9, "The picture is so bright that little can be seen in it.",
        "How bright its darkest spots are: 1 is white.",
    ),
    "blurred": Kind(
        0.4, "The picture is out of focus, shaken, or was enlarged from a smaller one.",
        "How wide its sharpest edges are: 0 is sharp, .5 is twice as wide, .75 four times.",
    ),
    "low_information": Kind(
        0.7, "Nothing stands out in the picture: it is fog, or one colour fading into another.",
        "How weak its strongest details are: 1 has none.",
    ),
    "greyscale": Kind(
        0.95, "The picture is black and white.",
        "How little colour its most colourful spots have: 1 has none.",
    ),
    "almost_empty": Kind(
        0.94, "Nearly all of the picture is one flat colour: what it shows is a small piece.",
        "How much of it has one and the same colour.",
    ),
    "drawing": Kind(
        0.95, "The picture looks drawn, not photographed: a drawing, a poster, a chart or a screenshot. Striped cloth and "
        "flat dark parts often look like that as well.",
        "How much it looks drawn: few colours, sharp and level lines.",
    ),
    "text": Kind(
        0.5, "Large words cover a part of the picture.",
        f"How much of it letters cover: .5 is {LETTERS:.1%} of the picture, .9 is {LETTERS * 9:.0%}.",
    ),
    "watermark": Kind(
        0.45, "A mark that the pictures of one site or folder carry lies over it: a logo, a watermark or a banner.",
        "How much of the mark is in it. Told where nine of ten pictures of one site and one size carry it, 16 or more of "
        "each of two classes.",
    ),
}  # fmt: skip


def measure(image: Image.Image) -> dict[str, float]:
    """An upright RGB picture in full size -> kind -> 0..1, of all kinds but `watermark`, which one picture does not tell."""
    fine = reduced(image, FINE)
    rough = reduced(fine, ROUGH)
    pixels, grey = np.asarray(rough), np.asarray(rough.convert("L"))
    contrast = ndimage.maximum_filter(grey, 5) - ndimage.minimum_filter(grey, 5)
    levels = grey.astype(np.float32)
    scores = {
        **shape(*image.size), **light(pixels, grey), "blurred": blurred(np.asarray(fine.convert("L"), np.float32)),
        "low_information": low_information(contrast), "greyscale": greyscale(pixels),
        "almost_empty": almost_empty(pixels), "drawing": drawing(pixels, levels, contrast), "text": text(levels),
    }  # fmt: skip
    return {kind: round(float(min(max(score, 0.0), 1.0)), 4) for kind, score in scores.items()}


def fields(thumbnail: bytes) -> bytes:
    """JPEG -> the mean colours of 6 x 6 fields, uint8 RGB row by row: 108 bytes. Raises ValueError."""
    return np.clip(np.rint(coarse(small(thumbnail))), 0, 255).astype(np.uint8).tobytes()


def reduced(image: Image.Image, side: int) -> Image.Image:
    """The picture with its longest side at most `side` px; a smaller one as it is."""
    longest = max(image.size)
    if longest <= side:
        return image
    width, height = (max(1, round(one * side / longest)) for one in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=1.5)


def shape(width: int, height: int) -> dict[str, float]:
    """Size and shape. `odd_aspect` as CleanVision; its odd size, far from the set's median, is no fault by itself."""
    short, long = sorted((width, height))
    return {"too_small": 1 - (short + 1) / (2 * LEAST_SIDE), "odd_aspect": 1 - short / long}


def light(pixels: np.ndarray, grey: np.ndarray) -> dict[str, float]:
    """`dark`: 99th percentile of the greatest channel, where CleanVision takes the brightness: red on black is seen.

    `light`: 1st percentile of the brightness, where CleanVision takes the 5th: a small thing on white is not too light.
    """
    return {"dark": 1 - _percentile(_strongest(pixels), 99) / 255, "light": _percentile(grey, 1) / 255}


def blurred(grey: np.ndarray) -> float:
    """From the width of the edges; CleanVision takes the variance of an edge filter, which white background lowers."""
    return 1 - SHARP / max(edge_width(grey), SHARP)


def low_information(contrast: np.ndarray) -> float:
    """99th percentile of the contrast in 5 x 5 px; 100 levels are enough. CleanVision: the entropy of the histogram."""
    return 1 - _percentile(contrast, 99) / 100


def greyscale(pixels: np.ndarray) -> float:
    """All but a thousandth have no colour. CleanVision asks the file's mode: a grey photo saved as RGB escapes it."""
    colour = _strongest(pixels) - (255 - _strongest(255 - pixels))
    return 1 - _percentile(colour, 99.9) / 50


def almost_empty(pixels: np.ndarray) -> float:
    """Share of pixels within FLAT levels of the commonest colour. CleanVision has no such kind."""
    red, green, blue = (pixels[..., c].astype(np.int32) >> 3 for c in range(3))
    code = (red << 10) + (green << 5) + blue
    commonest = pixels[code == np.bincount(code.ravel()).argmax()].mean(0)
    apart = np.abs(pixels.astype(np.int16) - np.rint(commonest).astype(np.int16))
    return float(np.mean(_strongest(apart) <= FLAT))


def text(grey: np.ndarray) -> float:
    """Half at LETTERS of the picture, then slowly up to 1."""
    covered = lettering(grey)
    return covered / (covered + LETTERS)


def _strongest(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) -> (H, W): greatest of the three; numpy's own `max` over so short an axis takes ten times as long."""
    return np.maximum(np.maximum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])


def _percentile(values: np.ndarray, percent: float) -> int:
    """Of uint8 values, by counting: ten times as fast as sorting them."""
    total = np.cumsum(np.bincount(values.ravel(), minlength=256))
    return int(np.searchsorted(total, percent / 100 * total[-1]))
