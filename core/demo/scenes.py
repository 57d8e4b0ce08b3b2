"""Canvases, hours of the day, the sky and the road; and at the end what a floor mirrors and a camera adds."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from core.demo.coach import Light
from core.demo.shapes import Colour, glow, gradient, mix


@dataclass(frozen=True)
class Hour:
    """The light of a time of day: the sky's colours from the top down, and what falls on the car."""

    sky: tuple[Colour, ...]
    strength: float
    ambient: float
    veil: Colour  # what the distance fades to
    dim: float  # brightness of the ground and of everything that does not shine
    lamps: bool


DAYS = (
    Hour(((74, 134, 206), (140, 186, 228), (214, 230, 240)), 0.58, 0.52, (206, 222, 234), 1.0, False),
    Hour(((52, 112, 190), (108, 168, 222), (232, 236, 226)), 0.68, 0.46, (220, 226, 220), 1.04, False),
    Hour(((150, 160, 172), (186, 192, 198), (214, 216, 216)), 0.26, 0.66, (204, 208, 210), 0.88, False),  # overcast
)
DUSKS = (
    Hour(((52, 58, 110), (172, 100, 116), (246, 168, 96), (254, 214, 140)), 0.50, 0.50, (214, 150, 120), 0.66, True),
    Hour(((40, 44, 92), (112, 84, 140), (226, 130, 130), (250, 186, 150)), 0.42, 0.50, (178, 124, 140), 0.58, True),
)
NIGHTS = (
    Hour(((8, 10, 24), (16, 20, 44), (38, 40, 72)), 0.30, 0.36, (34, 38, 66), 0.24, True),
    Hour(((6, 8, 16), (14, 22, 40), (30, 50, 70)), 0.30, 0.36, (26, 40, 56), 0.22, True),
)
HOURS = {"day": DAYS, "dusk": DUSKS, "night": NIGHTS}


@dataclass
class Place:
    """A canvas in the making. `horizon` and `kerb` are heights in pixels: where the ground begins, where the car is."""

    image: Image.Image
    rng: random.Random
    hour: Hour
    horizon: int
    kerb: int

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height

    def tone(self, colour: Colour, far: float = 0.0) -> Colour:
        """A thing's colour at this hour, `far` 0 (here) to 1 (lost in the distance)."""
        return mix(mix((8, 9, 16), colour, self.hour.dim), self.hour.veil, far)

    def soften(self, radius: float) -> None:
        """What was drawn so far lies out of focus."""
        self.image.paste(self.image.filter(ImageFilter.BoxBlur(radius)))

    def ridge(self, y: float, swing: float, colour: Colour, rough: float = 0.0) -> None:
        """A line of hills filled down to the bottom."""
        count = 60
        waves = [(self.rng.uniform(0.5, 4), self.rng.uniform(0, 6.3), self.rng.uniform(0.3, 1)) for _ in range(3)]
        line = []
        for k in range(count + 1):
            t = k / count
            rise = sum(a * math.sin(f * 6.28 * t + p) for f, p, a in waves) / 2 + self.rng.uniform(-rough, rough)
            line.append((t * self.width, y - swing * rise))
        ImageDraw.Draw(self.image).polygon([*line, (self.width, self.height), (0, self.height)], fill=colour)

    def ground(self, far: Colour, near: Colour, grain: float = 5.0) -> None:
        """The ground from the horizon down, with a little grain."""
        size = (self.width, self.height - self.horizon)
        plane = np.asarray(gradient(size, [far, near]), dtype=np.float32)
        noise = np.random.default_rng(self.rng.getrandbits(32)).standard_normal((size[1], size[0], 1), dtype=np.float32)
        depth = np.linspace(0.2, 1, size[1], dtype=np.float32)[:, None, None]
        self.image.paste(
            Image.fromarray((plane + noise * depth * grain).clip(0, 255).astype(np.uint8)), (0, self.horizon)
        )


def sky(place: Place) -> None:
    rng, hour, image = place.rng, place.hour, place.image
    image.paste(gradient((place.width, place.horizon + 2), list(hour.sky)))
    if hour in NIGHTS:
        draw = ImageDraw.Draw(image)
        for _ in range(70):
            x, y, v = rng.uniform(0, place.width), rng.uniform(0, place.horizon), rng.randint(90, 220)
            draw.point((x, y), fill=(v, v, v))
        if rng.random() < 0.5:
            x, y, r = rng.uniform(0.1, 0.9) * place.width, rng.uniform(0.1, 0.4) * place.horizon, place.width * 0.025
            glow(image, x, y, r * 5, (150, 160, 200), 0.4)
            draw.ellipse([x - r, y - r, x + r, y + r], fill=(236, 234, 214))
        return
    if hour in DUSKS or rng.random() < 0.25:
        x, y = rng.uniform(0.1, 0.9) * place.width, place.horizon * rng.uniform(0.55, 0.95)
        glow(image, x, y, place.width * 0.35, (255, 226, 170), 0.75)
    _clouds(place, rng.randint(0, 6))


def _clouds(place: Place, count: int) -> None:
    rng, (w, h) = place.rng, (place.width // 2, max(4, place.horizon // 2))
    mask = Image.new("L", (w, h))
    draw = ImageDraw.Draw(mask)
    for _ in range(count):
        x, y, size = rng.uniform(0, w), rng.uniform(0, h * 0.8), rng.uniform(0.04, 0.12) * w
        for _ in range(7):
            dx, dy, r = rng.gauss(0, size), rng.gauss(0, size * 0.14), size * rng.uniform(0.25, 0.5)
            draw.ellipse([x + dx - r, y + dy - r * 0.5, x + dx + r, y + dy + r * 0.4], fill=rng.randint(110, 200))
    mask = mask.filter(ImageFilter.GaussianBlur(w * 0.012)).resize((w * 2, h * 2), Image.Resampling.BILINEAR)
    light = mix(place.hour.sky[-1], (255, 255, 255), 0.55 if place.hour in DAYS else 0.1)
    place.image.paste(light, (0, 0, *mask.size), mask)


def tarmac(place: Place, colour: Colour = (92, 94, 98)) -> None:
    """A road across the picture under the car: verge, kerb line, dashes."""
    rng, draw = place.rng, ImageDraw.Draw(place.image)
    top = place.kerb - place.height * rng.uniform(0.13, 0.2)
    place_from = round(max(place.horizon + 2, top))
    was, place.horizon = place.horizon, place_from
    place.ground(place.tone(mix(colour, (255, 255, 255), 0.1)), place.tone(mix(colour, (0, 0, 0), 0.18)), 4)
    place.horizon = was
    draw.rectangle([0, place_from - 2, place.width, place_from + 1], fill=place.tone((196, 196, 190)))
    y, thick = place.kerb + (place.height - place.kerb) * rng.uniform(0.35, 0.6), max(2, place.height * 0.012)
    if rng.random() < 0.75:
        step, shift = place.width * rng.uniform(0.22, 0.34), rng.uniform(0, 0.3) * place.width
        paint = place.tone(rng.choice([(232, 232, 226), (236, 200, 80)]))
        for k in range(-1, 6):
            x = k * step - shift
            draw.polygon(
                [(x, y), (x + step * 0.5, y), (x + step * 0.47, y + thick), (x - step * 0.03, y + thick)], fill=paint
            )


def daylight(place: Place, sky: Colour, ground: Colour, gloss: float = 0.0) -> Light:
    side = place.rng.choice([-1, 1]) * place.rng.uniform(0.2, 0.7)
    return Light(
        (side, 0.85, place.rng.uniform(0.45, 0.8)),
        place.hour.strength,
        place.hour.ambient,
        sky,
        ground,
        place.hour.lamps,
        gloss,
    )


def mirror(canvas: Image.Image, ground: float, gloss: float) -> None:
    """A polished or wet floor: what stands above the line comes back below it, faint and blurred."""
    top = round(ground)
    depth = min(canvas.height - top, top)
    if depth < 8 or gloss <= 0:
        return
    above = canvas.crop((0, top - depth, canvas.width, top)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    above = above.resize((canvas.width // 3, depth // 3)).filter(ImageFilter.BoxBlur(1.5)).resize((canvas.width, depth))
    near, far = round(255 * gloss), round(60 * gloss)
    fade = gradient((canvas.width, depth), [(near, near, near), (far, far, far), (0, 0, 0)]).convert("L")
    canvas.paste(above, (0, top), fade)


def develop(image: Image.Image, rng: random.Random) -> Image.Image:
    """What the camera adds: exposure, a tint, a vignette, grain, at times a little blur."""
    if rng.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.2)))
    w, h = image.size
    x = np.linspace(-1, 1, w, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, h, dtype=np.float32)[:, None]
    shade = (1 - rng.uniform(0, 0.22) * (x * x + y * y) / 2) * rng.uniform(0.82, 1.14)
    pixels = np.asarray(image, dtype=np.float32) * shade[:, :, None]
    pixels *= np.array([rng.uniform(0.95, 1.05) for _ in range(3)], dtype=np.float32)
    grain = np.random.default_rng(rng.getrandbits(32)).standard_normal((h, w, 1), dtype=np.float32)
    pixels += grain * abs(rng.gauss(0, 3.5))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
