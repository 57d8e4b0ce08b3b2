"""Pretrained networks for tests: weights drawn by lot, and a hub that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

SMALL = "test_efficientnet.r160_in1k"  # timm's own networks for tests, of some 400,000 weights
NO_EXPORT = "test_vit4.r160_in1k"  # ONNX has no word for its normalisation


def no_hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's cache is this folder, and its address is one where nobody listens."""
    address = "http://127.0.0.1:9"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)


def drawn_by_lot(name: str, folder: Path, seed: int = 0) -> Path:
    """Weights of that network as a person would have put them into the folder."""
    import timm
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    path = folder / f"{name}.safetensors"
    save_file(timm.create_model(name, pretrained=False).state_dict(), path)
    return path
