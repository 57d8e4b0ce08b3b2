"""What a training leaves behind, on disk: safetensors and JSON, each with its SHA-256, never a pickle.

A checkpoint is a folder that is enough to predict and explain with nothing else: `model-<16 hex>.safetensors` (weights),
`validation-<16 hex>.safetensors` (logits and labels that calibration and ensembles learn from, and some training pictures,
the background that SHAP compares with) and `checkpoint.json`, which names them. Data are called by their own SHA-256, so
what comes later never takes the place of what the JSON names: it is replaced as one, by the rename of the JSON, and what
no JSON names any more goes after that. (Until now they were called `model.safetensors` and `validation.safetensors`.)
A training not yet done keeps its last two states beside it in the same way, `state-<epoch>-<16 hex>.safetensors` and
`state-<epoch>.json`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from core import orphans
from core.errors import Damaged, Missing
from core.model import Cropping, Recipe
from core.whole import write

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from core.evaluate.strange import Familiar

WEIGHTS, VALIDATION, FACTS = "model", "validation", "checkpoint.json"
DATA = re.compile(r"(model|validation|state-\d+)(-[0-9a-f]{16})?\.safetensors")  # early ones bear no hash
ABANDONED = 600.0  # seconds without a byte, after which a file not ended is nobody's: one training writes to a folder
NO_SEAL = "0" * 64


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network, ready to predict: batch norm folded in, evaluation mode, channels-last, on its device."""

    recipe: Recipe
    classes: tuple[str, ...]
    net: nn.Sequential  # (B, 3, size, size) -> (B, C) logits
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    temperature: float
    split: int | None
    metrics: Mapping[str, Any]
    device: torch.device
    val_logits: np.ndarray  # (N, C) float32
    val_labels: np.ndarray  # (N,) int64
    background: np.ndarray  # (K, size, size, 3) uint8, pictures of the train part
    crop: Cropping = Cropping()  # how the pictures it learned from were cropped
    familiar: Familiar | None = None  # where it has its training pictures; None where nobody looked at them yet

    def seen(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, size, size, 3) uint8 -> (N, C) float32 logits, and (N,) how strange (`core.evaluate.strange`)."""
        import torch

        from core.evaluate.strange import energy
        from core.neighbours import features, unit

        found = features(self, pixels)
        with torch.inference_mode():
            logits = self.net[-1](torch.from_numpy(found).to(self.device)).cpu().numpy()
        return logits, energy(logits) if self.familiar is None else self.familiar.distance(unit(found))

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """(N, size, size, 3) uint8 -> (N, C) float32, in full precision, as an exported model says it."""
        from core.evaluate import logits

        return logits(self.net, pixels, self.mean, self.std, self.device)

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """(N, size, size, 3) uint8 -> (N, C) float64, calibrated."""
        from core.evaluate import softmax

        return softmax(self.logits(pixels), self.temperature)


def save(
    folder: Path, recipe: Recipe, classes: tuple[str, ...], weights: Mapping[str, torch.Tensor],
    validation: Mapping[str, torch.Tensor], temperature: float, split: int | None, metrics: Mapping[str, Any],
    crop: Cropping = Cropping(),
) -> None:  # fmt: skip
    """Write a checkpoint; `validation` holds `logits`, `labels` and `background` as `Model` describes them.

    Killed at any moment it leaves the one before, or this one, whole.
    """
    import torch
    from safetensors.torch import save as pack

    from core.backbones import look

    seen = look(recipe)
    packed = {WEIGHTS: pack(_plain(weights)), VALIDATION: pack(_plain(validation))}
    files = {_named(of, data): data for of, data in packed.items()}
    facts = {
        "recipe": dataclasses.asdict(recipe),
        "classes": list(classes),
        "preprocessing": {"size": seen.size, "resize": "bicubic", "mean": list(seen.mean), "std": list(seen.std)},
        "temperature": temperature,
        "split": split,
        "crop": dataclasses.asdict(crop),
        "metrics": dict(metrics),
        "versions": {"torch": str(torch.__version__)},
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write(folder / name, data, sync=True)
    write(folder / FACTS, _sealed(facts), sync=True)
    _drop_data(folder, packed, files)
    orphans.remove(folder, ABANDONED)


def load(folder: Path, device: str = "cpu") -> Model:
    """The model of a checkpoint folder, on the device of that name (see `core.device`).

    Raises Missing where there is none, and Damaged where a file's SHA-256 is not the one written down.
    """
    import torch
    from safetensors.torch import load as unpack

    from core.backbones import build
    from core.device import device as find
    from core.neighbours import familiar

    folder, where = Path(folder), find(device)
    facts, data = _whole(folder)
    try:
        recipe = Recipe.stored(facts["recipe"])
        weights, validation = unpack(data[WEIGHTS]), unpack(data[VALIDATION])
        net = build(recipe, len(facts["classes"]))
        net.load_state_dict(weights)
        net = folded(net).to(where).to(memory_format=torch.channels_last)
        seen, chosen = facts["preprocessing"], float(facts["temperature"])
        mean, std, background = tuple(seen["mean"]), tuple(seen["std"]), validation["background"].numpy()
        made = Model(
            recipe, tuple(facts["classes"]), net, int(seen["size"]), mean, std, chosen, facts["split"], facts["metrics"],
            where, validation["logits"].numpy(), validation["labels"].numpy(), background,
            Cropping(**facts.get("crop", {})),
        )  # fmt: skip
        return dataclasses.replace(made, familiar=familiar(made, folder))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise Damaged(
            f"{folder / FACTS} does not fit its weights: {type(error).__name__} {error}; train again."
        ) from None


def metrics(folder: Path) -> Mapping[str, Any]:
    """The figures of a checkpoint whose files are whole; the network is not built. Raises Missing or Damaged."""
    return _whole(folder)[0]["metrics"]


def weights(folder: Path) -> bytes:
    """The weights as they were trained, batch norm not folded: bytes of safetensors. Raises Missing or Damaged."""
    return _whole(folder)[1][WEIGHTS]


def finished(folder: Path, recipe: Recipe, classes: Sequence[str]) -> bool:
    """Whether the folder holds the checkpoint of this recipe, trained to its end: a job killed in its last moment does
    not train twice."""
    try:
        facts = _json(folder / FACTS)
    except (Missing, Damaged):
        return False
    same = Recipe.stored(facts["recipe"]) == recipe and facts["classes"] == list(classes)
    return same and facts["metrics"].get("finished", True)


def tidy(folder: Path) -> None:
    """Remove what a training that was killed in its last moment left beside its whole checkpoint. Raises as `load`."""
    for state in folder.glob("state-*.json"):
        drop_state(state)
    _drop_data(folder, [WEIGHTS, VALIDATION], _json(folder / FACTS)["sha256"])
    orphans.remove(folder, ABANDONED)


def folded(net: nn.Sequential) -> nn.Sequential:
    """The same function in evaluation mode, with each batch norm folded into the layer before it."""
    from collections import OrderedDict

    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

    layers: OrderedDict[str, nn.Module] = OrderedDict()
    last = ""
    for name, module in net.eval().named_children():
        if isinstance(module, nn.BatchNorm2d):
            layers[last] = fuse_conv_bn_eval(cast(nn.Conv2d, layers[last]), module)
        elif isinstance(module, nn.BatchNorm1d):
            layers[last] = fuse_linear_bn_eval(cast(nn.Linear, layers[last]), module)
        else:
            layers[name], last = module, name
    return nn.Sequential(layers).eval().requires_grad_(False)


def save_state(folder: Path, epoch: int, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Keep where a training stands after `epoch`, and the state before it; older ones go.

    Killed at any moment it leaves each state that was whole as it was, another one of this epoch too.
    """
    from safetensors.torch import save as pack

    folder.mkdir(parents=True, exist_ok=True)
    data = pack(_plain(tensors))
    path = folder / f"state-{epoch:05d}.json"
    name, sha256 = _named(path.stem, data), hashlib.sha256(data).hexdigest()
    write(folder / name, data)
    write(path, _sealed({**facts, "epoch": epoch, "file": name, "sha256": sha256}))
    _drop_data(folder, [path.stem], [name])
    for old in sorted(folder.glob("state-*.json"))[:-2]:
        drop_state(old)


def begun(folder: Path) -> bool:
    """Whether there is a state to go on from."""
    return any(folder.glob("state-*.json"))


def drop_state(facts: Path) -> None:
    facts.unlink(missing_ok=True)
    _drop_data(facts.parent, [facts.stem])


def _drop_data(folder: Path, of: Iterable[str], but: Iterable[str] = ()) -> None:
    """Remove the data files of "model", "validation" or a state that nothing names any more."""
    of, but = set(of), set(but)
    for path in folder.glob("*.safetensors"):
        whose = DATA.fullmatch(path.name)
        if whose and whose[1] in of and path.name not in but:
            path.unlink(missing_ok=True)


def load_state(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any], list[str]] | None:
    """The newest state that is whole: its tensors, its facts, and a sentence for each damaged one passed over.

    None where there is no state at all. Raises Damaged where there are some, and none is whole.
    """
    from safetensors.torch import load as unpack

    warnings: list[str] = []
    for path in sorted(folder.glob("state-*.json"), reverse=True):
        try:
            facts = _json(path)
            tensors = unpack(_verified(folder / facts.get("file", f"{path.stem}.safetensors"), facts["sha256"]))
        except (Damaged, Missing, KeyError) as error:
            warnings.append(f"{error} The training goes on from the state before.")
            continue
        return tensors, facts, warnings
    if warnings:
        raise Damaged(f"No state in {folder} is whole: delete the folder to train from the start. {warnings[0]}")
    return None


def _named(of: str, data: bytes) -> str:
    return f"{of}-{hashlib.sha256(data).hexdigest()[:16]}.safetensors"


def _whole(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What the JSON of a checkpoint says, and the data that it names: "model" -> bytes, "validation" -> bytes.

    A training that is stopped once more puts another checkpoint in its place: where that happens in this moment, it is
    the other one.
    """
    facts = _json(folder / FACTS)
    while True:
        try:
            named = {DATA.fullmatch(name): sha256 for name, sha256 in facts["sha256"].items()}
            return facts, {of[1]: _verified(folder / of[0], sha256) for of, sha256 in named.items() if of}
        except Damaged:
            now = _json(folder / FACTS)
            if now == facts:
                raise
            facts = now


def _sealed(facts: Mapping[str, Any]) -> bytes:
    """JSON that carries, as `seal`, the SHA-256 of its own bytes with zeros where the seal stands."""
    blank = json.dumps({**facts, "seal": NO_SEAL}, indent=1, ensure_ascii=False).encode()
    return blank.replace(NO_SEAL.encode(), hashlib.sha256(blank).hexdigest().encode())


def _json(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        facts = json.loads(data)
    except FileNotFoundError:
        raise Missing(f"{path} is not there: this training has not finished, or was deleted by hand.") from None
    except ValueError:
        raise Damaged(f"{path} is damaged: it is no JSON.") from None
    seal = str(facts.pop("seal", "")) if isinstance(facts, dict) else ""
    if len(seal) != len(NO_SEAL) or hashlib.sha256(data.replace(seal.encode(), NO_SEAL.encode())).hexdigest() != seal:
        raise Damaged(f"{path} is damaged: its SHA-256 is not the one written down when it was saved.")
    return facts


def _verified(path: Path, sha256: str) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{path} is not there, but the JSON beside it names it.") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Damaged(f"{path} is damaged: its SHA-256 is not the one written down when it was saved.")
    return data


def _plain(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """On the CPU and in the default memory layout: safetensors keeps no strides."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
