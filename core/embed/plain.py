"""A descriptor that needs no weights: where edges run, and where which colours lie.

Histograms of gradient directions (Dalal and Triggs 2005) in 5 x 5 overlapping windows and of colours in 3 x 3, the
square root taken of each (RootSIFT, Arandjelovic and Zisserman 2012) and the mean taken off, so that strangers lie well
below 1. The windows fade into each other: a picture cut by a tenth still lies near the whole one.
"""

from __future__ import annotations

import numpy as np

from core.embed.embedder import Embedder

SIZE = 128  # px that come in; edges are looked at in a half of that, colours in a quarter
EDGE_WINDOWS, DIRECTIONS = 5, 12
COLOUR_WINDOWS, SHADES = 3, 6  # shades of each of lightness, red to green, yellow to blue
DIMS = EDGE_WINDOWS**2 * DIRECTIONS + COLOUR_WINDOWS**2 * 3 * SHADES
EDGES = 2.0  # how much more they say than colours: measured, see tests/bench/embed.py
FLAT = 0.5  # how much edges a window needs, of the picture's mean, for its directions to count in full
ABOUT = "Pictures are compared by their colours and edges alone."


def plain() -> Embedder:
    return Embedder("plain", "plain", SIZE, DIMS, ABOUT, 32, describe)


def describe(pixels: np.ndarray) -> np.ndarray:
    """(B, SIZE, SIZE, 3) uint8 -> (B, DIMS) float32, of no particular length."""
    edges = _edges(_smaller(pixels, 2).mean(3))
    return np.concatenate([EDGES * edges, _colours(_smaller(pixels, 4))], 1)


def _edges(light: np.ndarray) -> np.ndarray:
    """(B, S, S) in 0..1 -> (B, 300), of length 1: how strongly edges run in each direction, window by window."""
    across, down = np.zeros_like(light), np.zeros_like(light)
    across[:, :, 1:-1] = light[:, :, 2:] - light[:, :, :-2]
    down[:, 1:-1] = light[:, 2:] - light[:, :-2]
    direction = np.arctan2(down, across) % np.float32(np.pi) * np.float32(DIRECTIONS / np.pi)
    apart = np.abs(direction[..., None] - np.arange(DIRECTIONS, dtype=np.float32))
    near = np.clip(1 - np.minimum(apart, DIRECTIONS - apart), 0, None)  # a half turn is no turn
    found = _windows(near * np.hypot(across, down)[..., None], EDGE_WINDOWS)
    strength = found.sum(2, keepdims=True)
    return _unit(np.sqrt(found / (strength + FLAT * strength.mean(1, keepdims=True) + 1e-3)))


def _colours(picture: np.ndarray) -> np.ndarray:
    """(B, S, S, 3) in 0..1 -> (B, 162), of length 1: how much of each shade there is, window by window."""
    red, green, blue = np.moveaxis(picture, 3, 0)
    axes = np.stack([picture.mean(3), _stretched(red - green), _stretched((red + green) / 2 - blue)], 3)
    near = np.clip(1 - np.abs(axes[..., None] * (SHADES - 1) - np.arange(SHADES, dtype=np.float32)), 0, None)
    return _unit(np.sqrt(_windows(near.reshape(*picture.shape[:3], 3 * SHADES), COLOUR_WINDOWS)))


def _stretched(difference: np.ndarray) -> np.ndarray:
    """-1..1 -> 0..1, finer near grey, where most colours are."""
    return np.sign(difference) * np.sqrt(np.abs(difference)) / 2 + 0.5


def _smaller(pixels: np.ndarray, times: int) -> np.ndarray:
    """(B, S, S, 3) uint8 -> (B, S / times, S / times, 3) float32 in 0..1: means of squares."""
    many, side = len(pixels), pixels.shape[1] // times
    return pixels.reshape(many, side, times, side, times, 3).mean((2, 4), dtype=np.float32) / 255


def _windows(maps: np.ndarray, windows: int) -> np.ndarray:
    """(B, S, S, D) -> (B, windows^2, D): weighted means over a grid of windows that overlap by half."""
    many, side, _, depth = maps.shape
    centres = (np.arange(windows) + 0.5) * side / windows
    weights = np.clip(1 - np.abs(np.arange(side) + 0.5 - centres[:, None]) * windows / side, 0, None)
    weights = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    rows = (weights @ maps.reshape(many, side, side * depth)).reshape(many, windows, side, depth)
    return (weights @ rows).reshape(many, windows**2, depth)


def _unit(histograms: np.ndarray) -> np.ndarray:
    """(B, W, D) -> (B, W * D) without its mean, of length 1; zeros where all is the same."""
    flat = histograms.reshape(len(histograms), -1)
    flat = flat - flat.mean(1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
