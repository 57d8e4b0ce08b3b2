"""Weights for both detectors, and files that look like weights and are not."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.detectors import torchvision as tv
from core.detectors import yolo
from tests.core.detectors.hostile import Evil, archive

FILES = {"yolo": yolo.FILE, "torchvision": f"{tv.STEM}.pth"}


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with weights for the torchvision detector, drawn by lot: it takes all and everything for a car."""
    torch.manual_seed(0)
    net = tv._network()
    with torch.no_grad():
        for layer in net.head.classification_head.module_list:
            layer[-1].bias.view(-1, 91)[:, 3] += 4  # 3 is torchvision's number for a car
    folder = tmp_path_factory.mktemp("weights")
    torch.save(net.state_dict(), folder / FILES["torchvision"])
    return folder


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """The folder with weights for the detector of that name; the real YOLO, where there is one."""

    def find(name: str) -> Path:
        if name == "torchvision":
            return request.getfixturevalue("drawn")
        weights = request.getfixturevalue("test_data") / "weights"
        if not (weights / yolo.FILE).is_file():
            pytest.skip(f"There is no {yolo.FILE} in {weights}.")
        return weights

    return find


@pytest.fixture
def wrong(tmp_path: Path, folder: Callable[[str], Path]) -> Callable[[str, str], tuple[Path, Path]]:
    """(detector, what is wrong) -> a folder with such a file under that detector's name, and a marker that must not
    appear."""

    def make(name: str, kind: str) -> tuple[Path, Path]:
        marker, file = tmp_path / "marker", tmp_path / FILES[name]
        real = folder(name) / FILES[name]
        if kind == "pickle":
            file.write_bytes(pickle.dumps(Evil(marker)))
        elif kind == "pickle in a zip":
            archive(file, pickle.dumps({"model": Evil(marker)}, protocol=2))
        elif kind == "newer pickle in a zip":
            archive(file, pickle.dumps({"model": Evil(marker)}, protocol=5))
        elif kind == "text":
            file.write_text("These are no weights.\n" * 100)
        elif kind == "empty":
            file.touch()
        elif kind == "cut short":
            file.write_bytes(real.read_bytes()[: real.stat().st_size // 2])
        elif kind == "safetensors":
            from safetensors.torch import save_file

            save_file({"a": torch.zeros(3)}, file)
        elif kind == "other tensors":
            torch.save({"a": torch.zeros(3)}, file)
        return tmp_path, marker

    return make
