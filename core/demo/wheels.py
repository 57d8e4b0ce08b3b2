"""Wheels, and the plastic round them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from core.demo.shapes import Colour, circle, mix

if TYPE_CHECKING:
    from core.demo.coach import Coach


def wheel(coach: Coach, x: float, near: bool) -> None:
    """A tyre with its depth, and on the near side the rim."""
    b, r = coach.body, coach.body.radius
    z = b.width / 2 - 0.06 if near else -b.width / 2 + 0.28
    coach.fill(circle(x, r, r, z - 0.2), (7, 8, 10))
    coach.fill(
        np.vstack([circle(x, r, r, z - 0.2, 22, 0, math.pi), circle(x, r, r, z, 22, math.pi, 2 * math.pi)]), (9, 10, 12)
    )
    coach.fill(circle(x, r, r, z), coach.plain((30, 31, 34)) if near else (14, 15, 17))
    if not near:
        return
    size = r * (0.60 if b.kind == "truck" else 0.70)
    metal = coach.plain(
        [(200, 204, 208), (150, 155, 162), (48, 50, 54), (210, 212, 214), (172, 176, 182), (90, 94, 100)][
            coach.style.rim
        ]
    )
    coach.fill(circle(x, r, r * 0.93, z + 0.01), coach.plain((24, 25, 28)))
    coach.fill(circle(x, r, size, z), (18, 19, 22))
    spokes(coach, x, r, size, z, metal)


def spokes(coach: Coach, x: float, r: float, size: float, z: float, metal: Colour) -> None:
    """One of six rims: five spokes, ten thin ones, a mesh, a steel disc, six blocks, twin spokes."""
    kind = coach.style.rim
    coach.line(circle(x, r, size * 0.96, z), metal, 0.022)
    if kind == 3:
        coach.fill(circle(x, r, size * 0.86, z), mix(metal, (0, 0, 0), 0.12))
        coach.fill(circle(x, r, size * 0.55, z), metal)
        for k in range(8):
            a = 2 * math.pi * k / 8
            coach.fill(
                circle(x + size * 0.7 * math.cos(a), r + size * 0.7 * math.sin(a), size * 0.09, z, 10), (20, 21, 24)
            )
    else:
        count, thick = ((5, 0.30), (10, 0.12), (16, 0.09), (0, 0), (6, 0.24), (10, 0.16))[kind]
        for k in range(count):
            a = 2 * math.pi * k / count + 0.3
            if kind == 5:  # in pairs
                a = 2 * math.pi * (k // 2) / 5 + (0.16 if k % 2 else -0.16)
            c, s = math.cos(a), math.sin(a)
            root, tip = size * thick * 0.62, size * thick * 0.42
            coach.fill(
                [
                    [x - s * root, r + c * root, z],
                    [x + s * root, r - c * root, z],
                    [x + c * size * 0.95 + s * tip, r + s * size * 0.95 - c * tip, z],
                    [x + c * size * 0.95 - s * tip, r + s * size * 0.95 + c * tip, z],
                ],
                metal,
            )
    coach.fill(circle(x, r, size * 0.24, z, 18), mix(metal, (0, 0, 0), 0.25))
    coach.fill(circle(x, r, size * 0.13, z, 14), mix(metal, (255, 255, 255), 0.3))


def cladding(coach: Coach) -> None:
    """Dark plastic along the sill and round the arches."""
    b = coach.body
    tone = coach.plain((44, 46, 49))
    for x in b.wheels:
        a0, a1 = 0.06 * math.pi, 0.94 * math.pi
        z = float(b.half(x, b.radius)) + 0.005
        coach.fill(
            np.vstack(
                [
                    circle(x, b.radius, b.radius * 1.34, z, 24, a0, a1),
                    circle(x, b.radius, b.radius * 1.15, z, 24, a0, a1)[::-1],
                ]
            ),
            tone,
        )
    xs = np.linspace(b.wheels[0] + b.radius * 1.2, b.wheels[1] - b.radius * 1.2, 6)
    coach.fill(
        np.vstack(
            [
                b.side(np.column_stack([xs, np.full(6, b.sill + 0.12)]), out=0.006),
                b.side(np.column_stack([xs, np.full(6, b.sill)]), out=0.006)[::-1],
            ]
        ),
        tone,
    )
