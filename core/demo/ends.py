"""The nose and the tail of a car, and its lamps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.demo.shapes import glow, lit

if TYPE_CHECKING:
    from core.demo.coach import Coach


def ends(coach: Coach) -> None:
    if coach.front:
        _nose(coach)
    if coach.rear:
        _tail(coach)


def _nose(coach: Coach) -> None:
    b, s = coach.body, coach.style
    top, low = b.belt[1] * 0.80, b.sill
    if b.kind == "coupe":
        top = b.belt[1] * 0.74
    dark, metal = coach.plain((20, 21, 24), (1, 0, 0)), coach.plain((196, 200, 206), (1, 0, 0))
    coach.patch(True, -0.95, 0.95, low, low + 0.14, coach.plain((30, 31, 34), (1, 0, 0)))
    tall = {"truck": 0.40, "suv": 0.30, "sedan": 0.20, "coupe": 0.12}[b.kind]
    wide = {"truck": 0.62, "suv": 0.55, "sedan": 0.48, "coupe": 0.42}[b.kind]
    if s.grille == 3 and b.kind != "truck":  # electric: a closed nose with a bar of light
        coach.patch(True, -0.8, 0.8, top - 0.07, top - 0.04, (235, 240, 246))
    else:
        rim = metal if s.chrome else dark
        coach.patch(True, -wide - 0.03, wide + 0.03, top - tall - 0.03, top + 0.02, rim, cut=0.10)
        coach.patch(True, -wide, wide, top - tall, top, dark, cut=0.10)
        for k in range(1, 5):
            y = top - tall * k / 5
            if s.grille == 0:
                coach.line(coach.face(True, [-wide + 0.05, 0, wide - 0.05], [y] * 3, 0.015), metal, 0.018)
            elif s.grille == 1:
                u = -wide + 2 * wide * k / 5
                coach.line(coach.face(True, [u, u * 0.92], [top, top - tall], 0.015), metal, 0.02)
    coach.patch(True, -0.5, 0.5, low + 0.05, low + 0.17, dark, cut=0.05)
    coach.patch(True, -0.22, 0.22, low + 0.20, low + 0.31, (232, 232, 226))
    for sign in (-1, 1):
        _headlamp(coach, sign, top)


def _headlamp(coach: Coach, sign: int, top: float) -> None:
    high = {"truck": 0.24, "suv": 0.17, "sedan": 0.14, "coupe": 0.10}[coach.body.kind]
    on = coach.light.lamps
    shell = (255, 250, 226) if on else coach.plain((206, 214, 222), (1, 0, 0))
    inner, outer = 0.58, 0.97
    if coach.style.lamp == 0:  # round
        angle = np.linspace(0, 2 * np.pi, 20)
        u, y = sign * (0.76 + 0.15 * np.cos(angle)), top - high / 2 + 0.1 * np.sin(angle)
        coach.fill(coach.face(True, u, y, 0.02), (30, 31, 34))
        coach.fill(
            coach.face(True, sign * 0.76 + (u - sign * 0.76) * 0.8, top - high / 2 + (y - top + high / 2) * 0.8, 0.02),
            shell,
        )
        return
    tilt = (0.0, 0.05, -0.03)[coach.style.lamp - 1]
    u = [sign * inner, sign * outer, sign * outer, sign * (inner + 0.06)]
    y = [top - tilt, top + 0.03, top - high + 0.02, top - high * 0.9 - tilt]
    coach.fill(coach.face(True, u, y, 0.02), (28, 29, 32))
    y = [top - tilt - 0.02, top + 0.01, top - high + 0.04, top - high * 0.9 - tilt + 0.02]
    coach.fill(coach.face(True, [v * 0.99 for v in u], y, 0.02), shell)


def _tail(coach: Coach) -> None:
    b = coach.body
    top, low = b.belt[0] * (0.93 if b.kind != "truck" else 0.86), b.sill
    red = (255, 60, 44) if coach.light.lamps else coach.plain((176, 22, 26), (-1, 0, 0))
    dark = coach.plain((26, 27, 30), (-1, 0, 0))
    coach.patch(False, -0.95, 0.95, low, low + 0.16, dark)
    if b.kind == "truck":
        coach.patch(False, -0.97, 0.97, low + 0.02, low + 0.2, coach.plain((186, 190, 196), (-1, 0, 0)))
        for u0, u1 in ((-0.98, -0.84), (0.84, 0.98)):
            coach.patch(False, u0, u1, top - 0.36, top + 0.08, red)
        coach.line(
            coach.face(False, [-0.8, -0.8, 0.8, 0.8], [low + 0.26, top + 0.1, top + 0.1, low + 0.26], 0.01),
            lit(coach.paint, 0.45),
            0.02,
        )
        coach.patch(False, -0.12, 0.12, top - 0.06, top + 0.02, dark)
    else:
        high = {"suv": 0.26, "sedan": 0.16, "coupe": 0.10}[b.kind]
        if coach.style.lamp in (1, 3):
            coach.patch(False, -0.6, 0.6, top - 0.07, top - 0.03, red)
        for u0, u1 in ((-0.98, -0.58), (0.58, 0.98)):
            coach.patch(False, u0, u1, top - high, top, red, cut=0.03)
        coach.line(coach.face(False, [-0.95, 0, 0.95], [low + 0.34] * 3, 0.01), lit(coach.paint, 0.5), 0.016)
    coach.patch(
        False,
        -0.24,
        0.24,
        low + 0.4 if b.kind != "truck" else low + 0.06,
        low + 0.52 if b.kind != "truck" else low + 0.17,
        (232, 232, 226),
    )
    if b.kind in ("sedan", "coupe"):
        for u in (-0.62, 0.62):
            coach.patch(False, u - 0.09, u + 0.09, low + 0.02, low + 0.08, coach.plain((170, 172, 176), (-1, 0, 0)))


def lamps(coach: Coach) -> None:
    """The parts of the lamps that wrap round to the near side, and an indicator."""
    b = coach.body
    top = b.belt[1] * (0.74 if b.kind == "coupe" else 0.80)
    high = {"truck": 0.24, "suv": 0.17, "sedan": 0.14, "coupe": 0.10}[b.kind]
    x = float(b.end(top - high / 2, True))
    reach = {"truck": 0.16, "suv": 0.30, "sedan": 0.34, "coupe": 0.36}[b.kind]
    shell = (255, 248, 220) if coach.light.lamps else coach.plain((208, 216, 224))
    lamp = [
        (x - 0.01, top - high * 0.2),
        (x - reach, top + 0.02),
        (x - reach * 0.8, top - high * 0.6),
        (x - 0.01, top - high),
    ]
    coach.fill(b.side(lamp, out=0.004), (24, 25, 28))
    inner = np.array(lamp)
    inner = inner.mean(axis=0) + (inner - inner.mean(axis=0)) * 0.8
    coach.fill(b.side(inner, out=0.005), shell)
    red = (255, 56, 40) if coach.light.lamps else coach.plain((170, 20, 26))
    top = b.belt[0] * (0.93 if b.kind != "truck" else 0.92)
    high = {"truck": 0.40, "suv": 0.28, "sedan": 0.16, "coupe": 0.11}[b.kind]
    x = float(b.end(top - high / 2, False))
    reach = {"truck": 0.10, "suv": 0.22, "sedan": 0.34, "coupe": 0.30}[b.kind]
    coach.fill(
        b.side(
            [(x + 0.0, top), (x + reach, top - 0.02), (x + reach * 0.6, top - high), (x + 0.0, top - high)], out=0.004
        ),
        red,
    )


def beams(coach: Coach) -> None:
    """Lamps that are on: a glow in the air and a pool of light on the ground."""
    b = coach.body
    top = b.belt[1] * 0.72
    lamps = [coach.camera(coach.face(True, [u], [top], 0.03))[0] for u in ((-0.75, 0.8) if coach.front else (0.95,))]
    for x, y in lamps:
        glow(coach.canvas, x, y, 0.55 * coach.px, (255, 244, 214), 0.75)
    ahead = coach.camera([[b.length + 1.3, 0.0, 0.3]])[0]
    glow(coach.canvas, ahead[0], ahead[1], 1.7 * coach.px, (255, 238, 190), 0.40, 0.28)
    for u in (-0.8, 0.9) if coach.rear else (0.95,):
        x, y = coach.camera(coach.face(False, [u], [b.belt[0] * 0.85], 0.02))[0]
        glow(coach.canvas, x, y, 0.35 * coach.px, (255, 50, 40), 0.6)
