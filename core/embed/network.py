"""Vectors from a pretrained timm network: what it makes of a picture just before it would name a class.

On a CPU it is exported once to ONNX and run by onnxruntime, at least twice as fast as torch there; on a GPU torch
runs it, in half precision where that says the same.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.backbones.pretrained import look
from core.embed import kept
from core.embed.embedder import Embedder
from core.errors import BadInput
from core.pixels import tensor
from core.weights import digest, known, timm_file, timm_network, versioned

if TYPE_CHECKING:
    import torch
    from torch import nn

CPU_BATCH, GPU_BATCH = 32, 256
EXPORTED, HALF = 1e-5, 1e-3  # by how much 1 - cosine may differ from torch in fp32
DINOV2 = 224  # px: it was trained at 518, where a picture costs six times as much
Run = Callable[[np.ndarray], np.ndarray]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a network sees."""

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    shape: dict[str, Any]  # what timm wants to know to build it


def network(
    name: str, weights: Path | None, where: torch.device, threads: int = 0, folder: Path | None = None
) -> Embedder:
    """The timm network of that name. `folder`: where an exported one is kept; `threads`: 0 = as many as torch takes.

    Raises BadInput where timm has no such network or it gives no vectors, Missing where its weights cannot be had, and
    Damaged where their file does not fit.
    """
    file, seen = timm_file(name, weights), _seen(name)
    version = digest(file)
    if where.type == "cpu":
        run = _on_cpu(name, file, kept.key(name, version, seen.size), seen, where, threads, folder)
    else:
        run = _on_gpu(name, file, seen, where)
    dims = run(_probe(seen.size)[:1]).shape[1]
    about = f"Pictures are compared by what the trained network {name} sees in them."
    batch = CPU_BATCH if where.type == "cpu" else GPU_BATCH
    return Embedder(name, versioned(name, version), seen.size, dims, about, batch, run)


def _seen(name: str) -> _Seen:
    size, mean, std = look(name, 0)
    if "dinov2" in str(known(name).architecture):
        return _Seen(DINOV2, mean, std, {"img_size": DINOV2})
    return _Seen(size, mean, std, {})


def _on_cpu(
    name: str, file: Path, key: str, seen: _Seen, where: torch.device, threads: int, folder: Path | None
) -> Run:
    model = kept.read(folder, key)
    if model is None:
        net = _net(name, file, seen)
        try:
            model = kept.export(net, seen.size)
        except kept.FAILURES as error:
            return _instead(name, str(error), _torch(net, seen, where))
        run = _session(model, seen, threads)
        if not _agree(_torch(net, seen, where), run, seen.size, EXPORTED):
            return _instead(name, "the exported network says something else", _torch(net, seen, where))
        kept.write(folder, key, model, {"network": name, "size": seen.size, "mean": seen.mean, "std": seen.std})
        return run
    return _session(model, seen, threads)


def _instead(name: str, reason: str, run: Run) -> Run:
    _log.warning("%s runs in torch, more slowly: it could not be exported to ONNX (%s).", name, reason.split("\n")[0])
    return run


def _session(model: bytes, seen: _Seen, threads: int) -> Run:
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # waiting threads would hold cores of others
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(pixels: np.ndarray) -> np.ndarray:
        batch = tensor(pixels, seen.mean, seen.std, "cpu").contiguous().numpy()
        return np.asarray(session.run(None, {"pixels": batch})[0])

    return run


def _on_gpu(name: str, file: Path, seen: _Seen, where: torch.device) -> Run:
    net = _net(name, file, seen)
    plain, half = _torch(net, seen, where), _torch(copy.deepcopy(net).half(), seen, where)
    return half if _agree(plain, half, seen.size, HALF) else plain


def _torch(net: nn.Module, seen: _Seen, where: torch.device) -> Run:
    import torch

    net = net.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    kind = next(net.parameters()).dtype

    def run(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return net(tensor(pixels, seen.mean, seen.std, where).to(kind)).float().cpu().numpy()

    return run


def _net(name: str, file: Path, seen: _Seen) -> nn.Module:
    import torch

    net = timm_network(name, file, **seen.shape)
    with torch.inference_mode():
        made = net(torch.zeros(1, 3, seen.size, seen.size))
    if getattr(made, "ndim", 0) != 2:
        raise BadInput(f"The network {name!r} does not give one vector for a picture: choose another one.")
    return net


def _agree(one: Run, other: Run, size: int, most: float) -> bool:
    """Whether both say the same of the probe, to a distance of 1 - cosine."""
    pictures = _probe(size)
    a, b = (run(pictures).astype(np.float64) for run in (one, other))
    cosine = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return bool((1 - cosine <= most).all())  # what overflowed is no number, and no agreement


def _probe(size: int) -> np.ndarray:
    """(4, size, size, 3) uint8: patches of colour, always the same."""
    patches = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    at = np.arange(size) * 8 // size
    return np.ascontiguousarray(patches[:, at][:, :, at])
