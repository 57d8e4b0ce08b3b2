"""What a car has on its near side: windows, door gaps, handles, bumpers, a mirror."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.demo import extras, wheels
from core.demo.shapes import circle, lit, mix

if TYPE_CHECKING:
    from core.demo.coach import Coach


def _outline(coach: Coach, x0: float, x1: float, rearmost: bool) -> np.ndarray:
    """One side window as (N, 2): belt below, the roof line less a frame above, leaning rear edge."""
    b = coach.body
    xs = np.linspace(x0, x1, 22)
    frame, reach = 0.075, 0.10
    roof = np.minimum(b.top(xs - (reach if rearmost else 0.02)), b.top(xs + reach)) - frame
    low = coach.belt(xs) + 0.035
    if rearmost:
        roof = np.minimum(roof, low + (xs - x0) / max(b.slope, 0.02))
    keep = roof > low + 0.005
    xs, roof, low = xs[keep], roof[keep], low[keep]
    if len(xs) < 2:
        return np.zeros((0, 2))
    return np.vstack([np.column_stack([xs, roof]), np.column_stack([xs, low])[::-1]])


def glass(coach: Coach) -> None:
    b, s = coach.body, coach.style
    shine = coach.brightness((0, 0.3, 1))
    if len(b.windows) > 1 and b.kind != "truck":  # one dark band holds them together
        whole = _outline(coach, b.windows[0][0] - 0.03, b.windows[-1][1] + 0.05, True)
        coach.fill(b.side(whole), coach.plain((186, 190, 194)) if s.chrome else (18, 19, 21))
    for k, (x0, x1) in enumerate(b.windows):
        pane = _outline(coach, x0, x1, k == 0)
        if not len(pane):
            continue
        coach.fill(b.side(pane, out=0.005), lit(s.glass, 0.55 + 0.5 * shine))
        if s.people and k == len(b.windows) - 1:
            extras.driver(coach, x0, x1)
        _reflection(coach, pane)


def _reflection(coach: Coach, pane: np.ndarray) -> None:
    """The sky in the upper half of a window, and a slanted glint."""
    b, half = coach.body, len(pane) // 2
    upper, lower = pane[:half], pane[half:][::-1]
    cut = upper + (lower - upper) * 0.45
    coach.fill(b.side(np.vstack([upper, cut[::-1]]), out=0.006), coach.light.sky, 52)
    a, z = half // 4, half // 4 + max(2, half // 6)
    shift = min(half - 1 - z, half // 5)
    glint = np.array([upper[a + shift], upper[z + shift], lower[z], lower[a]])
    coach.fill(b.side(glint, out=0.007), (255, 255, 255), 34)


def lines(coach: Coach) -> None:
    """Door gaps, handles, the crease, cladding and what holds the paint together."""
    b, s = coach.body, coach.style
    gap = lit(coach.paint, 0.34)
    floor = b.sill + 0.07
    for k, x in enumerate(b.doors):
        top = float(coach.belt(x)) + 0.03
        bend = 0.10 if k == len(b.doors) - 1 else 0.0
        path = [(x, top), (x + bend * 0.2, top * 0.7), (x + bend * 0.1, floor + 0.1), (x - 0.04, floor)]
        if k == 0 and b.kind != "truck":  # the rear door's edge follows the wheel arch
            path = [(x, top), (x + 0.02, top * 0.78), (x + 0.16, top * 0.55), (x + 0.26, floor)]
        coach.line(b.side(path), gap, 0.014)
    first = b.doors[0] + (0.22 if b.kind != "truck" else 0)
    coach.line(b.side([(x, floor) for x in np.linspace(first, b.doors[-1], 6)]), gap, 0.014)
    y = b.belt[1] * s.crease
    xs = np.linspace(0.35, b.length - 0.3, 14)
    swell = y + 0.02 * np.sin(np.linspace(0, np.pi, 14))
    coach.line(b.side(np.column_stack([xs, swell])), lit(coach.paint, 0.5), 0.012, 120)
    coach.line(b.side(np.column_stack([xs, swell + 0.018])), mix(coach.paint, (255, 255, 255), 0.5), 0.010, 110)
    coach.line(
        b.side(np.column_stack([xs, np.interp(xs, [0, b.length], [b.belt[0], b.belt[1]]) - 0.05])),
        (255, 255, 255),
        0.02,
        60,
    )
    for door, x in enumerate(b.doors[:-1]):
        _handle(coach, x + (0.10 if b.kind != "coupe" else 0.1), b.belt[1] * (0.86 if door else 0.87))
    if b.cladding:
        wheels.cladding(coach)
    _bumpers(coach)


def _handle(coach: Coach, x: float, y: float) -> None:
    metal = coach.plain((190, 194, 198)) if coach.style.chrome else lit(coach.paint, 0.6)
    coach.line(coach.body.side([(x, y), (x + 0.17, y + 0.005)], out=0.01), (10, 10, 12), 0.04, 150)
    coach.line(coach.body.side([(x, y + 0.01), (x + 0.17, y + 0.015)], out=0.01), metal, 0.024)


def _bumpers(coach: Coach) -> None:
    """The lower corners, front and rear, as seen from the side."""
    b = coach.body
    tone = coach.plain((188, 192, 198)) if b.kind == "truck" else lit(coach.paint, 0.55)
    for front in (False, True):
        y0, y1 = b.sill + 0.06, b.sill + 0.30
        x0 = float(b.end(y1, front))
        stop = b.wheels[1] + b.radius * 1.2 if front else b.wheels[0] - b.radius * 1.2
        if b.kind == "truck":
            y1 = b.sill + 0.24
            xs = np.linspace(x0, x0 + (stop - x0) * 0.45, 5)
            band = np.vstack(
                [np.column_stack([xs, np.full(5, y1)]), np.column_stack([xs, np.full(5, y0 - 0.03)])[::-1]]
            )
            coach.fill(b.side(band), tone)
        else:
            xs = np.linspace(x0, stop, 6)
            coach.line(b.side(np.column_stack([xs, np.linspace(y1 + 0.02, y1, 6)])), tone, 0.012)


def mirror(coach: Coach) -> None:
    b = coach.body
    x, y = b.windows[-1][1] - 0.10, float(coach.belt(b.windows[-1][1])) + 0.10
    z = float(b.half(x, y)) + 0.10
    shape = circle(0, 0, 1, z, 18)
    shape[:, 0] = x + 0.12 * shape[:, 0]
    shape[:, 1] = y + 0.075 * shape[:, 1]
    coach.line([[x + 0.02, y - 0.08, z - 0.1], [x, y - 0.03, z]], (16, 17, 19), 0.05)
    coach.fill(shape, lit(coach.paint, 0.45))
    shape[:, 1] += 0.012
    coach.fill(shape, lit(coach.paint, coach.brightness((0.1, 0.5, 1))))
