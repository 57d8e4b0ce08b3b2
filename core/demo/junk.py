"""What a search brings beside what was asked for: interiors, sale posters, blueprints and files that are no pictures."""

from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.demo.cars import body
from core.demo.places import country
from core.demo.scenes import DAYS, DUSKS, Place
from core.demo.shapes import Camera, Colour, circle, glow, gradient, lit, mix

WEB_PAGE = b"""<!doctype html>
<html><head><title>410 Gone</title></head>
<body><h1>This picture has moved</h1><p>The album was made private by its owner.</p></body></html>
"""


def interior(size: tuple[int, int], rng: random.Random) -> Image.Image:
    """The driver's place, or the seats: drawn at the given size."""
    double = (size[0] * 2, size[1] * 2)
    view = _dashboard(double, rng) if rng.random() < 0.62 else _seats(double, rng)
    share, left, top = rng.uniform(0.62, 1.0), rng.random(), rng.random()
    w, h = double[0] * share, double[1] * share  # nobody holds the camera twice at the same place
    box = (left * (double[0] - w), top * (double[1] - h), left * (double[0] - w) + w, top * (double[1] - h) + h)
    return view.rotate(rng.gauss(0, 2.5), Image.Resampling.BICUBIC, fillcolor=view.getpixel((4, 4))).resize(
        size, Image.Resampling.LANCZOS, box=box
    )


def _dashboard(size: tuple[int, int], rng: random.Random) -> Image.Image:
    w, h = size
    view = Place(Image.new("RGB", size), rng, rng.choice(DAYS + DUSKS), round(h * 0.38), round(h * 0.46))
    country(view)
    image, draw = view.image, ImageDraw.Draw(view.image, "RGBA")
    trim = rng.choice([(38, 38, 42), (62, 50, 42), (94, 80, 66), (52, 56, 64), (120, 44, 40)])
    wood = rng.choice([(120, 76, 44), (150, 152, 156), (28, 28, 30)])
    draw.polygon(
        [(0, 0), (w, 0), (w, h * 0.05), (w * 0.9, h * 0.08), (w * 0.1, h * 0.08), (0, h * 0.05)], fill=lit(trim, 0.5)
    )
    for x0, x1 in ((0, 0.09), (1, 0.91)):  # the pillars beside the windscreen
        draw.polygon(
            [(w * x0, 0), (w * x1, 0), (w * (x1 + (x0 - x1) * 0.75), h * 0.5), (w * x0, h * 0.5)], fill=lit(trim, 0.6)
        )
    draw.rounded_rectangle([w * 0.44, h * 0.06, w * 0.60, h * 0.13], h * 0.02, fill=(30, 32, 36))  # the mirror
    draw.rounded_rectangle(
        [w * 0.45, h * 0.07, w * 0.59, h * 0.12], h * 0.015, fill=mix(view.hour.sky[-1], (60, 70, 80), 0.4)
    )
    top = [
        (0, h * 0.50),
        (w * 0.2, h * 0.455),
        (w * 0.45, h * 0.44),
        (w * 0.8, h * 0.455),
        (w, h * 0.50),
        (w, h),
        (0, h),
    ]
    draw.polygon(top, fill=lit(trim, 0.9))
    draw.polygon([(x, y + h * 0.10) for x, y in top[:5]] + [(w, h), (0, h)], fill=lit(trim, 0.6))
    draw.polygon([(0, h * 0.61), (w, h * 0.61), (w, h * 0.645), (0, h * 0.645)], fill=wood)
    draw.rounded_rectangle([w * 0.47, h * 0.50, w * 0.68, h * 0.68], h * 0.02, fill=(12, 13, 16))  # the screen
    glass = rng.choice([(40, 90, 140), (30, 110, 90), (60, 60, 70), (150, 90, 40)])
    draw.rectangle([w * 0.485, h * 0.52, w * 0.665, h * 0.66], fill=glass)
    draw.line(
        [(w * 0.49, h * 0.64), (w * 0.55, h * 0.57), (w * 0.60, h * 0.60), (w * 0.66, h * 0.53)],
        fill=(240, 240, 240),
        width=4,
    )
    for k in range(2):
        x = w * (0.76 + 0.12 * k)
        draw.ellipse(
            [x - w * 0.035, h * 0.53, x + w * 0.035, h * 0.53 + w * 0.07], fill=lit(trim, 0.25), outline=wood, width=4
        )
    draw.polygon([(w * 0.49, h * 0.70), (w * 0.66, h * 0.70), (w * 0.72, h), (w * 0.46, h)], fill=lit(trim, 0.42))
    draw.line([(w * 0.585, h * 0.90), (w * 0.58, h * 0.78)], fill=(24, 24, 26), width=max(3, w // 60))
    draw.ellipse([w * 0.56, h * 0.73, w * 0.60, h * 0.73 + w * 0.045], fill=wood)
    _instruments(draw, size, rng)
    _steering_wheel(draw, size, trim, wood, rng)
    return image if rng.random() < 0.6 else image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _instruments(draw: ImageDraw.ImageDraw, size: tuple[int, int], rng: random.Random) -> None:
    w, h = size
    draw.rounded_rectangle([w * 0.12, h * 0.47, w * 0.42, h * 0.66], h * 0.05, fill=(14, 14, 17))
    needle = rng.choice([(236, 70, 50), (250, 170, 40), (80, 200, 240)])
    for cx in (0.20, 0.34):
        x, y, r = w * cx, h * 0.565, min(w * 0.06, h * 0.08)
        draw.ellipse([x - r, y - r, x + r, y + r], outline=(180, 184, 190), width=4)
        for k in range(9):
            a = math.pi * (0.8 + 1.4 * k / 8)
            draw.line(
                [
                    (x + r * 0.75 * math.cos(a), y + r * 0.75 * math.sin(a)),
                    (x + r * 0.9 * math.cos(a), y + r * 0.9 * math.sin(a)),
                ],
                fill=(230, 230, 230),
                width=2,
            )
        a = math.pi * rng.uniform(0.9, 2.0)
        draw.line([(x, y), (x + r * 0.8 * math.cos(a), y + r * 0.8 * math.sin(a))], fill=needle, width=6)


def _steering_wheel(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], trim: Colour, accent: Colour, rng: random.Random
) -> None:
    w, h = size
    x, y, r, squash = w * 0.27, h * rng.uniform(0.70, 0.76), min(w * 0.2, h * 0.27) * rng.uniform(0.85, 1.0), 0.94
    dark, thick = lit(trim, 0.32), max(5, round(w * 0.026))
    draw.ellipse([x - r, y - r * squash, x + r, y + r * squash], outline=dark, width=thick)
    draw.arc(
        [x - r + 2, y - r * squash + 2, x + r - 2, y + r * squash - 2],
        200,
        320,
        fill=lit(trim, 1.15),
        width=max(1, thick // 4),
    )
    for a in rng.choice([(0.0, math.pi, math.pi / 2), (0.15, math.pi - 0.15, math.pi * 0.36, math.pi * 0.64)]):
        draw.line(
            [(x, y), (x + r * 0.95 * math.cos(a), y + r * 0.95 * squash * math.sin(a))],
            fill=accent,
            width=round(thick * 1.2),
        )
    draw.ellipse([x - r * 0.34, y - r * 0.3, x + r * 0.34, y + r * 0.3], fill=lit(trim, 0.5))
    draw.ellipse([x - r * 0.1, y - r * 0.1, x + r * 0.1, y + r * 0.1], fill=(190, 194, 198))


def _seats(size: tuple[int, int], rng: random.Random) -> Image.Image:
    w, h = size
    leather = rng.choice([(168, 116, 76), (56, 56, 60), (190, 176, 154), (132, 40, 40), (86, 96, 108), (222, 214, 200)])
    image = gradient(size, [mix(leather, (190, 200, 210), 0.6), lit(leather, 0.5), lit(leather, 0.25)])
    draw = ImageDraw.Draw(image, "RGBA")
    draw.polygon([(w * 0.02, h * 0.05), (w * 0.28, h * 0.05), (w * 0.2, h * 0.36), (0, h * 0.4)], fill=(196, 214, 226))
    draw.polygon([(w * 0.98, h * 0.05), (w * 0.72, h * 0.05), (w * 0.8, h * 0.36), (w, h * 0.4)], fill=(196, 214, 226))
    stitch = mix(leather, (255, 255, 255), 0.5)
    for cx in (0.28, 0.72):
        x, s = w * cx, w * 0.17
        draw.rounded_rectangle([x - s * 0.5, h * 0.08, x + s * 0.5, h * 0.24], s * 0.2, fill=lit(leather, 0.85))
        for dx in (-0.2, 0.2):
            draw.line([(x + dx * s, h * 0.23), (x + dx * s, h * 0.30)], fill=(160, 162, 166), width=8)
        draw.rounded_rectangle([x - s, h * 0.28, x + s, h * 0.76], s * 0.3, fill=lit(leather, 0.78))
        draw.rounded_rectangle([x - s * 0.62, h * 0.31, x + s * 0.62, h * 0.74], s * 0.2, fill=lit(leather, 1.0))
        draw.polygon(
            [(x - s * 1.05, h * 0.74), (x + s * 1.05, h * 0.74), (x + s * 1.2, h * 0.98), (x - s * 1.2, h * 0.98)],
            fill=lit(leather, 0.9),
        )
        for k in range(1, 7):
            y = h * (0.31 + 0.43 * k / 7)
            draw.line([(x - s * 0.6, y), (x + s * 0.6, y)], fill=lit(leather, 0.7), width=4)
        for dx in (-0.62, 0.62):
            draw.line([(x + dx * s, h * 0.33), (x + dx * s, h * 0.72)], fill=stitch, width=2)
    draw.rounded_rectangle([w * 0.46, h * 0.56, w * 0.54, h], w * 0.01, fill=lit(leather, 0.35))
    glow(image, w * rng.uniform(0.2, 0.8), h * 0.2, w * 0.4, (255, 250, 236), 0.35)
    return image


def poster(size: tuple[int, int], kind: str, rng: random.Random) -> Image.Image:
    """A sale bill with big words, or a drawing of a car of the kind on paper."""
    double = (size[0] * 2, size[1] * 2)  # reduced at the end: smooth lines
    return (_bill(double, kind, rng) if rng.random() < 0.5 else _drawing(double, kind, rng)).reduce(2)


WORDS = {
    "sedan": ("FAMILY", "COMFORT", "FOUR DOORS"),
    "coupe": ("SPEED", "GRAND TOUR", "TWO SEATS"),
    "suv": ("ADVENTURE", "GO OUTSIDE", "ALL ROADS"),
    "truck": ("TOUGH", "WORK DAY", "HAUL IT"),
}


def _bill(size: tuple[int, int], kind: str, rng: random.Random) -> Image.Image:
    w, h = size
    back, ink = rng.choice(
        [
            ((214, 44, 40), (255, 236, 90)),
            ((250, 208, 40), (30, 30, 34)),
            ((24, 60, 130), (255, 255, 255)),
            ((240, 236, 222), (180, 34, 34)),
            ((18, 92, 80), (250, 240, 210)),
        ]
    )
    image = Image.new("RGB", size, back)
    draw = ImageDraw.Draw(image)
    for k in range(18):  # rays of a sun behind the words
        a, b = 2 * math.pi * k / 18, 2 * math.pi * (k + 0.5) / 18
        draw.polygon(
            [
                (w / 2, h * 0.55),
                (w / 2 + w * math.cos(a), h * 0.55 + w * math.sin(a)),
                (w / 2 + w * math.cos(b), h * 0.55 + w * math.sin(b)),
            ],
            fill=mix(back, (255, 255, 255), 0.13),
        )
    _words(draw, rng.choice(WORDS[kind]), (w / 2, h * 0.16), w * 0.9, h * 0.2, ink)
    _words(
        draw,
        f"{kind.upper()} {rng.choice(['SALE', 'SHOW', 'MONTH', 'CLUB', '1974'])}",
        (w / 2, h * 0.88),
        w * 0.86,
        h * 0.13,
        ink,
    )
    _sketch(
        image,
        kind,
        rng,
        (w * 0.14, h * 0.34, w * 0.86, h * 0.74),
        ink,
        round(max(2, w / 130)),
        fill=mix(back, ink, 0.25),
    )
    x, y, r = w * rng.choice([0.17, 0.83]), h * 0.38, min(w, h) * 0.15
    spikes = [
        (
            x + r * (1 if k % 2 else 0.78) * math.cos(k * math.pi / 12),
            y + r * (1 if k % 2 else 0.78) * math.sin(k * math.pi / 12),
        )
        for k in range(24)
    ]
    draw.polygon(spikes, fill=ink)
    _words(draw, rng.choice(["-30%", "NEW", "WOW", "50/50"]), (x, y), r * 1.3, r, back)
    return image


def _words(
    draw: ImageDraw.ImageDraw, text: str, centre: tuple[float, float], width: float, height: float, ink: Colour
) -> None:
    """Words as large as fit; Pillow's own typeface, so they look the same on every machine."""
    size = height
    wide = draw.textlength(text, font=ImageFont.load_default(size))
    font = ImageFont.load_default(max(8, min(size, size * width / wide)))
    draw.text(centre, text, fill=ink, font=font, anchor="mm", stroke_width=max(1, round(height / 30)), stroke_fill=ink)


def _drawing(size: tuple[int, int], kind: str, rng: random.Random) -> Image.Image:
    """Line art: a blueprint, or pencil on paper."""
    w, h = size
    blue = rng.random() < 0.5
    paper, ink = (
        ((28, 66, 128), (226, 236, 250)) if blue else (rng.choice([(248, 246, 238), (236, 226, 204)]), (52, 52, 60))
    )
    image = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(image)
    if blue:
        for k in range(0, w, w // 24):
            draw.line([(k, 0), (k, h)], fill=mix(paper, ink, 0.16), width=2)
        for k in range(0, h, w // 24):
            draw.line([(0, k), (w, k)], fill=mix(paper, ink, 0.16), width=2)
    box = (w * 0.1, h * 0.26, w * 0.9, h * 0.70)
    strokes = 1 if blue else 3
    state = rng.getstate()
    for k in range(strokes):  # pencil goes over its lines more than once
        rng.setstate(state)
        shift = k * w / 320
        _sketch(
            image,
            kind,
            rng,
            (box[0] + shift, box[1] - shift, box[2] + shift, box[3] + shift * 0.5),
            mix(paper, ink, 1 - 0.25 * k),
            max(1, round(w / 240)),
        )
    draw.line([(w * 0.1, h * 0.80), (w * 0.9, h * 0.80)], fill=ink, width=4)
    for x in (0.1, 0.9):
        draw.line([(w * x, h * 0.77), (w * x, h * 0.83)], fill=ink, width=4)
    _words(
        draw,
        f"{rng.randint(4100, 5400)} mm" if blue else f"{kind}, study no. {rng.randint(2, 40)}",
        (w / 2, h * 0.87),
        w * 0.5,
        h * 0.06,
        ink,
    )
    return image


def _sketch(
    image: Image.Image,
    kind: str,
    rng: random.Random,
    box: tuple[float, float, float, float],
    ink: Colour,
    width: int,
    fill: Colour | None = None,
) -> None:
    """The outline of a car of the kind, from the side."""
    b = body(kind, rng)
    camera = Camera(b.length, 0.0, 0.0, 40.0, rng.random() < 0.5)
    camera.fit(np.vstack([b.side(b.outline), [[x, 0, 1] for x in b.wheels]]), box)
    draw = ImageDraw.Draw(image)
    outline = camera(b.side(b.outline))
    if fill:
        draw.polygon(outline, fill=fill)
    draw.line([*outline, outline[0]], fill=ink, width=width, joint="curve")
    for x0, x1 in b.windows:
        xs = np.linspace(x0, x1, 12)
        low = np.interp(xs, [b.glass[0], b.glass[3]], b.belt)
        high = np.maximum(b.top(xs) - 0.08, low + 0.02)
        pane = camera(b.side(np.vstack([np.column_stack([xs, high]), np.column_stack([xs, low])[::-1]])))
        draw.line([*pane, pane[0]], fill=ink, width=width)
    for x in b.doors:
        draw.line(camera(b.side([(x, b.belt[1]), (x + 0.03, b.sill + 0.1)])), fill=ink, width=width)
    paper = image.getpixel((2, 2)) if fill is None else fill
    for x in b.wheels:
        z = b.width / 2
        draw.polygon(camera(circle(x, b.radius, b.radius, z)), fill=paper)
        for size in (1.0, 0.62, 0.18):
            ring = camera(circle(x, b.radius, b.radius * size, z))
            draw.line([*ring, ring[0]], fill=ink, width=width)
