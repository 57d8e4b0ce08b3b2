"""Where pretrained weights come from: the folder that WINNOW_WEIGHTS names, then the hub, else a sentence that says what
to put where.

A file is read as safetensors or not at all: nothing of it is ever unpickled, and it has to fit its network to the last
tensor.
"""

from __future__ import annotations

import difflib
import hashlib
import logging
import textwrap
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, Damaged, Missing

if TYPE_CHECKING:
    import torch
    from timm.models import PretrainedCfg
    from torch import nn

HUB_FILE = "model.safetensors"
HUB_SECONDS = 8.0  # for the hub to say that it has the file; how long the file itself takes is another matter
_log = logging.getLogger(__name__)


def local(folder: Path | None, *names: str) -> Path | None:
    """The first file `<folder>/<name>` that is there; None where there is none."""
    return next((folder / name for name in names if (folder / name).is_file()), None) if folder else None


def digest(weights: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(weights, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versioned(name: str, sha256: str) -> str:
    """`name@1a2b3c4d`, the start of its weights' SHA-256: what other weights made under the same name is another thing."""
    return f"{name}@{sha256[:8]}"


def known(name: str) -> PretrainedCfg:
    """What timm knows of the network of that name, such as "mobilenetv2_100" or "<architecture>.<tag>".

    Raises BadInput, with near names, where it knows none.
    """
    import timm

    with suppress(RuntimeError):  # the architecture is there, the tag is not
        found = timm.models.get_pretrained_cfg(name)
        if found is not None:
            return found
    names = timm.list_models(pretrained=True)
    near = difflib.get_close_matches(name, [*names, *{each.partition(".")[0] for each in names}], 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "wanted is the name of one of timm's models."
    raise BadInput(f"timm has no network called {name!r}: {hint}")


def timm_file(name: str, folder: Path | None) -> Path:
    """The weights of a timm network: `<name>.safetensors` in the folder, else from the hub or its cache.

    Raises BadInput where timm has no such network, and Missing where its weights cannot be had.
    """
    cfg = known(name)
    names = [f"{each}.safetensors" for each in _aliases(name, cfg)]
    found = local(folder, *names) or (_from_hub(str(cfg.hf_hub_id)) if cfg.hf_hub_id else None)
    if found is None:
        there = f" ({folder})" if folder else ""
        origin = f"; https://huggingface.co/{cfg.hf_hub_id} has it as {HUB_FILE}" if cfg.hf_hub_id else ""
        raise Missing(
            f"The weights of {name!r} are not here and could not be downloaded: put {names[0]} into the folder that "
            f"WINNOW_WEIGHTS names{there}{origin}."
        )
    return found


def timm_network(name: str, file: Path, **shape: Any) -> nn.Module:
    """The timm network of that name with the file's weights and without its classifier, in evaluation mode.

    It takes (B, 3, S, S) float and returns (B, D) pooled features. `shape`: what timm wants to know besides, such as
    `img_size`. Raises Damaged where the file is no safetensors or does not fit.
    """
    import timm

    overlay = {"state_dict": tensors(file)}
    try:  # built whole: without the classifier timm no longer minds what is missing
        net: Any = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, **shape)
    except (RuntimeError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        reason = textwrap.shorten(str(error), 200)
        raise Damaged(f"{file} does not hold the weights of {name!r}: {reason}") from None
    net.pretrained_cfg = {key: value for key, value in net.pretrained_cfg.items() if key != "state_dict"}
    net.reset_classifier(0)
    return net.eval().requires_grad_(False)


def tensors(file: Path) -> dict[str, torch.Tensor]:
    """What a safetensors file holds. Raises Damaged where it is none, or was cut short."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(file.read_bytes())
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise Damaged(f"{file} is no whole safetensors file, so it is not used: {error}.") from None


def _aliases(name: str, cfg: PretrainedCfg) -> list[str]:
    """The names a file may bear: with its tag, and without where the tag is the one that timm takes unasked."""
    import timm

    usual = timm.models.get_pretrained_cfg(str(cfg.architecture))
    plain = [str(cfg.architecture)] if usual is not None and usual.tag == cfg.tag else []
    return list(dict.fromkeys([name, f"{cfg.architecture}.{cfg.tag}", *plain]))


def _from_hub(repository: str) -> Path | None:
    """The file in the hub's own cache, else downloaded into it; None, and a line in the log, where neither can be."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import HTTPError  # pyright: ignore[reportPrivateImportUsage]

    kept = try_to_load_from_cache(repository, HUB_FILE)
    if isinstance(kept, str):
        return Path(kept)
    try:  # asked first: the download itself would try again for half a minute where there is no network
        return Path(hf_hub_download(repository, HUB_FILE)) if _answers(repository) else None
    except (OSError, HTTPError) as error:
        _log.warning("The download of %s/%s failed: %s", repository, HUB_FILE, error)
        return None


def _answers(repository: str) -> bool:
    """Whether the hub says, in time, that it has the file.

    In a thread of its own, because no timeout reaches a name server that keeps silent.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HTTPError  # pyright: ignore[reportPrivateImportUsage]

    said: list[object] = []

    def ask() -> None:
        try:
            said.append(get_hf_file_metadata(hf_hub_url(repository, HUB_FILE), timeout=HUB_SECONDS / 2))
        except (OSError, HTTPError) as error:  # offline mode is an OSError as well
            _log.warning("The hub does not give %s/%s: %s", repository, HUB_FILE, error)

    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(HUB_SECONDS)
    return bool(said)
