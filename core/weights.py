"""Where pretrained weights come from: the folder WINNOW_WEIGHTS, else a clear error. Nothing is downloaded here."""

from __future__ import annotations

from pathlib import Path

from core.errors import Missing


def find(name: str, folder: Path | None) -> Path:
    """The weights file `name` ("yolov8n.pt", "mobilenetv2_100.safetensors") in `folder`.

    Raises Missing with what to do where the folder is not set or has no such file.
    """
    if folder is None:
        raise Missing(f"{name} is needed, and WINNOW_WEIGHTS is not set: name the folder that holds it.")
    path = Path(folder) / name
    if not path.is_file():
        raise Missing(f"{name} is not in WINNOW_WEIGHTS={str(folder)!r}: put the file there.")
    return path
