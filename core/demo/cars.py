"""Four kinds of bodies, in metres: each a side view that the coach builder sweeps across the car's width."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from core.demo.shapes import rounded


@dataclass(frozen=True)
class Body:
    """One car's measures. x runs from the rear (0) to the nose (length), y up from the ground; metres."""

    kind: str  # "sedan", "coupe", "suv" or "truck"
    outline: np.ndarray  # (N, 2) from the rear bumper's foot over the roof to the front bumper's foot
    width: float
    sill: float  # height of the lower edge between the wheels
    belt: tuple[float, float]  # height of the windows' lower edge at the rear and at the front
    glass: tuple[float, float, float, float]  # x: foot of the rear window, its top, top of the windscreen, its foot
    wheels: tuple[float, float]  # x of the rear and the front axle
    radius: float
    windows: list[tuple[float, float]]  # x ranges of the side windows, front one last
    doors: list[float]  # x of the door gaps, rear to front
    cladding: bool = False  # dark plastic round the wheel arches and along the sill
    bed: tuple[float, float] | None = None  # x range of a truck's open bed
    slope: float = 0.55  # lean of the rearmost window's edge, metres of x per metre of y
    length: float = field(init=False)
    height: float = field(init=False)
    half_tail: float = 0.13  # share of the width lost at the very ends (corners rounded as seen from above)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", float(self.outline[:, 0].max()))
        object.__setattr__(self, "height", float(self.outline[:, 1].max()))
        top = int(self.outline[:, 1].argmax())
        for name, part in (("_rear", self.outline[:top]), ("_front", self.outline[top:][::-1])):
            rising = np.maximum.accumulate(part[:, 1])
            object.__setattr__(self, name, (rising + np.arange(len(rising)) * 1e-9, part[:, 0]))

    def half(self, x: np.ndarray | float, y: np.ndarray | float) -> np.ndarray:
        """Half the width at a point of the side view: narrower towards the roof, the sill and both ends."""
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        belt = sum(self.belt) / 2
        above = np.clip((y - belt) / (self.height - belt), 0, 1)
        below = np.clip((belt * 0.75 - y) / belt, 0, 1)
        end = np.clip(1 - np.minimum(x, self.length - x) / 0.7, 0, 1)
        return self.width / 2 * (1 - 0.2 * above) * (1 - 0.12 * below**2) * (1 - self.half_tail * end**2)

    def side(self, points: np.ndarray | list, near: bool = True, out: float = 0.0) -> np.ndarray:
        """Points (x, y) of the side view on the body's own surface, (N, 3); `out` metres proud of it."""
        p = np.asarray(points, dtype=float)
        z = self.half(p[:, 0], p[:, 1]) + out
        return np.column_stack([p, z if near else -z])

    def top(self, x: np.ndarray | float) -> np.ndarray | np.float64:
        """Height of the outline over x."""
        order = self.outline[:, 0].argsort(kind="stable")
        return np.interp(x, self.outline[order, 0], self.outline[order, 1])

    def end(self, y: np.ndarray | float, front: bool) -> np.ndarray:
        """x of the nose (or the tail) at a height."""
        heights, places = self._front if front else self._rear  # type: ignore[attr-defined]
        return np.interp(y, heights, places)


def body(kind: str, rng: random.Random) -> Body:
    """A car of the kind, with proportions of its own."""
    return BODIES[kind](rng)


def _stretch(corners: list[tuple[float, float, float]], long: float, high: float) -> np.ndarray:
    return rounded([(x * long, y * high, r) for x, y, r in corners])


def _sedan(rng: random.Random) -> Body:
    u, tail, nose = rng.uniform, rng.uniform(-0.03, 0.04), rng.uniform(-0.05, 0.05)
    deck, roof = u(0.72, 0.98), u(-0.06, 0.10)
    long, high = u(0.97, 1.04), u(0.98, 1.04)
    outline = _stretch(
        [
            (0.16, 0.24, 0),
            (0.03, 0.27, 0.06),
            (0.00, 0.52, 0.1),
            (0.04, 0.78, 0.1),
            (0.05, 1.00 + tail, 0.07),
            (0.30, 1.04 + tail, 0.12),
            (deck, 1.06 + tail / 2, 0.12),
            (1.36 + roof, 1.44, 0.30),
            (1.95 + roof, 1.50, 0.6),
            (2.74, 1.45, 0.34),
            (3.44, 1.02, 0.14),
            (4.34, 0.92 + nose, 0.3),
            (4.68, 0.78 + nose, 0.14),
            (4.74, 0.50, 0.12),
            (4.72, 0.26, 0.06),
            (4.58, 0.22, 0),
        ],
        long,
        high,
    )
    pillar = u(2.04, 2.14)
    return Body(
        "sedan",
        outline,
        1.82,
        0.24,
        (1.00 * high + tail / 2, 0.96 * high),
        (deck * long, (1.36 + roof) * long, 2.74 * long, 3.44 * long),
        (0.96 * long, 3.78 * long),
        u(0.30, 0.33),
        [(1.00 * long, 1.24 * long), (1.27 * long, (pillar - 0.05) * long), ((pillar + 0.03) * long, 3.28 * long)],
        [1.14 * long, pillar * long, 3.18 * long],
        slope=u(0.3, 0.6),
    )


def _coupe(rng: random.Random) -> Body:
    u = rng.uniform
    long, high, fast = u(0.97, 1.05), u(0.93, 1.0), u(0.0, 1.0)  # fast: from a notch to a fastback
    tail, hood = u(-0.02, 0.06), u(-0.02, 0.05)
    foot = 0.80 - 0.46 * fast
    outline = _stretch(
        [
            (0.18, 0.18, 0),
            (0.04, 0.21, 0.06),
            (0.00, 0.46, 0.1),
            (0.10, 0.68, 0.12),
            (0.03, 0.84 + tail, 0.05),
            (0.24, 0.86 + tail, 0.14),
            (foot, 0.89 + tail / 2, 0.3),
            (1.34 - 0.1 * fast, 1.16, 0.5),
            (1.70, 1.21, 0.45),
            (2.02, 1.18, 0.34),
            (2.74, 0.88 + hood, 0.2),
            (3.80, 0.79 + hood, 0.5),
            (4.24, 0.58, 0.22),
            (4.34, 0.40, 0.1),
            (4.32, 0.18, 0.06),
            (4.16, 0.15, 0),
        ],
        long,
        high,
    )
    return Body(
        "coupe",
        outline,
        1.88,
        0.18,
        (0.86 * high, 0.79 * high),
        (foot * long, (1.3 - 0.1 * fast) * long, 2.02 * long, 2.74 * long),
        (0.84 * long, 3.44 * long),
        u(0.315, 0.345),
        [(0.88 * long, 1.24 * long), (1.28 * long, 2.54 * long)],
        [1.26 * long, 2.52 * long],
        slope=u(0.9, 1.5),
        half_tail=0.2,
    )


def _suv(rng: random.Random) -> Body:
    u, boxy = rng.uniform, rng.random()  # boxy: from a soft crossover to an upright four-wheel drive
    long, high, nose = u(0.92, 1.0), u(1.0, 1.09), u(-0.04, 0.05)
    lean, rear = 0.42 - 0.30 * boxy, 0.30 - 0.16 * boxy
    outline = _stretch(
        [
            (0.16, 0.36, 0),
            (0.03, 0.38, 0.06),
            (0.00, 0.66, 0.1),
            (0.04, 0.98, 0.1),
            (0.10, 1.14, 0.1),
            (0.10 + lean, 1.68, 0.16),
            (0.9, 1.78, 0.5),
            (1.8, 1.80, 0.7),
            (2.72 + 0.12 * boxy, 1.73, 0.32),
            (3.42, 1.20 + 0.02 * boxy, 0.14),
            (4.28, 1.08 + nose, 0.24),
            (4.52, 0.94 + nose, 0.14),
            (4.60, 0.62, 0.1),
            (4.57, 0.38, 0.06),
            (4.42, 0.34, 0),
        ],
        long,
        high,
    )
    pillar = u(1.98, 2.10)
    return Body(
        "suv",
        outline,
        1.94,
        0.36,
        (1.14 * high, 1.10 * high),
        (0.10 * long, (0.12 + lean) * long, (2.74 + 0.12 * boxy) * long, 3.42 * long),
        (0.92 * long, 3.66 * long),
        u(0.36, 0.395),
        [
            ((rear + 0.12) * long, 0.98 * long),
            (1.05 * long, (pillar - 0.05) * long),
            ((pillar + 0.04) * long, 3.24 * long),
        ],
        [1.06 * long, pillar * long, 3.14 * long],
        cladding=rng.random() < 0.75,
        slope=0.62 - 0.5 * boxy,
        half_tail=0.1,
    )


def _truck(rng: random.Random) -> Body:
    u, crew = rng.uniform, rng.random() < 0.55  # crew: four doors and a short bed
    long, high, nose = u(0.95, 1.03), u(0.97, 1.06), u(-0.03, 0.05)
    back = 1.88 if crew else 2.42
    outline = _stretch(
        [
            (0.14, 0.46, 0),
            (0.02, 0.48, 0.05),
            (0.00, 0.66, 0.04),
            (0.05, 0.72, 0.04),
            (0.05, 1.14, 0.04),
            (0.5, 1.155, 0.1),
            (back - 0.04, 1.165, 0.01),
            (back + 0.04, 1.30, 0.05),
            (back + 0.12, 1.86, 0.10),
            (back + 0.7, 1.94, 0.3),
            (3.35, 1.90, 0.24),
            (3.93, 1.27, 0.12),
            (5.02, 1.20 + nose, 0.16),
            (5.20, 1.10 + nose, 0.1),
            (5.24, 0.72, 0.08),
            (5.22, 0.46, 0.06),
            (5.06, 0.42, 0),
        ],
        long,
        high,
    )
    pillar = 2.66
    side = [((back + 0.14) * long, (pillar - 0.05) * long)] if crew else []
    return Body(
        "truck",
        outline,
        1.98,
        0.44,
        (1.20 * high, 1.16 * high),
        ((back + 0.03) * long, (back + 0.12) * long, 3.35 * long, 3.93 * long),
        (1.12 * long, 4.28 * long),
        u(0.38, 0.42),
        [*side, ((pillar + 0.04 if crew else back + 0.16) * long, 3.76 * long)],
        [(back + 0.06) * long, *([pillar * long] if crew else []), 3.62 * long],
        cladding=rng.random() < 0.5,
        bed=(0.1 * long, (back - 0.06) * long),
        slope=0.06,
        half_tail=0.06,
    )


BODIES: dict[str, Callable[[random.Random], Body]] = {"sedan": _sedan, "coupe": _coupe, "suv": _suv, "truck": _truck}
