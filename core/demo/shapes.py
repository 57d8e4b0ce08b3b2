"""Lines, colours and the camera: what the drawings are made of.

Lengths are metres until the camera turns them into pixels: x from the rear bumper to the nose, y up from the
ground, z towards the viewer, with z = 0 in the middle of the car.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` 0 gives a, 1 gives b."""
    s = min(max(share, 0.0), 1.0)
    return (round(a[0] + (b[0] - a[0]) * s), round(a[1] + (b[1] - a[1]) * s), round(a[2] + (b[2] - a[2]) * s))


def lit(base: Colour, light: float) -> Colour:
    """The colour under a light of 0 (none) over 1 (as it is) to about 2 (a highlight, nearly white)."""
    if light <= 1:
        return mix((4, 5, 9), base, light)
    return mix(base, (255, 255, 255), (light - 1) * 0.75)


def rounded(corners: list[tuple[float, float, float]], steps: int = 7) -> np.ndarray:
    """A line through corners (x, y, radius), each corner replaced by a quadratic Bezier curve. (N, 2) metres."""
    points = [corners[0][:2]]
    for (ax, ay, _), (bx, by, radius), (cx, cy, _) in zip(corners, corners[1:], corners[2:], strict=False):
        before, after = math.hypot(ax - bx, ay - by), math.hypot(cx - bx, cy - by)
        reach = min(radius, before * 0.5, after * 0.5)
        sx, sy = bx + (ax - bx) * reach / before, by + (ay - by) * reach / before
        ex, ey = bx + (cx - bx) * reach / after, by + (cy - by) * reach / after
        for k in range(steps + 1):
            t = k / steps
            points.append(
                (
                    (1 - t) ** 2 * sx + 2 * t * (1 - t) * bx + t * t * ex,
                    (1 - t) ** 2 * sy + 2 * t * (1 - t) * by + t * t * ey,
                )
            )
    points.append(corners[-1][:2])
    return np.array(points)


def circle(
    x: float, y: float, radius: float, z: float, count: int = 44, start: float = 0.0, stop: float = 2 * math.pi
) -> np.ndarray:
    """An upright circle, or an arc of it, as (count, 3) metres."""
    angle = np.linspace(start, stop, count)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle), np.full(count, z)], axis=1)


def gradient(size: tuple[int, int], colours: list[Colour]) -> Image.Image:
    """Top to bottom through the colours, evenly spaced."""
    rows = np.linspace(0, len(colours) - 1, size[1])
    table = np.array(colours, dtype=np.float32)
    column = np.stack([np.interp(rows, np.arange(len(colours)), table[:, c]) for c in range(3)], axis=1)
    return Image.fromarray(column.round().astype(np.uint8)[:, None, :]).resize(size, Image.Resampling.NEAREST)


def glow(
    canvas: Image.Image, x: float, y: float, radius: float, colour: Colour, strength: float, flat: float = 1.0
) -> None:
    """Adds a soft round light at (x, y), `flat` times as high as wide."""
    w, h = max(2, round(radius * 2)), max(2, round(radius * 2 * flat))
    disc = Image.radial_gradient("L").point([round(v * strength) for v in _GLOW]).resize((w, h))
    left, top = round(x - w / 2), round(y - h / 2)
    canvas.paste(colour, (left, top, left + w, top + h), disc)


_GLOW = [
    round(255 * max(0.0, 1 - v / 181) ** 2) for v in range(256)
]  # Pillow's gradient is 181 where it meets the sides


def shade(
    canvas: Image.Image, polygon: list[tuple[float, float]], blur: float, colour: Colour, strength: float
) -> None:
    """Darkens a blurred polygon, made at a quarter of the size: shadows need no more."""
    margin = 3 * blur
    left, right = min(x for x, _ in polygon) - margin, max(x for x, _ in polygon) + margin
    top, low = min(y for _, y in polygon) - margin, max(y for _, y in polygon) + margin
    width, height = round(right - left), round(low - top)
    small = Image.new("L", (max(1, width // 4), max(1, height // 4)))
    ImageDraw.Draw(small).polygon([((x - left) / 4, (y - top) / 4) for x, y in polygon], fill=round(255 * strength))
    mask = small.filter(ImageFilter.GaussianBlur(max(0.5, blur / 4))).resize((width, height), Image.Resampling.BILINEAR)
    canvas.paste(colour, (round(left), round(top), round(left) + width, round(top) + height), mask)


class Camera:
    """Looks at a car of the given length from `distance` metres: yaw > 0 shows its rear, < 0 its front."""

    def __init__(self, length: float, yaw: float, pitch: float, distance: float, flip: bool, roll: float = 0.0) -> None:
        self.length, self.distance, self.flip = length, distance, flip
        self.cy, self.sy = math.cos(yaw), math.sin(yaw)
        self.cp, self.sp = math.cos(pitch), math.sin(pitch)
        self.cr, self.sr = math.cos(roll), math.sin(roll)
        self.scale, self.dx, self.dy = 1.0, 0.0, 0.0

    def turn(self, points: np.ndarray) -> np.ndarray:
        """Metres of the car -> metres as the viewer stands. Turns normals as well (give x + length / 2)."""
        x, y, z = points[..., 0] - self.length / 2, points[..., 1], points[..., 2]
        return np.stack([x * self.cy + z * self.sy, y, z * self.cy - x * self.sy], axis=-1)

    def flat(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) metres -> (N, 2) on the picture plane, before fitting."""
        p = self.turn(np.asarray(points, dtype=float))
        depth = self.distance - (p[:, 2] * self.cp + (p[:, 1] - 0.7) * self.sp)
        up = (p[:, 1] - 0.7) * self.cp - p[:, 2] * self.sp
        x, y = p[:, 0] / depth * (-1 if self.flip else 1), -up / depth
        return np.stack([x * self.cr - y * self.sr, x * self.sr + y * self.cr], axis=1)

    def fit(self, points: np.ndarray, box: tuple[float, float, float, float]) -> None:
        """Scales so that the points fill the box (left, top, right, bottom; px) and stand on its bottom."""
        p = self.flat(points)
        low, high = p.min(axis=0).tolist(), p.max(axis=0).tolist()
        self.scale = min((box[2] - box[0]) / (high[0] - low[0]), (box[3] - box[1]) / (high[1] - low[1]))
        self.dx = (box[0] + box[2]) / 2 - self.scale * (low[0] + high[0]) / 2
        self.dy = box[3] - self.scale * high[1]

    def __call__(self, points: np.ndarray | list) -> list[tuple[float, float]]:
        """(N, 3) metres -> pixels, as Pillow wants them."""
        p = self.flat(np.asarray(points, dtype=float)) * self.scale
        return [(x + self.dx, y + self.dy) for x, y in p.tolist()]

    def metre(self) -> float:
        """Pixels of one metre at the near side."""
        return self.scale / (self.distance - 0.9)

    def sees(self, normal: tuple[float, float, float], point: np.ndarray) -> bool:
        """True where a surface with this outward normal, at this point, faces the camera."""
        n = self.turn(np.array(normal) + [self.length / 2, 0, 0])
        p = self.turn(point)
        eye = np.array([0, 0.7 + self.distance * self.sp, self.distance * self.cp])
        return float(n @ (eye - p)) > 0
