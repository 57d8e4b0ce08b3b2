"""Paints a body on a canvas: far things first, then what sweeps across the car, then its near side."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from core.demo import wheels
from core.demo.cars import Body
from core.demo.shapes import Camera, Colour, circle, glow, lit, mix, soft

PAINTS: dict[str, Colour] = {
    "red": (190, 30, 34), "crimson": (132, 18, 40), "orange": (226, 104, 28), "yellow": (238, 190, 36),
    "lime": (140, 178, 40), "green": (34, 104, 66), "teal": (20, 122, 128), "sky blue": (92, 156, 206),
    "blue": (30, 76, 168), "navy": (28, 40, 82), "purple": (92, 50, 130), "pink": (222, 122, 150),
    "white": (228, 230, 232), "silver": (168, 174, 180), "grey": (98, 104, 110), "black": (34, 36, 42),
    "brown": (100, 66, 44), "cream": (224, 208, 172), "mint": (150, 204, 180), "copper": (168, 92, 58),
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
    extra: str  # a key of wheels.EXTRAS, or ""
    people: bool


def style(kind: str, rng: random.Random) -> Style:
    """A choice that suits the kind of car."""
    colour = rng.choice(list(PAINTS))
    two_tone = {"truck": 0.28, "suv": 0.16, "sedan": 0.1, "coupe": 0.0}[kind]
    second = PAINTS[rng.choice(["white", "cream", "black", "silver", "grey"])] if rng.random() < two_tone else None
    extra = rng.choice(wheels.EXTRAS[kind]) if rng.random() < 0.5 else ""
    glass = rng.choice([(34, 46, 58), (26, 34, 40), (48, 62, 72), (40, 50, 48)])
    return Style(colour, second, rng.uniform(0.62, 0.76), rng.randrange(4), rng.randrange(4), rng.randrange(6),
                 rng.random() < 0.35, glass, extra, rng.random() < 0.4)


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

    def face(self, front: bool, u: list[float] | np.ndarray, y: list[float] | np.ndarray, out: float = 0.0) -> np.ndarray:
        """Points on the nose or the tail: u from -1 (far side) to 1 (near side), y metres up."""
        u, y = np.asarray(u, dtype=float), np.asarray(y, dtype=float)
        x = self.body.end(y, front) + (out if front else -out)
        bow = 0.06 * (1 - u**2)  # the middle stands a little proud
        return np.column_stack([x + (bow if front else -bow), y, u * self.body.half(x, y)])

    def patch(self, front: bool, u0: float, u1: float, y0: float, y1: float, colour: Colour, alpha: int = 255,
              cut: float = 0.0) -> None:
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
        wheels.carry(self)
        self.ends()
        self.flank()
        self.side_glass()
        self.side_lines()
        for place in self.body.wheels:
            wheels.wheel(self, place, near=True)
        self.side_lamps()
        self.mirror()
        wheels.adorn(self)
        if self.light.lamps:
            self.beams()

    def shadow(self) -> None:
        b, c = self.body, self.camera
        foot = [[-0.15, 0, b.width / 2 + 0.12], [b.length + 0.15, 0, b.width / 2 + 0.12],
                [b.length + 0.1, 0, -b.width / 2 - 0.1], [-0.1, 0, -b.width / 2 - 0.1]]
        core = [[0.25, 0, b.width / 2 - 0.05], [b.length - 0.25, 0, b.width / 2 - 0.05],
                [b.length - 0.3, 0, -b.width / 2], [0.3, 0, -b.width / 2]]
        lean = -self.light.key[0] * 0.5
        cast = [(x + lean * self.px * (0.3 + 0.4 * (k > 1)), y) for k, (x, y) in enumerate(c(foot))]
        dark = Image.new("RGB", self.canvas.size, mix(self.light.ground, (0, 0, 4), 0.9))
        self.canvas.paste(dark, (0, 0), soft(self.canvas.size, [cast], 0.22 * self.px, 0.55))
        self.canvas.paste(dark, (0, 0), soft(self.canvas.size, [c(core)], 0.08 * self.px, 0.8))

    def underside(self) -> None:
        b = self.body
        xs = np.linspace(0.2, b.length - 0.2, 12)
        low = np.full(12, b.sill + 0.03)
        self.fill(np.vstack([b.side(np.column_stack([xs, low])), b.side(np.column_stack([xs, low]), False)[::-1]]),
                  (8, 9, 12))

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

    # -- nose and tail ---------------------------------------------------------------------------------------------

    def ends(self) -> None:
        if self.front:
            self.nose()
        if self.rear:
            self.tail()

    def nose(self) -> None:
        b, s = self.body, self.style
        top, low = b.belt[1] * 0.80, b.sill
        if b.kind == "coupe":
            top = b.belt[1] * 0.74
        dark, metal = self.plain((20, 21, 24), (1, 0, 0)), self.plain((196, 200, 206), (1, 0, 0))
        self.patch(True, -0.95, 0.95, low, low + 0.14, self.plain((30, 31, 34), (1, 0, 0)))
        tall = {"truck": 0.40, "suv": 0.30, "sedan": 0.20, "coupe": 0.12}[b.kind]
        wide = {"truck": 0.62, "suv": 0.55, "sedan": 0.48, "coupe": 0.42}[b.kind]
        if s.grille == 3 and b.kind != "truck":  # electric: a closed nose with a bar of light
            self.patch(True, -0.8, 0.8, top - 0.07, top - 0.04, (235, 240, 246))
        else:
            rim = metal if s.chrome else dark
            self.patch(True, -wide - 0.03, wide + 0.03, top - tall - 0.03, top + 0.02, rim, cut=0.10)
            self.patch(True, -wide, wide, top - tall, top, dark, cut=0.10)
            for k in range(1, 5):
                y = top - tall * k / 5
                if s.grille == 0:
                    self.line(self.face(True, [-wide + 0.05, 0, wide - 0.05], [y] * 3, 0.015), metal, 0.018)
                elif s.grille == 1:
                    u = -wide + 2 * wide * k / 5
                    self.line(self.face(True, [u, u * 0.92], [top, top - tall], 0.015), metal, 0.02)
        self.patch(True, -0.5, 0.5, low + 0.05, low + 0.17, dark, cut=0.05)
        self.patch(True, -0.22, 0.22, low + 0.20, low + 0.31, (232, 232, 226))
        for sign in (-1, 1):
            self.headlamp(sign, top)

    def headlamp(self, sign: int, top: float) -> None:
        high = {"truck": 0.24, "suv": 0.17, "sedan": 0.14, "coupe": 0.10}[self.body.kind]
        on = self.light.lamps
        shell = (255, 250, 226) if on else self.plain((206, 214, 222), (1, 0, 0))
        inner, outer = 0.58, 0.97
        if self.style.lamp == 0:  # round
            angle = np.linspace(0, 2 * np.pi, 20)
            u, y = sign * (0.76 + 0.15 * np.cos(angle)), top - high / 2 + 0.1 * np.sin(angle)
            self.fill(self.face(True, u, y, 0.02), (30, 31, 34))
            self.fill(self.face(True, sign * 0.76 + (u - sign * 0.76) * 0.8, top - high / 2 + (y - top + high / 2) * 0.8,
                                0.02), shell)
            return
        tilt = (0.0, 0.05, -0.03)[self.style.lamp - 1]
        u = [sign * inner, sign * outer, sign * outer, sign * (inner + 0.06)]
        y = [top - tilt, top + 0.03, top - high + 0.02, top - high * 0.9 - tilt]
        self.fill(self.face(True, u, y, 0.02), (28, 29, 32))
        y = [top - tilt - 0.02, top + 0.01, top - high + 0.04, top - high * 0.9 - tilt + 0.02]
        self.fill(self.face(True, [v * 0.99 for v in u], y, 0.02), shell)

    def tail(self) -> None:
        b = self.body
        top, low = b.belt[0] * (0.93 if b.kind != "truck" else 0.86), b.sill
        red = (255, 60, 44) if self.light.lamps else self.plain((176, 22, 26), (-1, 0, 0))
        dark = self.plain((26, 27, 30), (-1, 0, 0))
        self.patch(False, -0.95, 0.95, low, low + 0.16, dark)
        if b.kind == "truck":
            self.patch(False, -0.97, 0.97, low + 0.02, low + 0.2, self.plain((186, 190, 196), (-1, 0, 0)))
            for u0, u1 in ((-0.98, -0.84), (0.84, 0.98)):
                self.patch(False, u0, u1, top - 0.36, top + 0.08, red)
            self.line(self.face(False, [-0.8, -0.8, 0.8, 0.8], [low + 0.26, top + 0.1, top + 0.1, low + 0.26], 0.01),
                      lit(self.paint, 0.45), 0.02)
            self.patch(False, -0.12, 0.12, top - 0.06, top + 0.02, dark)
        else:
            high = {"suv": 0.26, "sedan": 0.16, "coupe": 0.10}[b.kind]
            if self.style.lamp in (1, 3):
                self.patch(False, -0.6, 0.6, top - 0.07, top - 0.03, red)
            for u0, u1 in ((-0.98, -0.58), (0.58, 0.98)):
                self.patch(False, u0, u1, top - high, top, red, cut=0.03)
            self.line(self.face(False, [-0.95, 0, 0.95], [low + 0.34] * 3, 0.01), lit(self.paint, 0.5), 0.016)
        self.patch(False, -0.24, 0.24, low + 0.4 if b.kind != "truck" else low + 0.06, low + 0.52
                   if b.kind != "truck" else low + 0.17, (232, 232, 226))
        if b.kind in ("sedan", "coupe"):
            for u in (-0.62, 0.62):
                self.patch(False, u - 0.09, u + 0.09, low + 0.02, low + 0.08, self.plain((170, 172, 176), (-1, 0, 0)))

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
            band = np.vstack([b.side(np.column_stack([xs, np.full(12, y0)])),
                              b.side(np.column_stack([xs, np.full(12, y1)]))[::-1]])
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
            light = side * float(np.interp(t, [0.2, 0.36, 0.5, crease - 0.02, crease + 0.02, 0.88, 0.95, 1.0],
                                           [0.42, 0.66, 0.88, 0.98, 0.84, 1.04, 1.26, 1.12]))
        colour = lit(self.base(y), light)
        mirrored = float(np.interp(t, [0.2, 0.45, 0.7, 0.9, 1.0, 1.4], [0.20, 0.10, 0.0, 0.10, 0.2, 0.06]))
        return mix(colour, self.light.sky if t > 0.65 else self.light.ground, mirrored)

    def belt(self, x: np.ndarray | float) -> np.ndarray:
        b = self.body
        return np.interp(x, [b.glass[0], b.glass[3]], [b.belt[0], b.belt[1]])

    def pane_outline(self, x0: float, x1: float, rearmost: bool) -> np.ndarray:
        """One side window as (N, 2): belt below, the roof line less a frame above, leaning rear edge."""
        b = self.body
        xs = np.linspace(x0, x1, 22)
        frame, reach = 0.075, 0.10
        roof = np.minimum(b.top(xs - (reach if rearmost else 0.02)), b.top(xs + reach)) - frame
        low = self.belt(xs) + 0.035
        if rearmost:
            roof = np.minimum(roof, low + (xs - x0) / max(b.slope, 0.02))
        keep = roof > low + 0.005
        xs, roof, low = xs[keep], roof[keep], low[keep]
        if len(xs) < 2:
            return np.zeros((0, 2))
        return np.vstack([np.column_stack([xs, roof]), np.column_stack([xs, low])[::-1]])

    def side_glass(self) -> None:
        b, s = self.body, self.style
        shine = self.brightness((0, 0.3, 1))
        if len(b.windows) > 1 and b.kind != "truck":  # one dark band holds them together
            whole = self.pane_outline(b.windows[0][0] - 0.03, b.windows[-1][1] + 0.05, True)
            self.fill(b.side(whole), self.plain((186, 190, 194)) if s.chrome else (18, 19, 21))
        for k, (x0, x1) in enumerate(b.windows):
            pane = self.pane_outline(x0, x1, k == 0)
            if not len(pane):
                continue
            self.fill(b.side(pane, out=0.005), lit(s.glass, 0.55 + 0.5 * shine))
            if s.people and k == len(b.windows) - 1:
                wheels.driver(self, x0, x1)
            self.reflection(pane)

    def reflection(self, pane: np.ndarray) -> None:
        """The sky in the upper half of a window, and a slanted glint."""
        b, half = self.body, len(pane) // 2
        upper, lower = pane[:half], pane[half:][::-1]
        cut = upper + (lower - upper) * 0.45
        self.fill(b.side(np.vstack([upper, cut[::-1]]), out=0.006), self.light.sky, 52)
        a, z = half // 4, half // 4 + max(2, half // 6)
        shift = min(half - 1 - z, half // 5)
        glint = np.array([upper[a + shift], upper[z + shift], lower[z], lower[a]])
        self.fill(b.side(glint, out=0.007), (255, 255, 255), 34)

    def side_lines(self) -> None:
        """Door gaps, handles, the crease, cladding and what holds the paint together."""
        b, s = self.body, self.style
        gap = lit(self.paint, 0.34)
        floor = b.sill + 0.07
        for k, x in enumerate(b.doors):
            top = float(self.belt(x)) + 0.03
            bend = 0.10 if k == len(b.doors) - 1 else 0.0
            path = [(x, top), (x + bend * 0.2, top * 0.7), (x + bend * 0.1, floor + 0.1), (x - 0.04, floor)]
            if k == 0 and b.kind not in ("truck",):  # the rear door's edge follows the wheel arch
                path = [(x, top), (x + 0.02, top * 0.78), (x + 0.16, top * 0.55), (x + 0.26, floor)]
            self.line(b.side(path), gap, 0.014)
        ends = [b.doors[0] + (0.22 if b.kind != "truck" else 0), b.doors[-1]]
        self.line(b.side([(x, floor) for x in np.linspace(*ends, 6)]), gap, 0.014)
        y = b.belt[1] * s.crease
        xs = np.linspace(0.35, b.length - 0.3, 14)
        swell = y + 0.02 * np.sin(np.linspace(0, np.pi, 14))
        self.line(b.side(np.column_stack([xs, swell])), lit(self.paint, 0.5), 0.012, 120)
        self.line(b.side(np.column_stack([xs, swell + 0.018])), mix(self.paint, (255, 255, 255), 0.5), 0.010, 110)
        self.line(b.side(np.column_stack([xs, np.interp(xs, [0, b.length], [b.belt[0], b.belt[1]]) - 0.05])),
                  (255, 255, 255), 0.02, 60)
        for door, x in enumerate(b.doors[:-1]):
            self.handle(x + (0.10 if b.kind != "coupe" else 0.1), b.belt[1] * (0.86 if door else 0.87))
        if b.cladding:
            wheels.cladding(self)
        self.bumpers()

    def handle(self, x: float, y: float) -> None:
        metal = self.plain((190, 194, 198)) if self.style.chrome else lit(self.paint, 0.6)
        self.line(self.body.side([(x, y), (x + 0.17, y + 0.005)], out=0.01), (10, 10, 12), 0.04, 150)
        self.line(self.body.side([(x, y + 0.01), (x + 0.17, y + 0.015)], out=0.01), metal, 0.024)

    def bumpers(self) -> None:
        """The lower corners, front and rear, as seen from the side."""
        b = self.body
        tone = self.plain((188, 192, 198)) if b.kind == "truck" else lit(self.paint, 0.55)
        for front in (False, True):
            y0, y1 = b.sill + 0.06, b.sill + 0.30
            x0 = float(b.end(y1, front))
            stop = b.wheels[1] + b.radius * 1.2 if front else b.wheels[0] - b.radius * 1.2
            if b.kind == "truck":
                y1 = b.sill + 0.24
                xs = np.linspace(x0, x0 + (stop - x0) * 0.45, 5)
                band = np.vstack([np.column_stack([xs, np.full(5, y1)]), np.column_stack([xs, np.full(5, y0 - 0.03)])[::-1]])
                self.fill(b.side(band), tone)
            else:
                xs = np.linspace(x0, stop, 6)
                self.line(b.side(np.column_stack([xs, np.linspace(y1 + 0.02, y1, 6)])), tone, 0.012)

    def side_lamps(self) -> None:
        """The parts of the lamps that wrap round to the near side, and an indicator."""
        b = self.body
        top = b.belt[1] * (0.74 if b.kind == "coupe" else 0.80)
        high = {"truck": 0.24, "suv": 0.17, "sedan": 0.14, "coupe": 0.10}[b.kind]
        x = float(b.end(top - high / 2, True))
        reach = {"truck": 0.16, "suv": 0.30, "sedan": 0.34, "coupe": 0.36}[b.kind]
        shell = (255, 248, 220) if self.light.lamps else self.plain((208, 216, 224))
        lamp = [(x - 0.01, top - high * 0.2), (x - reach, top + 0.02), (x - reach * 0.8, top - high * 0.6), (x - 0.01, top - high)]
        self.fill(b.side(lamp, out=0.004), (24, 25, 28))
        inner = np.array(lamp)
        inner = inner.mean(axis=0) + (inner - inner.mean(axis=0)) * 0.8
        self.fill(b.side(inner, out=0.005), shell)
        red = (255, 56, 40) if self.light.lamps else self.plain((170, 20, 26))
        top = b.belt[0] * (0.93 if b.kind != "truck" else 0.92)
        high = {"truck": 0.40, "suv": 0.28, "sedan": 0.16, "coupe": 0.11}[b.kind]
        x = float(b.end(top - high / 2, False))
        reach = {"truck": 0.10, "suv": 0.22, "sedan": 0.34, "coupe": 0.30}[b.kind]
        self.fill(b.side([(x + 0.0, top), (x + reach, top - 0.02), (x + reach * 0.6, top - high), (x + 0.0, top - high)],
                         out=0.004), red)

    def mirror(self) -> None:
        b = self.body
        x, y = b.windows[-1][1] - 0.10, float(self.belt(b.windows[-1][1])) + 0.10
        z = float(b.half(x, y)) + 0.10
        shape = circle(0, 0, 1, z, 18)
        shape[:, 0] = x + 0.12 * shape[:, 0]
        shape[:, 1] = y + 0.075 * shape[:, 1]
        self.line([[x + 0.02, y - 0.08, z - 0.1], [x, y - 0.03, z]], (16, 17, 19), 0.05)
        self.fill(shape, lit(self.paint, 0.45))
        shape[:, 1] += 0.012
        self.fill(shape, lit(self.paint, self.brightness((0.1, 0.5, 1))))

    def beams(self) -> None:
        """Lamps that are on: a glow in the air and a pool of light on the ground."""
        b = self.body
        top = b.belt[1] * 0.72
        lamps = [self.camera(self.face(True, [u], [top], 0.03))[0] for u in ((-0.75, 0.8) if self.front else (0.95,))]
        for x, y in lamps:
            glow(self.canvas, x, y, 0.55 * self.px, (255, 244, 214), 0.75)
        ahead = self.camera([[b.length + 1.3, 0.0, 0.3]])[0]
        glow(self.canvas, ahead[0], ahead[1], 1.7 * self.px, (255, 238, 190), 0.40, 0.28)
        for u in (-0.8, 0.9) if self.rear else (0.95,):
            x, y = self.camera(self.face(False, [u], [b.belt[0] * 0.85], 0.02))[0]
            glow(self.canvas, x, y, 0.35 * self.px, (255, 50, 40), 0.6)
