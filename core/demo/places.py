"""Where a car may stand. Each place draws itself at the final size and says how it is lit."""

from __future__ import annotations

import math
from collections.abc import Callable

from PIL import ImageDraw

from core.demo.coach import Light
from core.demo.scenes import Place, daylight, sky, tarmac
from core.demo.shapes import Colour, glow, gradient, mix


def country(place: Place) -> Light:
    """Hills, fields, perhaps a few round trees, and a road."""
    rng = place.rng
    sky(place)
    green = rng.choice([(96, 132, 70), (128, 146, 74), (76, 118, 72), (168, 156, 92)])
    for k in range(3):
        place.ridge(
            place.horizon - place.height * (0.07 - 0.035 * k),
            place.height * 0.035,
            place.tone(mix(green, (60, 90, 120), 0.4 - 0.2 * k), 0.6 - 0.25 * k),
        )
    place.ground(place.tone(mix(green, (255, 255, 200), 0.15)), place.tone(mix(green, (0, 0, 0), 0.15)), 8)
    draw = ImageDraw.Draw(place.image)
    for _ in range(rng.randint(0, 7)):
        x, r = rng.uniform(0, place.width), place.height * rng.uniform(0.03, 0.09)
        y = place.horizon + rng.uniform(0, 0.03) * place.height
        draw.rectangle([x - r * 0.1, y - r, x + r * 0.1, y], fill=place.tone((84, 62, 44), 0.15))
        for dx, dy, s in ((-0.5, -1.5, 0.7), (0.5, -1.5, 0.7), (0, -2.0, 0.8), (0, -1.4, 0.8)):
            draw.ellipse(
                [x + (dx - s) * r, y + (dy - s) * r, x + (dx + s) * r, y + (dy + s) * r],
                fill=place.tone(mix(green, (10, 40, 20), 0.45 + 0.1 * dx), 0.12),
            )
    place.soften(place.width / 480)
    tarmac(place)
    return daylight(place, place.hour.sky[-2], place.tone(green))


def city(place: Place) -> Light:
    """A skyline in three depths, windows lit after dusk, a street."""
    rng, draw = place.rng, ImageDraw.Draw(place.image)
    sky(place)
    wall = rng.choice([(120, 116, 122), (146, 124, 108), (104, 118, 134), (150, 140, 128)])
    for depth in range(3):
        x = -rng.uniform(0, 30)
        while x < place.width:
            w = place.width * rng.uniform(0.05, 0.13) * (0.8 + 0.3 * depth)
            tall = place.height * rng.uniform(0.10, 0.46) * (1.15 - 0.18 * depth)
            base = place.kerb if depth == 2 else place.horizon + 4
            tone = place.tone(mix(wall, (60, 60, 74), rng.uniform(0, 0.5)), 0.55 - 0.25 * depth)
            draw.rectangle([x, place.horizon - tall, x + w, base], fill=tone)
            _windows(place, draw, (x, place.horizon - tall, x + w, base), tone, depth)
            x += w + rng.choice([0, 0, 2, 8]) * (depth < 2) + rng.choice([0, 0, 40]) * (depth == 2)
    place.soften(place.width / 420)
    place.ground(place.tone((120, 120, 122)), place.tone((104, 104, 106)), 4)
    tarmac(place, (84, 86, 92))
    wet = 0.35 if place.hour.lamps and rng.random() < 0.6 else 0.0
    return daylight(place, mix(place.hour.sky[-1], wall, 0.2), place.tone((90, 90, 94)), wet)


def _windows(
    place: Place, draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], tone: Colour, depth: int
) -> None:
    rng, (x0, y0, x1, y1) = place.rng, box
    cell = max(4.0, place.width * (0.010 + 0.006 * depth))
    lit_share = 0.45 if place.hour.lamps else 0.0
    glass = mix(tone, place.hour.sky[0] if not place.hour.lamps else (6, 8, 20), 0.3)
    warm = rng.choice([(255, 214, 140), (255, 232, 180), (210, 226, 255)])
    y = y0 + cell
    while y < min(y1, place.kerb) - cell:
        x = x0 + cell * 0.6
        while x < x1 - cell:
            draw.rectangle([x, y, x + cell * 0.5, y + cell * 0.7], fill=warm if rng.random() < lit_share else glass)
            x += cell * 1.1
        y += cell * 1.5


def studio(place: Place) -> Light:
    """A seamless backdrop with a spot of light."""
    rng = place.rng
    base = rng.choice(
        [
            (206, 208, 212),
            (232, 232, 230),
            (96, 100, 108),
            (62, 66, 74),
            (186, 204, 216),
            (222, 198, 176),
            (150, 178, 164),
            (196, 176, 204),
        ]
    )
    dark = mix(base, (20, 20, 26), 0.25)
    place.image.paste(gradient((place.width, place.height), [dark, base, mix(base, (255, 255, 255), 0.25), base, dark]))
    draw = ImageDraw.Draw(place.image)
    for _ in range(rng.randint(0, 3)):  # slanted light from a window out of sight, or a paper backdrop
        x, w, slant = (
            rng.uniform(-0.1, 1) * place.width,
            rng.uniform(0.08, 0.4) * place.width,
            rng.uniform(-0.5, 0.5) * place.width,
        )
        tone = mix(base, (255, 255, 255) if rng.random() < 0.5 else (20, 20, 26), rng.uniform(0.12, 0.35))
        draw.polygon([(x, 0), (x + w, 0), (x + w + slant, place.horizon), (x + slant, place.horizon)], fill=tone)
    place.soften(place.width / rng.choice([20, 40, 160]))
    glow(
        place.image,
        place.width * rng.uniform(0.1, 0.9),
        place.height * rng.uniform(0.1, 0.5),
        place.width * 0.5,
        (255, 255, 255),
        0.4,
    )
    return Light(
        (rng.uniform(-0.5, 0.5), 0.9, 0.5), 0.5, 0.58, mix(base, (255, 255, 255), 0.5), base, False, rng.uniform(0, 0.3)
    )


def desert(place: Place) -> Light:
    """Dunes or table mountains, cacti, sand."""
    rng = place.rng
    sky(place)
    sand = rng.choice([(222, 184, 128), (208, 150, 104), (232, 204, 158), (190, 116, 84)])
    draw = ImageDraw.Draw(place.image)
    if rng.random() < 0.6:
        for _ in range(rng.randint(1, 3)):
            x, w = rng.uniform(-0.1, 0.9) * place.width, rng.uniform(0.12, 0.34) * place.width
            y, h = place.horizon + 2, rng.uniform(0.08, 0.24) * place.height
            rock = place.tone(mix(sand, (120, 50, 40), 0.5), rng.uniform(0.15, 0.4))
            draw.polygon(
                [
                    (x, y),
                    (x + w * 0.16, y - h * 0.5),
                    (x + w * 0.2, y - h),
                    (x + w * 0.8, y - h * 0.97),
                    (x + w * 0.86, y - h * 0.45),
                    (x + w, y),
                ],
                fill=rock,
            )
            for k in range(3):
                draw.line(
                    [(x + w * 0.2, y - h * (0.9 - k * 0.16)), (x + w * 0.82, y - h * (0.88 - k * 0.16))],
                    fill=mix(rock, (70, 30, 30), 0.25),
                    width=2,
                )
    for k in range(2):
        place.ridge(
            place.horizon - place.height * (0.03 - 0.03 * k), place.height * 0.03, place.tone(sand, 0.4 - 0.25 * k)
        )
    place.soften(place.width / 500)
    place.ground(place.tone(mix(sand, (255, 255, 255), 0.1)), place.tone(mix(sand, (90, 50, 30), 0.2)), 8)
    for _ in range(rng.randint(0, 4)):
        _cactus(place, rng.uniform(0, 1) * place.width, place.horizon + rng.uniform(0.01, 0.10) * place.height)
    if rng.random() < 0.4:
        tarmac(place, (128, 112, 100))
    return daylight(place, place.hour.sky[-2], place.tone(sand))


def _cactus(place: Place, x: float, y: float) -> None:
    draw, s = ImageDraw.Draw(place.image), place.height * place.rng.uniform(0.05, 0.13)
    green, w = place.tone((66, 108, 70), 0.1), place.height * 0.02
    draw.line([(x, y), (x, y - s)], fill=green, width=max(2, round(w)))
    for side, low in ((-1, 0.4), (1, 0.55)):
        draw.line(
            [(x, y - s * low), (x + side * s * 0.25, y - s * low), (x + side * s * 0.25, y - s * (low + 0.3))],
            fill=green,
            width=max(2, round(w * 0.7)),
            joint="curve",
        )


def forest(place: Place) -> Light:
    """Conifers in mist, a clearing."""
    rng, draw = place.rng, ImageDraw.Draw(place.image)
    sky(place)
    green = rng.choice([(44, 84, 56), (58, 92, 50), (70, 96, 74), (120, 96, 48)])
    for depth in range(4):
        for _ in range(26 - depth * 3):
            x = rng.uniform(-0.05, 1.05) * place.width
            tall = place.height * rng.uniform(0.18, 0.34) * (0.7 + 0.25 * depth)
            y, w = place.horizon + place.height * 0.02 * depth, 0
            w = tall * 0.2
            tone = place.tone(mix(green, (10, 30, 20), rng.uniform(0, 0.4)), 0.62 - 0.19 * depth)
            for k in range(3):
                a = y - tall * (0.08 + 0.27 * k)
                draw.polygon(
                    [(x - w * (1 - 0.24 * k), a), (x + w * (1 - 0.24 * k), a), (x, a - tall * 0.42)], fill=tone
                )
        place.soften(max(0.6, place.width / 460 * (1.5 - 0.3 * depth)))
    soil = rng.choice([(92, 104, 62), (108, 92, 66), (74, 96, 58)])
    place.ground(place.tone(soil), place.tone(mix(soil, (20, 20, 10), 0.25)), 12)
    if rng.random() < 0.5:
        tarmac(place, rng.choice([(96, 96, 96), (132, 112, 88)]))
    return daylight(place, mix(place.hour.sky[-1], green, 0.35), place.tone(soil))


def showroom(place: Place) -> Light:
    """Tall windows, lamps in the ceiling, a polished floor."""
    rng, draw = place.rng, ImageDraw.Draw(place.image)
    wall = rng.choice([(226, 226, 224), (206, 212, 218), (70, 74, 82), (214, 204, 190), (52, 66, 82)])
    place.image.paste(gradient((place.width, place.horizon), [mix(wall, (0, 0, 0), 0.12), wall]))
    count = rng.randint(3, 7)
    step = place.width / count
    outside = rng.choice([(178, 208, 228), (150, 190, 210), (224, 226, 220), (120, 160, 140)])
    kind = rng.randrange(3)
    for k in range(count):
        x = k * step
        if kind == 0:
            draw.rectangle([x + step * 0.08, place.horizon * 0.25, x + step * 0.92, place.horizon * 0.96], fill=outside)
            draw.line(
                [(x + step * 0.5, place.horizon * 0.25), (x + step * 0.5, place.horizon * 0.96)], fill=wall, width=3
            )
        elif kind == 1:
            draw.rectangle([x, 0, x + step * 0.5, place.horizon], fill=mix(wall, (0, 0, 0), 0.08))
        lamp = place.horizon * 0.08
        draw.polygon(
            [
                (x + step * 0.2, lamp),
                (x + step * 0.8, lamp),
                (x + step * 0.74, lamp * 1.5),
                (x + step * 0.26, lamp * 1.5),
            ],
            fill=(255, 255, 250),
        )
    if kind == 2:
        accent = rng.choice([(196, 50, 44), (40, 90, 160), (230, 170, 40), (40, 130, 110)])
        draw.rectangle([0, place.horizon * 0.52, place.width, place.horizon * 0.62], fill=accent)
    for _ in range(rng.randint(0, 4)):
        _furnish(place, rng.uniform(0, 1) * place.width, rng.choice(["plant", "picture", "banner"]))
    place.soften(place.width / 400)
    floor = rng.choice([(196, 196, 196), (160, 164, 170), (104, 106, 112), (206, 194, 176)])
    place.ground(mix(floor, (255, 255, 255), 0.2), mix(floor, (0, 0, 0), 0.1), 2)
    line = mix(floor, (0, 0, 0), 0.14)
    for k in range(-6, 14):
        draw.line(
            [
                (place.width * (0.5 + (k / 8 - 0.5) * 0.7), place.horizon),
                (place.width * (0.5 + (k / 8 - 0.5) * 2.2), place.height),
            ],
            fill=line,
        )
    for k in range(1, 7):
        y = place.horizon + (place.height - place.horizon) * (k / 7) ** 1.7
        draw.line([(0, y), (place.width, y)], fill=line)
    return Light(
        (rng.uniform(-0.4, 0.4), 0.95, 0.4), 0.46, 0.58, (250, 250, 250), floor, False, rng.uniform(0.25, 0.45)
    )


def _furnish(place: Place, x: float, what: str) -> None:
    """Something that stands or hangs at a showroom's wall."""
    draw, rng, h = ImageDraw.Draw(place.image), place.rng, place.horizon
    bright = rng.choice([(214, 60, 50), (240, 190, 60), (50, 110, 170), (40, 44, 52), (236, 236, 230), (60, 140, 110)])
    if what == "plant":
        draw.polygon(
            [(x - h * 0.07, h * 0.8), (x + h * 0.07, h * 0.8), (x + h * 0.05, h), (x - h * 0.05, h)],
            fill=(236, 232, 224),
        )
        for k in range(9):
            a = math.pi * (0.1 + 0.1 * k)
            draw.line(
                [(x, h * 0.8), (x + h * 0.24 * math.cos(a), h * 0.8 - h * 0.34 * math.sin(a))],
                fill=(50, 116, 70),
                width=max(3, h // 30),
            )
    elif what == "picture":
        w = h * rng.uniform(0.3, 0.6)
        draw.rectangle(
            [x, h * 0.3, x + w, h * 0.3 + w * 0.66], fill=bright, outline=(250, 250, 250), width=max(2, h // 60)
        )
    else:
        draw.rectangle([x, h * 0.1, x + h * 0.22, h * 0.85], fill=bright)


def beach(place: Place) -> Light:
    """The sea, sand, perhaps a palm."""
    rng = place.rng
    sky(place)
    sea = place.tone(rng.choice([(44, 120, 160), (36, 140, 150), (70, 110, 150)]), 0.1)
    shore = place.horizon + round((place.kerb - place.horizon) * 0.4)
    place.image.paste(
        gradient((place.width, shore - place.horizon + 1), [mix(sea, place.hour.veil, 0.35), sea]), (0, place.horizon)
    )
    draw = ImageDraw.Draw(place.image)
    for _ in range(24):
        x, y = rng.uniform(0, place.width), rng.uniform(place.horizon + 2, shore)
        draw.line([(x, y), (x + rng.uniform(0.02, 0.08) * place.width, y)], fill=mix(sea, (255, 255, 255), 0.3))
    sand = rng.choice([(232, 212, 170), (218, 196, 156), (240, 226, 196)])
    was, place.horizon = place.horizon, shore
    place.ground(place.tone(sand), place.tone(mix(sand, (120, 90, 60), 0.2)), 8)
    place.horizon = was
    draw.line([(0, shore), (place.width, shore)], fill=place.tone((248, 250, 250)), width=3)
    if rng.random() < 0.6:
        _palm(place, rng.choice([0.08, 0.16, 0.86, 0.94]) * place.width, shore + place.height * 0.03)
    place.soften(place.width / 560)
    return daylight(place, place.hour.sky[-2], place.tone(sand))


def _palm(place: Place, x: float, y: float) -> None:
    draw, s, rng = ImageDraw.Draw(place.image), place.height * place.rng.uniform(0.4, 0.6), place.rng
    bend = rng.uniform(-0.15, 0.15) * s
    draw.line(
        [(x, y), (x + bend * 0.4, y - s * 0.5), (x + bend, y - s)],
        fill=place.tone((120, 90, 62)),
        width=max(3, round(s * 0.035)),
        joint="curve",
    )
    for k in range(9):
        a = math.pi * (0.02 + 0.12 * k)
        tip = (x + bend + math.cos(a) * s * 0.34, y - s - math.sin(a) * s * 0.14 + abs(math.cos(a)) * s * 0.12)
        mid = (x + bend + math.cos(a) * s * 0.18, y - s - math.sin(a) * s * 0.16 - s * 0.02)
        draw.line(
            [(x + bend, y - s), mid, tip],
            fill=place.tone((48, 110, 62), 0.05),
            width=max(2, round(s * 0.03)),
            joint="curve",
        )


def mountains(place: Place) -> Light:
    """White peaks, snow or meadow."""
    rng, draw = place.rng, ImageDraw.Draw(place.image)
    sky(place)
    rock = rng.choice([(96, 104, 122), (112, 104, 104), (84, 98, 112)])
    for depth in range(2):
        x = -0.15 * place.width
        while x < place.width:
            w, tall = place.width * rng.uniform(0.25, 0.5), place.height * rng.uniform(0.16, 0.36) * (1 - 0.3 * depth)
            y, tone = place.horizon + 2, place.tone(rock, 0.5 - 0.25 * depth)
            peak = (x + w * rng.uniform(0.4, 0.6), y - tall)
            draw.polygon([(x, y), peak, (x + w, y)], fill=tone)
            left, right = (
                (peak[0] + (x - peak[0]) * 0.36, peak[1] + tall * 0.36),
                (peak[0] + (x + w - peak[0]) * 0.36, peak[1] + tall * 0.36),
            )
            zig = [
                (left[0] + (right[0] - left[0]) * t, left[1] + tall * (0.08 if k % 2 else -0.03))
                for k, t in enumerate((0.2, 0.4, 0.6, 0.8))
            ]
            draw.polygon([peak, left, *zig, right], fill=place.tone((244, 247, 252), 0.25))
            x += w * rng.uniform(0.4, 0.7)
    place.soften(place.width / 420)
    snow = rng.random() < 0.5
    base = (232, 238, 246) if snow else (118, 146, 84)
    place.ground(place.tone(base), place.tone(mix(base, (80, 90, 110), 0.2)), 6)
    if rng.random() < 0.6:
        tarmac(place)
    return daylight(place, place.hour.sky[-2], place.tone(base))


PLACES: dict[str, tuple[Callable[[Place], Light], tuple[str, ...]]] = {
    "on a country road": (country, ("day", "day", "dusk")),
    "in the city": (city, ("day", "dusk", "night")),
    "in a studio": (studio, ("day",)),
    "in the desert": (desert, ("day", "dusk")),
    "in the forest": (forest, ("day", "day", "dusk")),
    "in a showroom": (showroom, ("day",)),
    "at the beach": (beach, ("day", "dusk")),
    "in the mountains": (mountains, ("day", "dusk")),
}
