"""The things people put on cars: cargo, roof boxes, stripes, a taxi sign; and a driver."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import ImageFont

from core.demo.shapes import Colour, circle, lit, mix

if TYPE_CHECKING:
    from core.demo.coach import Coach

EXTRAS: dict[str, tuple[str, ...]] = {
    "sedan": ("taxi", "sign", "antenna", "spoiler", "antenna"),
    "coupe": ("stripes", "number", "spoiler", "stripes", "spoiler"),
    "suv": ("rails", "box", "rails", "surfboard", "spare"),
    "truck": ("crates", "tree", "bar", "drums", "bar", "bike"),
}
TOWN = (214, 160, 60)


def block(coach: Coach, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], colour: Colour) -> None:
    """A box: its end that faces the camera, its top, its near side."""
    (x0, x1), (y0, y1), (z0, z1) = x, y, z
    end = x1 if coach.front else x0
    coach.fill(
        [[end, y0, z0], [end, y1, z0], [end, y1, z1], [end, y0, z1]],
        lit(colour, coach.brightness((1 if coach.front else -1, 0, 0))),
    )
    coach.fill([[x0, y1, z0], [x1, y1, z0], [x1, y1, z1], [x0, y1, z1]], lit(colour, coach.brightness((0, 1, 0))))
    coach.fill([[x0, y0, z1], [x1, y0, z1], [x1, y1, z1], [x0, y1, z1]], lit(colour, coach.brightness((0, 0, 1)) * 0.9))


def carry(coach: Coach) -> None:
    """What stands in a truck's bed, behind its near wall."""
    b, extra = coach.body, coach.style.extra
    if not b.bed:
        return
    start, stop = b.bed
    rail, room = b.belt[0] - 0.06, stop - start
    if extra == "crates":
        for k, (share, high) in enumerate(((0.06, 0.22), (0.36, 0.40), (0.68, 0.16))):
            block(
                coach,
                (start + room * share, start + room * (share + 0.27)),
                (rail, rail + high),
                (-0.5, 0.45),
                [(168, 124, 74), (146, 104, 60), (184, 140, 88)][k],
            )
    elif extra == "drums":
        for k in range(3):
            x = start + room * (0.1 + 0.28 * k)
            block(
                coach, (x, x + 0.42), (rail, rail + 0.30), (-0.3, 0.3), [(40, 96, 160), (180, 60, 40), (60, 120, 70)][k]
            )
    elif extra == "tree":
        for k in range(6):
            x = start - 0.25 + room * 0.19 * k
            coach.fill(
                [[x, rail + 0.05, 0], [x + 0.55, rail + 0.34 - 0.02 * k, 0], [x + 0.5, rail - 0.05, 0.2]],
                (26, 84 + 6 * k, 46),
            )
    elif extra == "bike":
        for x in (start + 0.35, start + 1.25):
            coach.line(circle(x, rail + 0.22, 0.32, 0.1), (24, 25, 28), 0.04)
        coach.line(
            [
                [start + 0.35, rail + 0.22, 0.1],
                [start + 0.7, rail + 0.5, 0.1],
                [start + 1.1, rail + 0.55, 0.1],
                [start + 0.8, rail + 0.2, 0.1],
                [start + 0.7, rail + 0.5, 0.1],
            ],
            (210, 60, 50),
            0.045,
        )
        coach.line([[start + 1.25, rail + 0.22, 0.1], [start + 1.05, rail + 0.66, 0.1]], (210, 60, 50), 0.045)


def driver(coach: Coach, x0: float, x1: float) -> None:
    """A head and shoulders behind the front window."""
    b = coach.body
    x = x0 + (x1 - x0) * (0.36 if b.kind != "coupe" else 0.52)
    base = float(coach.belt(x)) + 0.03
    room = float(b.top(x)) - 0.10 - base
    skin = mix(coach.style.glass, [(214, 170, 140), (150, 104, 78), (236, 196, 168)][coach.style.rim % 3], 0.45)
    z = float(b.half(x, base + 0.1)) - 0.03
    coach.fill(
        [[x - 0.2, base, z], [x - 0.13, base + room * 0.3, z], [x + 0.1, base + room * 0.3, z], [x + 0.2, base, z]],
        mix(coach.style.glass, (30, 34, 48), 0.6),
    )
    coach.fill(circle(x, base + room * 0.55, min(0.105, room * 0.32), z, 18), skin)


def adorn(coach: Coach) -> None:
    """The chosen extra, where it is not cargo."""
    b = coach.body
    action = {
        "taxi": _taxi,
        "sign": _sign,
        "rails": _rails,
        "box": _roof_box,
        "surfboard": _surfboard,
        "bar": _bar,
        "spoiler": _spoiler,
        "stripes": _stripes,
        "number": _number,
        "antenna": _antenna,
        "spare": _spare,
    }
    if coach.style.extra in action:
        action[coach.style.extra](coach)
    if b.kind == "suv" and coach.style.extra in ("box", "surfboard"):
        _rails(coach)


def _roof(coach: Coach) -> tuple[float, float, float]:
    """x of the roof's rear and front edge, and its height."""
    b = coach.body
    return max(b.glass[1], 0.5) + 0.15, b.glass[2] - 0.1, b.height


def _rails(coach: Coach) -> None:
    b = coach.body
    x0, x1, _ = _roof(coach)
    xs = np.linspace(x0, x1, 10)
    lift = np.concatenate([[0.0], np.full(8, 0.05), [0.0]])
    coach.line(b.side(np.column_stack([xs, b.top(xs) + lift - 0.02])), coach.plain((40, 42, 46)), 0.035)


def _roof_box(coach: Coach) -> None:
    x0, x1, y = _roof(coach)
    block(coach, (x0 + 0.15, x1 - 0.1), (y + 0.03, y + 0.24), (-0.35, 0.35), (52, 55, 60))


def _surfboard(coach: Coach) -> None:
    x0, x1, y = _roof(coach)
    xs = np.linspace(x0 - 0.5, x1 + 0.35, 20)
    thick = 0.05 * np.sin(np.linspace(0.05, math.pi - 0.05, 20)) ** 0.5
    rise = 0.05 * np.linspace(-1, 1, 20) ** 4
    for z, colour in ((-0.15, (240, 230, 200)), (0.25, (236, 120, 90))):
        coach.fill(
            np.vstack(
                [
                    np.column_stack([xs, y + 0.09 + rise + thick, np.full(20, z)]),
                    np.column_stack([xs, y + 0.09 + rise - thick, np.full(20, z)])[::-1],
                ]
            ),
            coach.plain(colour),
        )


def _taxi(coach: Coach) -> None:
    x0, x1, y = _roof(coach)
    m = (x0 + x1) / 2
    block(coach, (m - 0.16, m + 0.16), (y, y + 0.13), (-0.3, 0.3), (250, 214, 60))
    b = coach.body
    low, high = b.belt[1] * 0.70, b.belt[1] * 0.76
    for k in range(18):  # a chequered band along the doors
        x = b.doors[0] + 0.05 + (b.doors[-1] - b.doors[0] - 0.1) * k / 18
        w = (b.doors[-1] - b.doors[0] - 0.1) / 36
        for row in (0, 1):
            s = x + w * row
            y0 = low + (high - low) / 2 * row
            coach.fill(
                b.side([(s, y0), (s + w, y0), (s + w, y0 + (high - low) / 2), (s, y0 + (high - low) / 2)]), (20, 20, 22)
            )


def _sign(coach: Coach) -> None:
    """A delivery sign on the roof and a disc on the door."""
    x0, x1, y = _roof(coach)
    m = (x0 + x1) / 2
    block(coach, (m - 0.35, m + 0.35), (y, y + 0.22), (-0.12, 0.12), (226, 62, 48))
    b = coach.body
    x = (b.doors[-2] + b.doors[-1]) / 2
    coach.fill(circle(x, b.belt[1] * 0.62, 0.2, float(b.half(x, 0.6)) + 0.004, 24), TOWN)


def _bar(coach: Coach) -> None:
    """A roll bar behind the cab with four lamps."""
    b = coach.body
    if not b.bed:
        return
    x, y = b.bed[1] - 0.12, b.height - 0.05
    tone = coach.plain((34, 36, 40))
    z = b.width / 2 - 0.14
    coach.line([[x - 0.35, b.belt[0], -z], [x, y, -z * 0.85], [x, y, z * 0.85], [x - 0.35, b.belt[0], z]], tone, 0.07)
    for k in range(4):
        coach.fill(circle(x + 0.02, y + 0.09, 0.075, -0.45 + 0.3 * k, 14), coach.plain((236, 230, 190)))


def _spoiler(coach: Coach) -> None:
    b = coach.body
    y = float(b.top(0.25))
    tone = lit(coach.paint, coach.brightness((0, 1, 0)) * 0.85)
    half = float(b.half(0.3, y)) * 0.92
    high = 0.16 if b.kind == "coupe" else 0.05
    for z in (-half * 0.7, half * 0.7):
        coach.line([[0.30, y - 0.02, z], [0.20, y + high, z]], (22, 23, 26), 0.05)
    coach.fill(
        [
            [0.02, y + high + 0.03, -half],
            [0.38, y + high, -half],
            [0.38, y + high, half],
            [0.02, y + high + 0.03, half],
        ],
        tone,
    )
    coach.fill(
        [
            [0.02, y + high + 0.03, half],
            [0.38, y + high, half],
            [0.34, y + high - 0.05, half],
            [0.06, y + high - 0.02, half],
        ],
        lit(coach.paint, 0.6),
    )


def _stripes(coach: Coach) -> None:
    """Two stripes over bonnet, roof and deck, and one along the sill."""
    b = coach.body
    colour = (236, 236, 232) if sum(coach.paint) < 420 else (28, 29, 33)
    line = b.outline[2:-2]
    for low, high in ((-0.30, -0.07), (0.07, 0.30)):
        for p, q in zip(line, line[1:], strict=False):
            step = q - p
            normal = (-float(step[1]), float(step[0]), 0.0)
            middle = (p + q) / 2
            if (
                step.any()
                and not coach.pane(*middle)
                and coach.camera.sees(normal, np.array([*middle, 0.0]))
                and q[1] > 0.55
            ):
                hp, hq = float(b.half(*p)), float(b.half(*q))
                coach.fill(
                    [[*p, hp * low], [*q, hq * low], [*q, hq * high], [*p, hp * high]],
                    lit(colour, coach.brightness(tuple(np.array(normal) / np.linalg.norm(step)))),
                )
    xs = np.linspace(b.wheels[0] + b.radius * 1.25, b.wheels[1] - b.radius * 1.25, 6)
    for y, thick in ((b.sill + 0.14, 0.06), (b.sill + 0.21, 0.02)):
        coach.line(b.side(np.column_stack([xs, np.full(6, y)])), coach.plain(colour), thick)


def _number(coach: Coach) -> None:
    """A white disc with a start number on the door."""
    b = coach.body
    x = b.doors[0] + (b.doors[-1] - b.doors[0]) * 0.52
    y = b.belt[1] * 0.62
    z = float(b.half(x, y)) + 0.004
    coach.fill(circle(x, y, 0.24, z, 30), coach.plain((240, 240, 236)))
    text = str(7 + 13 * coach.style.rim + coach.style.lamp)
    coach.draw.text(
        coach.camera([[x, y, z]])[0],
        text,
        fill=(20, 20, 24),
        anchor="mm",
        font=ImageFont.load_default(max(8, 0.30 * coach.px)),
    )


def _antenna(coach: Coach) -> None:
    b = coach.body
    x = _roof(coach)[0] + 0.1
    y = float(b.top(x))
    coach.line([[x, y - 0.01, 0], [x - 0.22, y + 0.14, 0]], (20, 21, 23), 0.03)


def _spare(coach: Coach) -> None:
    """A spare wheel on the tailgate, where the tail is in view; roof rails anyway."""
    _rails(coach)
    if not coach.rear:
        return
    b = coach.body
    angle = np.linspace(0, 2 * math.pi, 30)
    for size, colour in ((0.36, (24, 25, 28)), (0.20, (120, 124, 130)), (0.09, (60, 62, 66))):
        ring = coach.face(False, size / (b.width / 2) * np.cos(angle), b.belt[0] * 0.86 + size * np.sin(angle), 0.0)
        ring[:, 0] = float(b.end(b.belt[0] * 0.86, False)) - 0.18
        coach.fill(ring, coach.plain(colour, (-1, 0, 0)))
