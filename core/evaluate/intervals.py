"""How sure a figure is: the interval of a share in closed form, and of anything else by drawing the pictures again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

DRAWS = 1000  # of the bootstrap; fewer, never under 200, where the pictures are many and the intervals narrow anyway
WORK = 2 * 10**7  # pictures drawn in all
BLOCK = 2**20  # pictures drawn at once: 8 MB of weights, and a few times as much beside them


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), within 0..1."""
    if total == 0:
        return 0.0, 1.0
    z, share = 1.959963984540054, right / total
    middle = share + z * z / (2 * total)
    half = z * (share * (1 - share) / total + z * z / (4 * total * total)) ** 0.5
    scale = 1 + z * z / total
    return max(0.0, min(share, (middle - half) / scale)), min(1.0, max(share, (middle + half) / scale))  # rounding


def draws(photos: np.ndarray, seed: int = 0) -> Iterator[np.ndarray]:
    """The bootstrap (Efron 1979): how often each of N pictures comes in each resample, (b, N) float64, block by block.

    `photos` is (N,), the number (0..) of the photo that each picture shows: near-duplicates are no further evidence, so
    all pictures of a photo are drawn together (Davison and Hinkley 1997, 3.8). A seed always gives the same resamples, so
    that those of two models are paired.
    """
    rng, count = np.random.default_rng(seed), int(photos.max(initial=-1)) + 1
    left = int(np.clip(WORK // max(count, 1), 200, DRAWS))
    while left > 0:
        now = min(left, max(1, BLOCK // max(len(photos), 1)))
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=now)
        yield drawn[:, photos].astype(np.float64)
        left -= now


def around(figure: float, drawn: np.ndarray, most: float = 1.0) -> tuple[float, float]:
    """The 95 % interval of a figure from its values in the resamples, within 0..`most`.

    The 2.5 and 97.5 % quantiles, moved so that the mean of the resamples lies on the figure: some figures, such as the
    calibration error, come out too high in every resample (the bias correction of Efron and Tibshirani 1993, 10.2).
    """
    low, high = np.nanquantile(drawn, (0.025, 0.975)) - (np.nanmean(drawn) - figure)
    return max(0.0, min(float(low), figure)), min(most, max(float(high), figure))
