"""Paints a body on a canvas: far things first, then what sweeps across the car, then its near side."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from core.demo import ends, extras, sides, wheels
from core.demo.cars import Body
from core.demo.shapes import Camera, Colour, circle, lit, mix, shade

PAINTS: dict[str, Colour] = {
    "red": (190, 30, 34),
    "crimson": (132, 18, 40),
    "orange": (226, 104, 28),
    "yellow": (238, 190, 36),
    "lime": (140, 178, 40),
    "green": (34, 104, 66),
    "teal": (20, 122, 128),
    "sky blue": (92, 156, 206),
    "blue": (30, 76, 168),
    "navy": (28, 40, 82),
    "purple": (92, 50, 130),
    "pink": (222, 122, 150),
    "white": (228, 230, 232),
    "silver": (168, 174, 180),
    "grey": (98, 104, 110),
    "black": (34, 36, 42),
    "brown": (100, 66, 44),
    "cream": (224, 208, 172),
    "mint": (150, 204, 180),
    "copper": (168, 92, 58),
}


@dataclass(frozen=True)
class Light:
    """How the place is lit. `key` points to the light, as the viewer stands (x right, y up, z to the viewer)."""

    key: tuple[float, float, float]
    strength: float  # of the key light, 0..1
    ambient: float  # of all the rest, 0..1
    sky: Colour  # what upward surfaces mirror
    ground: Colour  # what downward surfaces mirror
    lamps: bool = False  # the car's own lights are on
    gloss: float = 0.0  # how much of the car a wet or polished floor mirrors, 0..1


@dataclass(frozen=True)
class Style:
    """What the owner chose."""

    colour: str
    second: Colour | None  # lower half of a two-tone paint
    crease: float  # height of the line along the doors, share of the belt
    grille: int
    lamp: int
    rim: int
    chrome: bool
    glass: Colour
    extra: str  # a word of extras.EXTRAS, or ""
    people: bool


def style(kind: str, rng: random.Random) -> Style:
    """A choice that suits the kind of car."""
    colour = rng.choice(list(PAINTS))
    two_tone = {"truck": 0.28, "suv": 0.16}.get(kind, 0.0)
    second = PAINTS[rng.choice(["white", "cream", "black", "silver", "grey"])] if rng.random() < two_tone else None
    extra = rng.choice(extras.EXTRAS[kind]) if rng.random() < 0.5 else ""
    glass = rng.choice([(34, 46, 58), (26, 34, 40), (48, 62, 72), (40, 50, 48)])
    return Style(
        colour,
        second,
        rng.uniform(0.62, 0.76),
        rng.randrange(4),
        rng.randrange(4),
        rng.randrange(6),
        rng.random() < 0.35,
        glass,
        extra,
        rng.random() < 0.4,
    )


class Coach:
    """The painter of one car on one canvas."""

    def __init__(self, canvas: Image.Image, body: Body, camera: Camera, choice: Style, light: Light) -> None:
        self.canvas, self.body, self.camera, self.style, self.light = canvas, body, camera, choice, light
        self.draw = ImageDraw.Draw(canvas, "RGBA")
        self.paint = PAINTS[choice.colour]
        self.px = camera.metre()
        self.front = camera.sees((1, 0, 0), np.array([body.length, 0.7, 0]))
        self.rear = camera.sees((-1, 0, 0), np.array([0.0, 0.7, 0]))

    # -- small tools -----------------------------------------------------------------------------------------------

    def fill(self, points: np.ndarray | list, colour: Colour, alpha: int = 255) -> None:
        self.draw.polygon(self.camera(points), fill=(*colour, alpha))

    def line(self, points: np.ndarray | list, colour: Colour, width: float, alpha: int = 255) -> None:
        """A line of `width` metres."""
        self.draw.line(self.camera(points), fill=(*colour, alpha), width=max(1, round(width * self.px)), joint="curve")

    def brightness(self, normal: tuple[float, float, float]) -> float:
        """Light on a surface with this outward normal, 0..about 1.3."""
        n = self.camera.turn(np.array(normal) + [self.body.length / 2, 0, 0])
        key = np.array(self.light.key) / np.linalg.norm(self.light.key)
        return self.light.ambient + self.light.strength * max(0.0, float(n @ key))

    def plain(self, colour: Colour, facing: tuple[float, float, float] = (0, 0, 1)) -> Colour:
        """The colour of a dull part in this light."""
        return lit(colour, min(1.15, self.brightness(facing)))

    def face(
        self, front: bool, u: list[float] | np.ndarray, y: list[float] | np.ndarray, out: float = 0.0
    ) -> np.ndarray:
        """Points on the nose or the tail: u from -1 (far side) to 1 (near side), y metres up."""
        u, y = np.asarray(u, dtype=float), np.asarray(y, dtype=float)
        x = self.body.end(y, front) + (out if front else -out)
        bow = 0.06 * (1 - u**2)  # the middle stands a little proud
        return np.column_stack([x + (bow if front else -bow), y, u * self.body.half(x, y)])

    def patch(
        self,
        front: bool,
        u0: float,
        u1: float,
        y0: float,
        y1: float,
        colour: Colour,
        alpha: int = 255,
        cut: float = 0.0,
    ) -> None:
        """A four-cornered patch on the nose or the tail, its lower edge shorter by `cut` on both sides."""
        self.fill(self.face(front, [u0, u1, u1 - cut, u0 + cut], [y1, y1, y0, y0], 0.01), colour, alpha)

    # -- the whole -------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """The car with its shadow, in painter's order."""
        self.shadow()
        for place in self.body.wheels:
            wheels.wheel(self, place, near=False)
        self.underside()
        self.sweep()
        extras.carry(self)
        ends.ends(self)
        self.flank()
        sides.glass(self)
        sides.lines(self)
        for place in self.body.wheels:
            wheels.wheel(self, place, near=True)
        ends.lamps(self)
        sides.mirror(self)
        extras.adorn(self)
        if self.light.lamps:
            ends.beams(self)

    def shadow(self) -> None:
        b, c = self.body, self.camera
        foot = [
            [-0.15, 0, b.width / 2 + 0.12],
            [b.length + 0.15, 0, b.width / 2 + 0.12],
            [b.length + 0.1, 0, -b.width / 2 - 0.1],
            [-0.1, 0, -b.width / 2 - 0.1],
        ]
        core = [
            [0.25, 0, b.width / 2 - 0.05],
            [b.length - 0.25, 0, b.width / 2 - 0.05],
            [b.length - 0.3, 0, -b.width / 2],
            [0.3, 0, -b.width / 2],
        ]
        lean = -self.light.key[0] * 0.5
        cast = [(x + lean * self.px * (0.3 + 0.4 * (k > 1)), y) for k, (x, y) in enumerate(c(foot))]
        dark = mix(self.light.ground, (0, 0, 4), 0.9)
        shade(self.canvas, cast, 0.22 * self.px, dark, 0.55)
        shade(self.canvas, c(core), 0.08 * self.px, dark, 0.8)

    def underside(self) -> None:
        b = self.body
        xs = np.linspace(0.2, b.length - 0.2, 12)
        low = np.full(12, b.sill + 0.03)
        self.fill(
            np.vstack([b.side(np.column_stack([xs, low])), b.side(np.column_stack([xs, low]), False)[::-1]]), (8, 9, 12)
        )

    def sweep(self) -> None:
        """All that spans the car from side to side: tail, deck, rear window, roof, windscreen, bonnet, nose."""
        b, line = self.body, self.body.outline
        middle = (line[1:] + line[:-1]) / 2
        step = line[1:] - line[:-1]
        length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)
        normals = np.column_stack([-step[:, 1] / length, step[:, 0] / length])
        near, far = b.side(line), b.side(line, near=False)
        for k in np.argsort(-np.abs(middle[:, 0] - b.length / 2)):
            normal = (float(normals[k, 0]), float(normals[k, 1]), 0.0)
            if not self.camera.sees(normal, np.array([*middle[k], 0.0])):
                continue
            quad = np.array([near[k], near[k + 1], far[k + 1], far[k]])
            bright = self.brightness(normal)
            up = max(0.0, normal[1])
            colour = mix(lit(self.base(middle[k, 1]), bright), self.light.sky, 0.22 * up)
            self.fill(quad, colour)
            kind = self.pane(float(middle[k, 0]), float(middle[k, 1]))
            if kind:
                inset = quad.copy()
                inset[:, 2] *= 0.91
                tone = mix(lit(self.style.glass, 0.5 + bright * 0.6), self.light.sky, 0.30 * up + 0.08)
                self.fill(inset, (16, 17, 19) if kind == "bed" else tone)

    def base(self, y: float) -> Colour:
        """The paint at a height: two tones where the owner chose so."""
        if self.style.second and y < self.body.belt[1] * self.style.crease:
            return self.style.second
        return self.paint

    def pane(self, x: float, y: float) -> str:
        """What fills the sweep over this point of the outline: "glass", "bed" or "" for paint."""
        b = self.body
        rear_foot, rear_top, front_top, front_foot = b.glass
        if b.bed and b.bed[0] < x < b.bed[1] and y > b.belt[1] * 0.9:
            return "bed"
        if front_top + 0.06 < x < front_foot - 0.05 and y > b.belt[1]:
            return "glass"
        margin = 0.05 if rear_top - rear_foot > 0.25 else 0.0
        tall = b.belt[0] + (0.18 if b.bed else 0.06) < y < b.height - 0.09
        return "glass" if rear_foot + margin < x < rear_top + 0.02 and tall else ""

    # -- the near side ---------------------------------------------------------------------------------------------

    def flank(self) -> None:
        """The near side's paint, in bands of light, with the wheel arches cut out."""
        b, c = self.body, self.camera
        low = np.array([[b.length - 0.2, b.sill], [0.2, b.sill]])
        edge = c(b.side(np.vstack([b.outline, low])))
        left, right = int(min(x for x, _ in edge)) - 2, int(max(x for x, _ in edge)) + 3
        upper, lower = int(min(y for _, y in edge)) - 2, int(max(y for _, y in edge)) + 3
        shift = [(x - left, y - upper) for x, y in edge]
        mask = Image.new("L", (right - left, lower - upper))
        pen = ImageDraw.Draw(mask)
        pen.polygon(shift, fill=255)
        for place in b.wheels:
            arch = c(circle(place, b.radius, b.radius * 1.16, float(b.half(place, b.radius)), 40))
            pen.polygon([(x - left, y - upper) for x, y in arch], fill=0)
            self.draw.polygon(arch, fill=(9, 10, 12))
        layer = Image.new("RGB", mask.size, self.paint)
        brush = ImageDraw.Draw(layer)
        xs = np.linspace(-0.1, b.length + 0.1, 12)
        heights = np.linspace(b.sill - 0.05, b.height + 0.03, 46)
        for y0, y1 in zip(heights, heights[1:], strict=False):
            band = np.vstack(
                [b.side(np.column_stack([xs, np.full(12, y0)])), b.side(np.column_stack([xs, np.full(12, y1)]))[::-1]]
            )
            brush.polygon([(x - left, y - upper) for x, y in c(band)], fill=self.flank_colour((y0 + y1) / 2))
        self.canvas.paste(layer, (left, upper), mask)

    def flank_colour(self, y: float) -> Colour:
        """Paint on the side at a height: the shoulder catches the sky, below the crease it turns to the ground."""
        b = self.body
        t, crease = y / b.belt[1], self.style.crease
        side = self.brightness((0, 0.05, 1))
        if t > 1.0:
            light = side * 1.06
        else:
            light = side * float(
                np.interp(
                    t,
                    [0.2, 0.36, 0.5, crease - 0.02, crease + 0.02, 0.88, 0.95, 1.0],
                    [0.42, 0.66, 0.88, 0.98, 0.84, 1.04, 1.26, 1.12],
                )
            )
        colour = lit(self.base(y), light)
        mirrored = float(np.interp(t, [0.2, 0.45, 0.7, 0.9, 1.0, 1.4], [0.20, 0.10, 0.0, 0.10, 0.2, 0.06]))
        return mix(colour, self.light.sky if t > 0.65 else self.light.ground, mirrored)

    def belt(self, x: np.ndarray | float) -> np.ndarray:
        """Height of the windows' lower edge over x."""
        b = self.body
        return np.asarray(np.interp(x, [b.glass[0], b.glass[3]], [b.belt[0], b.belt[1]]))
