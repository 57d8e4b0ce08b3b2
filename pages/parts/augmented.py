"""How training pictures are changed at random: a list to choose from, shown on twelve of the user's own pictures."""

from __future__ import annotations

import html
import random
from base64 import b64encode
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
import simplejpeg
import streamlit as st

from core.augment import AUGMENTATIONS, MIRRORS
from core.errors import WinnowError
from core.model import Box, Project, Recipe, Split
from core.pixels import squares
from pages.parts import house

TITLES = {"randaugment": "RandAugment", "mixup": "MixUp", "cutmix": "CutMix"}  # the others by their own names
USUAL = Recipe("")  # what is chosen until somebody chooses
SHOWN = 12
LARGEST = 224  # px, side of a picture on the page; strengths are shares of it, so that larger ones look alike
LIST = """<style>
[class*="st-key-list-"] label p { white-space: normal; }
</style>"""  # the sentences are there to be read: by itself a label ends with its line
STYLE = """<style>
.views { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 0.6rem 0.9rem; }
.views figure { margin: 0; font-size: 0.8rem; }
.views div { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; }
.views img { width: 100%; aspect-ratio: 1; display: block; border-radius: 0.35rem 0 0 0.35rem; }
.views img:last-child { border-radius: 0 0.35rem 0.35rem 0; }
.views figcaption { opacity: 0.8; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
@media (max-width: 640px) { .views { grid-template-columns: 1fr 1fr; } }
</style>"""


def choose(
    project: Project, split: Split, size: int, key: str, usual: Recipe = USUAL
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Folded away: the list, and the same pictures before and after. Returns what a Recipe takes: `augment` and
    `fixed_sides`.

    `size` px is the side of the square that the network sees, `key` begins the keys of the widgets, `usual` holds what is
    chosen until somebody chooses. No picture is read as long as it is folded.
    """
    panel = st.expander("Augmentation: how training pictures are changed", key=f"{key}-panel", on_change="rerun")
    with panel:
        st.caption(
            "Each time a training picture is shown it is changed a little, so that the model does not learn it by heart. "
            "Your files stay as they are, and pictures to choose by or to test with are never changed."
        )
        names = _list(key, usual.augment)
        sides = _sides(split, key, usual.fixed_sides) if MIRRORS in names else ()
        if panel.open:
            st.fragment(_shown)(project, split, min(size, LARGEST), names, sides, key)
    if not panel.open:
        st.caption(f"Now: {', '.join(title(name) for name in names) or 'none'}.")
    return names, sides


def newest(project: Project) -> Split:
    """The newest split of the project. Raises BadInput where there is none."""
    return house.split(project, house.store().newest_split(project.id) or 0)


def title(name: str) -> str:
    return TITLES.get(name, name.capitalize())


def twelve(split: Split) -> list[tuple[int, str]]:
    """(image, label) of at most a dozen training pictures, as many of each class as there is room for; always the same."""
    draw = random.Random(split.id)
    of: dict[str, list[int]] = {}
    for image, label in split.parts["train"]:
        of.setdefault(label, []).append(image)
    some = draw.sample(sorted(of), min(SHOWN, len(of)))
    queues = [[(image, label) for image in draw.sample(of[label], min(SHOWN, len(of[label])))] for label in some]
    picked = [one for turn in zip_longest(*queues) for one in turn if one is not None][:SHOWN]
    return sorted(picked, key=lambda one: split.classes.index(one[1]))


def _list(key: str, usual: Sequence[str]) -> tuple[str, ...]:
    st.html(LIST)
    columns = st.container(key=f"list-{key}").columns(2)
    half = -(-len(AUGMENTATIONS) // 2)
    return tuple(
        name
        for position, (name, about) in enumerate(AUGMENTATIONS.items())
        if columns[position // half].checkbox(
            f"**{title(name)}**: {house.text(about)}",
            name in usual,
            key=f"{key}-{name}",
            persist_state="session",
        )
    )


def _sides(split: Split, key: str, usual: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        st.multiselect(
            "Classes that mirroring would change",
            split.classes,
            [label for label in usual if label in split.classes],
            key=f"{key}-sides-{split.id}",
            persist_state="session",
            placeholder="None: a mirrored picture keeps its class",
            help="A left shoe in the mirror is a right one, mirrored text cannot be read, and b becomes d. Pictures of "
            "these classes are never mirrored.",
        )
    )


def _shown(project: Project, split: Split, size: int, names: tuple[str, ...], sides: tuple[str, ...], key: str) -> None:
    if not names:
        st.caption("Nothing is changed: every picture is learned from as it is.")
        return
    members = twelve(split)
    records = {one.id: one for one in house.store().images_by_id(project.id, [image for image, _ in members])}
    views = tuple(
        (records[image].facts.sha256, split.boxes.get(image), label) for image, label in members if image in records
    )
    seed = st.session_state.get(f"{key}-draw", 0)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Draw again", key=f"{key}-again", icon=":material/casino:"):
            seed = st.session_state[f"{key}-draw"] = seed + 1
        st.caption("Left of each pair a training picture of yours as a model sees it, right what may become of it.")
    st.html(STYLE + _pairs(house.settings().storage, views, size, names, sides, seed))


@st.cache_data(max_entries=64, show_spinner="Changing pictures …")  # the first one waits for torch
def _pairs(
    storage: str, views: tuple[tuple[str, Box | None, str], ...], size: int, names: tuple[str, ...],
    sides: tuple[str, ...], seed: int,
) -> str:  # fmt: skip
    """The figures as HTML: each picture (its SHA-256, crop and label) before and after."""
    from core.augment import samples

    labels, pixels = _read(storage, views, size)
    if not labels:
        return "<p>None of these pictures could be read.</p>"
    after = samples(pixels, names, [label not in sides for label in labels], seed)
    return f'<div class="views">{"".join(map(_figure, labels, pixels, after))}</div>'


@st.cache_data(max_entries=8, show_spinner=False)
def _read(storage: str, views: Sequence[tuple[str, Box | None, str]], size: int) -> tuple[list[str], np.ndarray]:
    """Labels and (N, size, size, 3) uint8 of those that can be read: what a training sees."""
    labels, pixels = [], []
    for sha256, box, label in views:
        try:
            pixels += squares(house.blobs().get(sha256), [size], box)
        except WinnowError:  # the cleaning step lists it, and training counts it
            continue
        labels.append(label)
    return labels, np.array(pixels)


def _figure(label: str, before: np.ndarray, after: np.ndarray) -> str:
    name = html.escape(label)
    return (
        f'<figure><div><img src="{_data(before)}" alt="{name}"><img src="{_data(after)}" alt="{name}, changed"></div>'
        f'<figcaption title="{name}">{name}</figcaption></figure>'
    )


def _data(pixels: np.ndarray) -> str:
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=90, colorsubsampling="444")
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
