"""Random views of a batch of pictures, drawn on the device in a few batched operations: crop, flip, colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
CROP = (0.75, 1.0)  # side of the crop as a share of the picture's, width and height nearly alike
ASPECT = 0.08  # how far width and height of the crop may differ from each other
COLOUR = 0.25  # brightness (in standard deviations), contrast and saturation vary by this much


def augment(pixels, names, mean, std, device, draw, mirror=None):
    from core.pixels import tensor

    x = tensor(pixels, mean, std, device)
    return _old(x, draw) if names else x


def mix(x, y, names, draw):
    import torch

    return x, y, torch.ones(len(y))


def _old(x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """(B, 3, S, S) normalised float -> the same shape: each picture cropped, half of them mirrored, its colours varied.

    `draw` is a CPU generator, so that the numbers are the same on every device.
    """
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    count = len(x)
    u = torch.rand((8, count), generator=draw).to(x.device)
    side = CROP[0] + (CROP[1] - CROP[0]) * u[0]
    stretch = 1 + ASPECT * (2 * u[1] - 1)
    width, height = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    theta = torch.zeros((count, 2, 3), device=x.device)
    theta[:, 0, 0] = width * torch.where(u[2] < 0.5, -1.0, 1.0)
    theta[:, 1, 1] = height
    theta[:, 0, 2] = (1 - width) * (2 * u[3] - 1)  # the crop stays inside the picture
    theta[:, 1, 2] = (1 - height) * (2 * u[4] - 1)
    grid = affine_grid(theta, list(x.shape), align_corners=False)
    x = grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    brightness, contrast, saturation = ((COLOUR * (2 * v - 1)).view(-1, 1, 1, 1) for v in u[5:8])
    grey = x.mean(dim=1, keepdim=True)
    middle = grey.mean(dim=(2, 3), keepdim=True)
    # ((x - grey) * (1 + saturation) + grey - middle) * (1 + contrast) + middle + brightness, in two passes over x
    gain = (1 + saturation) * (1 + contrast)
    return x * gain + (grey * (1 + contrast - gain) + (brightness - contrast * middle))
