"""Trained runs as files that others can run: ONNX, TorchScript and safetensors of each, and what binds them together.

The exported network takes pixels as they come out of a decoder and says calibrated probabilities: what is subtracted,
divided by and made of the logits is part of it. `labels.json` holds what `predict.py` needs beside the networks.
Everything is made in a folder beside, compared with the app on real pictures, and moved into place only then.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import uuid
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.embed.kept import FAILURES
from core.errors import BadInput
from core.evaluate import Ensemble
from core.evaluate.strange import exported
from core.export import model_card, place, same
from core.model import ENSEMBLES, Progress, Run
from core.pixels import frame_side

if TYPE_CHECKING:
    from torch import nn

    from core.blobs import Blobs
    from core.checkpoint import Model
    from core.evaluate.strange import Familiar
    from core.model import Project
    from core.settings import Settings
    from db.store import Store

FORM = "model"
SCRIPT = Path(__file__).with_name("script.py")
BESIDE = ("labels.json", "predict.py", "MODEL_CARD.md")


def check(folder: Path, project: str, runs: Sequence[Run]) -> dict[str, Any]:
    """See that the export may go there: see `core.export.place.opened`."""
    names = [*BESIDE, *(f"{run.id}.{end}" for run in runs for end in ("onnx", "pt", "safetensors"))]
    return place.opened(folder, project, FORM, dict.fromkeys(names, "a file"))


def model(
    store: Store, blobs: Blobs, settings: Settings, project: Project, folder: Path, runs: Sequence[int] = (),
    ensemble: str = "average",
) -> Generator[Progress, None, dict[str, Any]]:  # fmt: skip
    """Export the runs (by default as `predict` chooses them) into the folder; `ensemble` is the one whose word counts.

    Raises BadInput where there is no such run, where a network cannot be translated or the folder cannot take it,
    Missing or Damaged where a checkpoint is gone or not whole, and Damaged where an exported file says something else
    than the model.
    """
    from core.runs import choose, load_models

    if ensemble not in ENSEMBLES:
        raise BadInput(f"Ensemble {ensemble!r} is not known: choose one of {', '.join(ENSEMBLES)}.")
    chosen = choose(store, project.id, runs)
    earlier = check(folder, project.name, chosen)
    total = 6 * len(chosen) + 1  # three files of each, written and compared, and predict.py
    yield Progress(0, total, "loading the models")
    models = load_models(settings.model_copy(update={"device": "cpu"}), chosen)
    facts = labels(project, chosen, models, ensemble)
    work = folder / f"export.{uuid.uuid4().hex}.part"
    with place.writing(folder):
        for left in folder.glob("export.*.part"):  # of an export that was killed
            shutil.rmtree(left, ignore_errors=True)
        work.mkdir()
        try:
            done = 0
            for name, write in (("ONNX", _onnx), ("TorchScript", _torchscript), ("safetensors", _safetensors)):
                for run, one, member in zip(chosen, models.values(), facts["members"], strict=True):
                    yield Progress(done, total, f"writing {run.name} as {name}")
                    write(work, settings, run, one, {**facts, "members": [member]})
                    done += 1
            (work / "labels.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", "utf-8")
            shutil.copyfile(SCRIPT, work / "predict.py")
            looked = same.looked(store, blobs, project, store.split(project.id, chosen[0].split), models)
            found = same.Found(looked)
            for note in same.compare(work, chosen, models, ensemble, found):
                yield Progress(done, total, note)
                done += 1
            yield Progress(done, total, "writing the card")
            card = model_card.text(store, project, chosen, models, facts, found.result())
            (work / "MODEL_CARD.md").write_text(card, "utf-8", "replace")
            files = sorted(path.name for path in work.iterdir())
            for file in files:
                os.replace(work / file, folder / file)
            place.drop(folder, earlier, files)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        result = {
            "runs": {run.name: run.id for run in chosen},
            "ensemble": ensemble,
            "same": found.result(),
        }
        place.mark(folder, project.name, FORM, {**result, "finished": True, "files": place.listed(folder, files)})
    return {"files": [str(folder / file) for file in files], "folder": str(folder), "format": FORM, **result}


def labels(project: Project, runs: Sequence[Run], models: Mapping[str, Model], ensemble: str) -> dict[str, Any]:
    """What `labels.json` says. `members`: each network with what it sees; `ensembles`: how they speak together."""
    from core.recipes import written

    together, first = Ensemble(models), next(iter(models.values()))
    members = [
        {
            "run": run.id, "name": name, "recipe": written(one.recipe), "file": f"{run.id}.onnx", "size": one.size,
            "reduced": frame_side(one.size), "resize": "bicubic, antialiased, to a square; the aspect ratio is not kept",
            "mean": list(one.mean), "std": list(one.std), "temperature": one.temperature,
            "input": f"pixels: (B, {one.size}, {one.size}, 3) uint8, RGB", "output": "probabilities: (B, classes) float32, calibrated; strange: (B,) float32, the higher the less it is like the training pictures",
        }
        for run, (name, one) in zip(runs, models.items(), strict=True)
    ]  # fmt: skip
    return {
        "classes": list(first.classes), "ensemble": ensemble, "members": members,
        "ensembles": {name: _speaks(name, together) for name in ENSEMBLES}, "none_of_these": exported(together.strange),
        "project": project.name, "split": first.split, "crop": first.crop.detector, "made_with": "Winnow",
    }  # fmt: skip


def _speaks(name: str, together: Ensemble) -> dict[str, Any]:
    """How an ensemble makes one word of its members': `weights` of a mean, or whom to `trust` on which class, the one
    named first in `order` among equals."""
    if name == "priority":
        return {"trust": together.f1.tolist(), "order": together._order.tolist()}
    weights = {"average": np.full(len(together.names), 1 / len(together.names)), "weighted": together.weights}
    return {"weights": weights[name].tolist()}


def network(one: Model) -> nn.Module:
    """(B, S, S, 3) uint8 -> (B, C) float32 calibrated probabilities and (B,) how strange (`core.evaluate.strange`), in full
    precision on the CPU."""
    import copy

    import torch
    from torch import nn

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mean: torch.Tensor
            self.std: torch.Tensor
            net = copy.deepcopy(one.net).to(torch.float32).to(memory_format=torch.contiguous_format)
            self.front, self.last = net[:-1], net[-1]
            self.far = Far(one.familiar) if one.familiar else None
            self.register_buffer("mean", 255 * torch.tensor(one.mean).view(1, 3, 1, 1))
            self.register_buffer("std", 255 * torch.tensor(one.std).view(1, 3, 1, 1))

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            seen = self.front((pixels.permute(0, 3, 1, 2).to(torch.float32) - self.mean) / self.std)
            logits = self.last(seen)
            strange = self.far(seen) if self.far else -torch.logsumexp(logits, dim=1)
            return torch.softmax(logits / one.temperature, dim=1), strange

    class Far(nn.Module):
        """As `core.evaluate.strange.Familiar.distance`."""

        def __init__(self, familiar: Familiar) -> None:
            super().__init__()
            self.whitening: torch.Tensor
            self.means: torch.Tensor
            self.register_buffer("whitening", torch.from_numpy(familiar.whitening))
            self.register_buffer("means", torch.from_numpy(familiar.means).T.contiguous())

        def forward(self, seen: torch.Tensor) -> torch.Tensor:
            seen = (seen / seen.norm(dim=1, keepdim=True).clamp(min=1e-12)) @ self.whitening
            squares = (seen**2).sum(dim=1, keepdim=True) - 2 * seen @ self.means + (self.means**2).sum(dim=0)
            return squares.min(dim=1).values.clamp(min=0).sqrt()

    return Whole().eval()


def _example(one: Model) -> tuple:
    import torch

    return (torch.from_numpy(np.array(one.background[:2])),) if len(one.background) > 1 else (
        torch.zeros(2, one.size, one.size, 3, dtype=torch.uint8),)  # fmt: skip


def _onnx(folder: Path, settings: Settings, run: Run, one: Model, facts: Mapping[str, Any]) -> None:
    import onnx
    import torch

    to: Any = io.BytesIO()
    names: dict[str, Any] = {"input_names": ["pixels"], "output_names": ["probabilities", "strange"]}
    free = {name: {0: "batch"} for name in ("pixels", "probabilities", "strange")}
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):  # it prints the whole graph where it fails
            warnings.simplefilter("ignore")
            torch.onnx.export(network(one), _example(one), to, dynamic_axes=free, dynamo=False, **names)
    except FAILURES as error:
        raise BadInput(
            f"Run {run.id} ({run.name}) cannot be written as ONNX: its network has a layer that the format lacks "
            f"({str(error).splitlines()[0][:200]}). Choose other runs."
        ) from None
    made = onnx.load_from_string(to.getvalue())
    made.producer_name, made.doc_string = "Winnow", "See MODEL_CARD.md."
    onnx.helper.set_model_props(made, {key: _text(value) for key, value in _inside(facts).items()})
    (folder / f"{run.id}.onnx").write_bytes(made.SerializeToString())


def _torchscript(folder: Path, settings: Settings, run: Run, one: Model, facts: Mapping[str, Any]) -> None:
    import torch

    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # deprecated since torch 2.9, and what those who deploy it ask for
        traced = torch.jit.trace(network(one), _example(one), check_trace=False)
        torch.jit.save(traced, to := io.BytesIO(), _extra_files={"labels.json": json.dumps(_inside(facts))})
    (folder / f"{run.id}.pt").write_bytes(to.getvalue())


def _safetensors(folder: Path, settings: Settings, run: Run, one: Model, facts: Mapping[str, Any]) -> None:
    """The weights as they were trained, batch norm not folded, under the names of `core.backbones`."""
    from safetensors.torch import load, save

    from core.checkpoint import weights
    from core.runs import run_folder

    metadata = {"format": "pt", **{key: _text(value) for key, value in _inside(facts).items()}}
    packed = save(load(weights(run_folder(settings, run.id))), metadata)
    (folder / f"{run.id}.safetensors").write_bytes(packed)


def _inside(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What each file carries of itself: its labels, and what is done to a picture before it."""
    [member] = facts["members"]
    return {"classes": facts["classes"], "project": facts["project"], "crop": facts["crop"], **member}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
