"""Pictures go through a network a few at a time, and it says the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from core.evaluate import logits


@pytest.mark.parametrize(("size", "most"), [(24, 128), (75, 128), (224, 41), (2000, 1)])
def test_fewer_large_pictures_are_looked_at_at_once_and_what_is_said_is_the_same(size: int, most: int) -> None:
    net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 2)).eval()
    seen: list[int] = []
    net.register_forward_hook(lambda _net, args, _out: seen.append(len(args[0])))
    pixels = np.broadcast_to(np.arange(most + 3, dtype=np.uint8)[:, None, None, None], (most + 3, size, size, 3))
    said = logits(net, pixels, (0.5,) * 3, (0.25,) * 3, torch.device("cpu"))
    assert seen == [most, 3] if most > 3 else set(seen) == {most}
    one_by_one = [logits(net, pixels[i : i + 1], (0.5,) * 3, (0.25,) * 3, torch.device("cpu")) for i in (0, most + 2)]
    assert np.allclose(said[[0, -1]], np.concatenate(one_by_one), atol=1e-5)


def test_where_memory_does_not_suffice_fewer_are_looked_at_and_what_is_said_is_the_same() -> None:
    class Cramped(nn.Module):
        def __init__(self, room: int) -> None:
            super().__init__()
            self.room, self.line = room, nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) > self.room:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return self.line(x.mean((2, 3)))

    net, pixels = Cramped(1000).eval(), np.random.default_rng(0).integers(0, 256, (300, 8, 8, 3), np.uint8)
    said = [logits(net, pixels, (0.5,) * 3, (0.5,) * 3, torch.device("cpu"))]
    net.room = 5
    said.append(logits(net, pixels, (0.5,) * 3, (0.5,) * 3, torch.device("cpu")))
    np.testing.assert_allclose(*said, rtol=1e-5, atol=1e-6)
    net.room = 0
    with pytest.raises(torch.OutOfMemoryError):
        logits(net, pixels, (0.5,) * 3, (0.5,) * 3, torch.device("cpu"))
