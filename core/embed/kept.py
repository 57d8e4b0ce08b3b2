"""Networks exported to ONNX, kept beside a JSON that says what they are; they may be deleted at any time."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import whole

if TYPE_CHECKING:
    from torch import nn

# What torch.onnx raises for architectures that it cannot translate.
FAILURES = (
    RuntimeError,
    ValueError,
    TypeError,
    NotImplementedError,
    AttributeError,
    KeyError,
    IndexError,
    AssertionError,
)


def key(name: str, weights: str, size: int) -> str:
    """The file name of an exported network: another one for other weights (their SHA-256), another size, other versions."""
    of = {"name": name, "weights": weights, "size": size, **_versions()}
    return f"{name}-{hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:16]}"


def export(net: nn.Module, size: int) -> bytes:
    """A network in evaluation mode as ONNX: "pixels" (B, 3, size, size) float32 -> "features" (B, D) float32.

    Raises one of FAILURES where its architecture cannot be translated.
    """
    import torch

    to: Any = io.BytesIO()
    any_number = {"pixels": {0: "batch"}, "features": {0: "batch"}}
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):  # it prints the whole graph where it fails
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, (torch.zeros(2, 3, size, size),), to, input_names=["pixels"], output_names=["features"],
            dynamic_axes=any_number, dynamo=False,  # the newer exporter needs one more library, for the same network
        )  # fmt: skip
    return to.getvalue()


def read(folder: Path | None, key: str) -> bytes | None:
    """What `write` kept under that key; None where there is nothing, or a byte of it is wrong."""
    if folder is None:
        return None
    try:
        facts = json.loads((folder / f"{key}.json").read_bytes())
        model = (folder / f"{key}.onnx").read_bytes()
    except (OSError, ValueError):
        return None
    same = isinstance(facts, dict) and facts.get("sha256") == hashlib.sha256(model).hexdigest()
    return model if same else None


def write(folder: Path | None, key: str, model: bytes, facts: Mapping[str, Any]) -> None:
    """Keep it; the JSON comes last, so a network without one was never finished."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    said = {**facts, "versions": _versions(), "sha256": hashlib.sha256(model).hexdigest()}
    whole.write(folder / f"{key}.onnx", model)
    whole.write(folder / f"{key}.json", json.dumps(said, indent=1).encode())


def _versions() -> dict[str, str]:
    return {library: version(library) for library in ("torch", "timm", "onnx", "onnxruntime")}
