"""Random views of a batch of training pictures, drawn on the device in a few batched operations.

Strengths are shares of the picture's side or of its deviation, so that they mean the same at every size. No file is
touched: what comes in is decoded pixels, what goes out is what a network sees of them once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

AUGMENTATIONS = {
    "crop": "a part of the picture, at least three quarters of each side",
    "shift": "moved by up to a tenth",
    "flip": "half of them mirrored, left to right",
    "rotation": "turned by up to 15 degrees",
    "zoom": "enlarged or made smaller by up to a fifth",
    "colour": "brighter or darker, more or less contrast and colour",
    "noise": "a little grain",
    "blur": "out of focus, some of them",
    "erasing": "a rectangle is missing, in some of them",
    "randaugment": "two changes drawn from a long list (RandAugment, Cubuk et al. 2020)",
    "mixup": "two pictures on top of each other, and so are their labels (mixup, Zhang et al. 2018)",
    "cutmix": "a piece of another picture, and as much of its label (CutMix, Yun et al. 2019)",
}  # name -> what it does to a training picture
MIRRORS = "flip"  # the one that changes left and right
GEOMETRIC = frozenset(("crop", "shift", "flip", "rotation", "zoom"))  # one resampling for all of them
CROP = (0.75, 1.0)  # side of the crop as a share of the picture's, width and height nearly alike
ASPECT = 0.08  # how far width and height of the crop may differ from each other
SHIFT = 0.1  # share of the side
ROTATION = 15.0  # degrees
ZOOM = 0.2
COLOUR = 0.25  # brightness (in standard deviations), contrast and saturation vary by this much
NOISE = 0.3  # standard deviation of the strongest grain, in those of the pixels
BLUR = (0.004, 0.016)  # standard deviation of the blur as a share of the side
ERASED = (0.02, 0.2)  # share of the area; its sides are at most 1 to 2
SOME = 0.5  # share of the pictures that are blurred, or lose a rectangle
MIXUP, CUTMIX = 0.2, 1.0  # both parameters of the beta distribution that the shares are drawn from
DRAWS = 19  # random numbers for each picture: the same ones are drawn whatever is chosen


def augment(
    pixels: torch.Tensor, names: Sequence[str], mean: Sequence[float], std: Sequence[float], device: Any,
    draw: torch.Generator, mirror: torch.Tensor | None = None,
) -> torch.Tensor:  # fmt: skip
    """(B, S, S, 3) uint8 -> (B, 3, S, S) float32 on `device`, normalised, each picture changed by the named augmentations.

    With no name it is what `core.pixels.tensor` gives. `draw` is a CPU generator, so that the numbers are the same on
    every device; what one augmentation does to a picture does not depend on which others are named beside it. `mirror`
    (B,) bool says which pictures may be mirrored at all, None = all. What comes into view from beyond the border repeats
    the border. "mixup" and "cutmix" take two pictures and their labels: `mix` does them, here they are left out.
    """
    import torch

    from core.pixels import tensor

    count, side = len(pixels), pixels.shape[1]
    u = torch.rand((DRAWS, count), generator=draw)
    seed = int(torch.randint(2**31, (), generator=draw))
    if "randaugment" in names:
        pixels = _randaugment(pixels, seed)
    x = tensor(pixels, mean, std, device)
    if GEOMETRIC.intersection(names):
        x = _seen(x, _affine(u, names, mirror))
    if "colour" in names:
        x = _coloured(x, COLOUR * (2 * u[5:8] - 1))
    if "blur" in names:
        rows = torch.nonzero(u[11] < SOME)[:, 0]
        blur = _blurring(side, (side * (BLUR[0] + (BLUR[1] - BLUR[0]) * u[12, rows])).to(x.device))
        rows = rows.to(x.device)
        x[rows] = blur @ x[rows] @ blur.mT
    if "noise" in names:
        x = _grained(x, (NOISE * u[13]).to(x.device), seed)
    if "erasing" in names:
        x = x.masked_fill(_rectangles(side, u[14:18].to(x.device)), 0)  # the mean of all pictures
    return x


def mix(
    x: torch.Tensor, y: torch.Tensor, names: Sequence[str], draw: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """mixup or cutmix, where they are named; where both are, one of them is drawn for each batch.

    x (B, 3, S, S) and labels y (B,) -> the mixed pictures, the label (B,) of what each was mixed with, and the share
    (B,) float32 of its own label, 0..1: the loss is share * CE(y) + (1 - share) * CE(other). Where neither is named,
    `x` comes back as it is with `y` and ones. `draw` as in `augment`.
    """
    import numpy as np
    import torch

    kinds = [name for name in ("mixup", "cutmix") if name in names]
    if not kinds:
        return x, y, torch.ones(len(x), device=x.device)
    which, seed = torch.randint(2**31, (2,), generator=draw).tolist()
    beta = np.random.default_rng(seed).beta  # torch's takes no generator
    partner = torch.randperm(len(x), generator=draw).to(x.device)
    centre = torch.rand((2, len(x)), generator=draw)
    if kinds[which % len(kinds)] == "mixup":
        drawn = beta(MIXUP, MIXUP, len(x)).astype(np.float32)
        share = torch.from_numpy(np.maximum(drawn, 1 - drawn)).to(x.device)  # its own label stays the larger part
        return torch.lerp(x[partner], x, share.view(-1, 1, 1, 1)), y[partner], share
    pasted = torch.from_numpy(np.sqrt(1 - beta(CUTMIX, CUTMIX, len(x))).astype(np.float32)).to(x.device)
    box = _boxes(x.shape[-1], centre.to(x.device), pasted, pasted)
    share = 1 - box.float().mean((1, 2, 3))  # what was really pasted: the border cuts some off
    return torch.where(box, x[partner], x), y[partner], share


def samples(
    pixels: np.ndarray, names: Sequence[str], mirror: Sequence[bool] | None = None, seed: int = 0
) -> list[np.ndarray]:
    """What training pictures become, to look at: (N, S, S, 3) uint8 -> N of (S, S, 3) uint8, mixed among themselves.

    `mirror`: N times whether that picture may be mirrored, None = all.
    """
    import torch

    draw, device = torch.Generator().manual_seed(seed), torch.device("cpu")
    mean, std = (0.5,) * 3, (0.25,) * 3
    allowed = None if mirror is None else torch.tensor(mirror, dtype=torch.bool)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so few pictures: threads would wait for each other longer than they work
    try:
        x = augment(torch.tensor(pixels), names, mean, std, device, draw, allowed)
        x, _, _ = mix(x, torch.arange(len(x)), names, draw)
    finally:
        torch.set_num_threads(threads)
    shown = ((x * std[0] + mean[0]) * 255).round().clamp(0, 255).to(torch.uint8)
    return [one.numpy() for one in shown.permute(0, 2, 3, 1).contiguous()]


def _affine(u: torch.Tensor, names: Sequence[str], mirror: torch.Tensor | None) -> torch.Tensor:
    """(B, 2, 3): from where in the picture (-1..1) each place of the view is taken; on the CPU."""
    import torch

    one, none = torch.ones(u.shape[1]), torch.zeros(u.shape[1])
    sign, cos, sin, dx, dy, left, top = one, one, none, none, none, none, none
    width = height = one
    if MIRRORS in names:
        turned = u[2] < 0.5
        sign = torch.where(turned if mirror is None else turned & mirror.cpu(), -1.0, 1.0)
    if "rotation" in names:
        angle = math.radians(ROTATION) * (2 * u[8] - 1)
        cos, sin = angle.cos(), angle.sin()
    if "zoom" in names:
        closer = 1 + ZOOM * (2 * u[18] - 1)
        cos, sin = cos / closer, sin / closer
    if "shift" in names:
        dx, dy = (2 * SHIFT * (2 * v - 1) for v in u[9:11])  # -1..1 is two long
    if "crop" in names:
        side, stretch = CROP[0] + (CROP[1] - CROP[0]) * u[0], 1 + ASPECT * (2 * u[1] - 1)
        width, height = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
        left, top = (1 - width) * (2 * u[3] - 1), (1 - height) * (2 * u[4] - 1)  # the crop stays inside the picture
    across = torch.stack([width * cos * sign, -width * sin, width * dx + left], dim=1)
    down = torch.stack([height * sin * sign, height * cos, height * dy + top], dim=1)
    return torch.stack([across, down], dim=1)


def _seen(x: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    from torch.nn.functional import affine_grid, grid_sample

    grid = affine_grid(theta.to(x.device), list(x.shape), align_corners=False)
    return grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _coloured(x: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """`by` (3, B): brightness, contrast and saturation, -1..1."""
    import torch

    brightness, contrast, saturation = (v.view(-1, 1, 1, 1) for v in by.to(x.device))
    grey = x.mean(dim=1, keepdim=True)
    middle = grey.mean(dim=(2, 3), keepdim=True)
    # ((x - grey) * (1 + saturation) + grey - middle) * (1 + contrast) + middle + brightness, in two passes over x
    gain = (1 + saturation) * (1 + contrast)
    return torch.addcmul(grey * (1 + contrast - gain) + (brightness - contrast * middle), x, gain)


def _blurring(side: int, deviations: torch.Tensor) -> torch.Tensor:
    """(n,) px -> (n, 1, side, side): a matrix that blurs columns from the left, rows from the right if transposed."""
    import torch

    at = torch.arange(side, dtype=torch.float32, device=deviations.device)
    apart = (at[:, None] - at) / deviations.view(-1, 1, 1, 1)
    # Beyond four deviations they would be numbers so small that a CPU takes ten times as long for each.
    weights = torch.where(apart.abs() < 4, torch.exp(-0.5 * apart**2), 0.0)
    return weights / weights.sum(-1, keepdim=True)


def _grained(x: torch.Tensor, strength: torch.Tensor, seed: int) -> torch.Tensor:
    """One sheet of grain, drawn on the CPU, of which each picture gets a place of its own: a tenth of drawing it all."""
    import torch

    draw, side = torch.Generator().manual_seed(seed), x.shape[-1]
    sheet = torch.randn((3, 2 * side, 2 * side), generator=draw).to(x.device)
    top, left = torch.randint(side + 1, (2, len(x)), generator=draw).to(x.device)
    grain = sheet.unfold(1, side, 1).unfold(2, side, 1)[:, top, left].movedim(0, 1)
    return torch.addcmul(x, strength.view(-1, 1, 1, 1), grain)


def _rectangles(side: int, u: torch.Tensor) -> torch.Tensor:
    """(B, 1, side, side) bool from u (4, B): what is missing of each picture; of some nothing."""
    import torch

    lost = torch.where(u[0] < SOME, ERASED[0] + (ERASED[1] - ERASED[0]) * u[0] / SOME, 0.0)
    stretch = 2 ** (u[1] - 0.5)
    width, height = lost.sqrt() * stretch, lost.sqrt() / stretch
    centre = torch.stack([height / 2 + (1 - height) * u[2], width / 2 + (1 - width) * u[3]])  # it lies inside
    return _boxes(side, centre, height, width)


def _boxes(side: int, centre: torch.Tensor, height: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """(B, 1, side, side) bool, True inside of each box; centre (2, B: down, across), height and width as shares."""
    import torch

    at = (torch.arange(side, device=centre.device) + 0.5) / side
    rows = (at - centre[0][:, None]).abs() < height[:, None] / 2
    columns = (at - centre[1][:, None]).abs() < width[:, None] / 2
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def _randaugment(pixels: torch.Tensor, seed: int) -> torch.Tensor:
    """(B, S, S, 3) uint8 -> the same, on the CPU: each picture by torchvision's RandAugment, which mirrors none.

    What comes into view from beyond the border has the middle colour of the border.
    """
    import torch
    from torchvision.transforms.v2 import RandAugment

    pixels = pixels.cpu()
    border = torch.cat([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], dim=1).median(dim=1).values
    with torch.random.fork_rng(devices=[]):  # it draws from the one generator of all
        torch.default_generator.manual_seed(seed)
        changed = [
            RandAugment(fill=fill)(one)  # from the nearest pixel: its bilinear draws a dark line around what is filled
            for one, fill in zip(pixels.permute(0, 3, 1, 2), border.tolist(), strict=True)
        ]
    return torch.stack(changed).permute(0, 2, 3, 1)
