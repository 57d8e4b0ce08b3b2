"""What was exported from these pages: where it lies, what is in it, how to download it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.export import place
from core.licences import FILTERS
from core.model import Project
from pages.parts import house, progress, routes

FORMS = {
    "imagefolder": "Folders by class (ImageFolder)", "csv": "Pictures and a CSV table", "parquet": "Pictures and a Parquet table",
    "coco": "COCO", "huggingface": "Hugging Face", "model": "Models",
}  # fmt: skip
PARTS = {"train": "train", "val": "validation", "test": "test"}
WHAT = {  # how a file's name ends -> what it is
    ".onnx": "the network, for onnxruntime and whatever else reads ONNX", ".pt": "the network, for PyTorch (TorchScript)",
    ".safetensors": "its weights, to go on training", "labels.json": "classes, preprocessing and how several models speak together",
    "predict.py": "asks the networks: needs onnxruntime, numpy and Pillow", "MODEL_CARD.md": "how good it is, on what, and its limits",
    "DATASET_CARD.md": "what is in it, where it comes from, what was left out", "README.md": "the card, as the hub shows it",
    "images.csv": "a row for each picture", "images.parquet": "a row for each picture", "metadata.parquet": "a row for each picture",
    "classes.json": "which folder is which class", "credits.csv": "author and licence of each picture",
    "credits.html": "the same as a page to publish", "certificate.json": "how many bad pictures may be left, and who says so",
    ".json": "pictures, boxes and classes of a part",
}  # fmt: skip
REASONS = {
    "rejected": "were rejected", "not in the split": "are not in the split", "licence": "have another licence",
}  # fmt: skip


def shelf(project: Project, busy: bool) -> None:
    """The exports there are, the newest first and open."""
    there = place.kept(place.shelf(house.settings().home, project.id))
    done = [(folder, said) for folder, said in there if said.get("finished")]
    if not done:
        return
    st.subheader("Ready to take along", anchor=False)
    for at, (folder, said) in enumerate(done):
        made = str(said.get("made", ""))[:16].replace("T", " ")
        with st.expander(f"**{house.text(title(said))}** · {made} UTC", expanded=at == 0 and not busy):
            one(project, folder, said)


def title(said: dict[str, Any]) -> str:
    """`COCO, split 39` or `Models: vgg75-bn, vgg100-bn`."""
    form = FORMS.get(str(said.get("format")), str(said.get("format")))
    if said.get("format") == "model":
        return f"{form}: {', '.join(said.get('runs', {}))}"
    parts = [f"split {said['split']}" if said.get("split") else "no split"]
    parts += [FILTERS[said["licence"]]] if said.get("licence") in FILTERS else []
    return f"{form}, {', '.join(parts)}"


def one(project: Project, folder: Path, said: dict[str, Any]) -> None:
    st.markdown(same(said) if said.get("format") == "model" else held(said))
    files = [(each["file"], progress.size(each["bytes"]), what(each["file"])) for each in said.get("files", ())]
    if said.get("images"):
        files.append(
            (f"{said['images']:,} pictures", progress.size(said["bytes"]), "the originals, named by their SHA-256")
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.link_button(
            "Download as .zip", routes.export_address(project.id, folder.name), icon=":material/download:",
            help="It is put together while it is sent, so it may be as large as it likes.",
        )  # fmt: skip
        st.caption(f"or take the folder on this computer: {house.text(folder)}")
    st.dataframe(pd.DataFrame(files, columns=["file", "size", "what it is"]), hide_index=True, width="stretch",
                 column_config={"size": st.column_config.TextColumn(width="small")})  # fmt: skip


def what(file: str) -> str:
    return next((about for end, about in WHAT.items() if file.endswith(end)), "")


def small(number: float) -> str:
    """`0.000002`, never 2e-06."""
    return f"{number:.6f}" if number >= 5e-7 else "0.000001"


def held(said: dict[str, Any]) -> str:
    """What a data set holds, and what it does not."""
    parts = ", ".join(f"{number:,} {PARTS.get(part, part)}" for part, number in said.get("parts", {}).items())
    out = [f"{n:,} {REASONS[why]}" for why, n in said.get("left_out", {}).items() if n and why in REASONS]
    if said.get("failed"):
        why = ", ".join(f"{n:,} {reason}" for reason, n in said.get("failures", {}).items())
        out.append(f"{said['failed']:,} could not be read ({why})")
    left = house.text(f"Left out: {', '.join(out)}.") if out else ""
    return f"**{house.count(said.get('images', 0), 'picture')}** ({parts}). {left}"


def same(said: dict[str, Any]) -> str:
    """How far the exported files agree with the app."""
    found = said["same"]
    networks = max((apart for file, apart in found["largest_difference"].items() if file != "predict.py"), default=0.0)
    return (
        f"Asked about **{house.count(found['images'], 'real picture')}**, no probability of a network differs from the app's by more "
        f"than {small(networks)}, and none of predict.py's by more than {small(found['largest_difference']['predict.py'])} "
        f"(allowed: {found['limits']['equal pixels']:g} and {found['limits']['files']:g}); the same class on "
        f"{found['labels_equal']:,} of {found['images']:,}."
    )


def terminal(project: Project) -> None:
    with st.expander("The same in a terminal, to a folder of your choice"):
        name = shlex.quote(project.name)
        st.code(
            f"python -m core export --project {name} --to DIR --format imagefolder\n"
            f"python -m core export --project {name} --to DIR --format model",
            None,
        )
        st.caption(
            "Forms: imagefolder, csv, parquet, coco, huggingface, model; and small ones that are written at once: credits, card "
            "(the data set's card alone), report (on training), evaluation. An export made again into its folder copies only what is new."
        )
