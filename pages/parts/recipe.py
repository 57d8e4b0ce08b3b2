"""One recipe: chosen among the presets or by the name of any network, every part of it open to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from core.backbones import BACKBONES
from core.errors import BadInput
from core.model import Project, Recipe, Split
from core.recipes import BALANCES, BASELINES, HEADS, OPTIMISERS, PRESETS, SCHEDULES, TRAIN, WATCHED, read
from pages.parts import augmented, charts, house

FIRST = "vgg75-bn"  # needs no weights from elsewhere
OF_THEM = 224  # px that most networks of timm see
HELP = {
    "network": "A preset, or the exact name of any network of the library timm, such as convnext_tiny.",
    "train": "How much of a network that was trained elsewhere learns from your pictures.",
    "head": "What turns the features that the network sees into classes.",
    "epochs": "One epoch = every training picture was shown once. It stops earlier when it gets no better.",
    "patience": "Epochs without a better validation before it stops.",
    "batch": "The batch size: how many pictures one step learns from. 0 = what is fastest here is found.",
    "lr": "How large each step is; smaller is slower and steadier.",
    "optimiser": "How a step follows from the error.",
    "schedule": "How the learning rate changes from the first epoch to the last.",
    "watch": "What of the validation pictures decides which epoch is the best, and when to stop.",
    "balance": "What is done where some classes have many more pictures than others.",
    "size": "The side of the square that a picture is made into. Larger shows more and takes longer. Empty: as usual for it.",
    "gray": "Only brightness: for shapes, where colour would mislead.",
    "smoothing": "Label smoothing: the model is not asked to be fully sure. Helps where some labels are wrong.",
    "decay": "Weight decay: holds the weights small, against learning by heart.",
    "ema": "A running mean of the weights is measured and kept in their place: steadier. 0 = off, .99 is usual.",
    "deterministic": "Also on a GPU, which then is slower. On a CPU it is so anyway.",
    "layers": "Layer decay: each layer learns at this share of the rate of the one above it; 1 = all alike.",
    "seed": "Another number draws other beginnings and another order: trained twice with two seeds, you see what is chance.",
}


def choose(project: Project, split: Split) -> None:
    """The form, and what it starts."""
    name = st.selectbox(
        "Network", list(PRESETS), index=list(PRESETS).index(FIRST), key="preset", persist_state="session", placeholder="a preset, or the name of any network of timm",
        accept_new_options=True, help=HELP["network"], format_func=lambda n: f"{n}: {PRESETS[n].about}" if n in PRESETS else n,
    )  # fmt: skip
    if not name:
        st.caption("Choose one: everything about it can be changed then.")
        return
    try:
        usual = _network(name)
        recipe = _fields(project, split, usual)
    except BadInput as error:
        st.error(house.text(error, 500))
        return
    with st.container(horizontal=True):
        if st.button("Train it", key="these", type="primary"):
            house.start("train", need="gpu", recipes=[asdict(recipe)], evaluate_on="val")
            st.rerun()
        if recipe.head not in BASELINES and st.button(
            "Find a learning rate", key="find", help="A short run in which the rate rises; nothing of it is kept."
        ):
            house.start("rate", need="gpu", recipe=asdict(recipe))
            st.rerun()
    _found(project, recipe)


def _network(name: str) -> Recipe:
    """What of the network learns, and under which head; the rest as is usual for that."""
    if name in BACKBONES:
        head = st.selectbox(
            "Head", ["", "linear", "bn-dropout"], key=f"head-{name}", persist_state="session", help=HELP["head"],
            format_func=lambda h: f"{h}: {HEADS[h]}" if h else "its own",
        )  # fmt: skip
        return read(name, head=head)
    left, right = st.columns(2)
    head = left.selectbox(
        "Head",
        list(HEADS),
        key=f"head-{name}",
        persist_state="session",
        help=HELP["head"],
        format_func=lambda h: f"{h}: {HEADS[h]}",
    )
    if head in BASELINES:
        return read(name, head=head)
    train = right.selectbox(
        "What learns", list(TRAIN), list(TRAIN).index("head"), key=f"train-{name}", persist_state="session", help=HELP["train"],
        format_func=lambda t: f"{t}: {TRAIN[t]}",
    )  # fmt: skip
    return read(name, head=head, train=train)


def _fields(project: Project, split: Split, usual: Recipe) -> Recipe:
    """The recipe as it is usual for the network, with what the person changes."""
    key = f"{usual.backbone}-{usual.head}-{usual.train}"  # another network begins with its own numbers
    if usual.head in BASELINES:
        st.caption("A baseline is computed at once: there is nothing else to choose.")
        return usual
    one, two, three, four = st.columns(4)
    changes: dict[str, Any] = {
        "epochs": int(one.number_input("Epochs at most", 1, 1000, usual.epochs, key=f"epochs-{key}", persist_state="session", help=HELP["epochs"])),
        "patience": int(two.number_input("Patience", 1, 200, usual.patience, key=f"patience-{key}", persist_state="session", help=HELP["patience"])),
        "batch": int(three.number_input("Pictures at once", 0, 1024, usual.batch, key=f"batch-{key}", persist_state="session", help=HELP["batch"])),
        "lr": float(four.number_input("Learning rate", 1e-6, 10.0, usual.lr, format="%.5f", key=f"lr-{key}", persist_state="session", help=HELP["lr"])),
    }  # fmt: skip
    one, two, three, four = st.columns(4)
    changes |= {
        "optimiser": _one(one, "Optimiser", "optimiser", OPTIMISERS, usual, key),
        "schedule": _one(two, "Schedule", "schedule", SCHEDULES, usual, key),
        "watch": _one(three, "Best by", "watch", WATCHED, usual, key),
        "balance": _one(four, "Small classes", "balance", BALANCES, usual, key),
    }
    with st.expander("More: size, colour, smoothing, averaging, seed"):
        one, two, three = st.columns(3)
        size = one.number_input(
            "Size, px",
            32,
            1024,
            usual.size or None,
            key=f"size-{key}",
            persist_state="session",
            help=HELP["size"],
            placeholder="as usual",
        )
        changes |= {
            "size": int(size or 0),
            "label_smoothing": float(two.number_input("Label smoothing", 0.0, 0.5, usual.label_smoothing, key=f"smoothing-{key}", persist_state="session", help=HELP["smoothing"])),
            "weight_decay": float(three.number_input("Weight decay", 0.0, 1.0, usual.weight_decay, format="%.5f", key=f"decay-{key}", persist_state="session", help=HELP["decay"])),
            "ema": float(one.number_input("Mean of the weights", 0.0, 0.9999, usual.ema, format="%.4f", key=f"ema-{key}", persist_state="session", help=HELP["ema"])),
            "seed": int(two.number_input("Seed", 0, 2**32 - 1, usual.seed, key=f"seed-{key}", persist_state="session", help=HELP["seed"])),
            "gray": three.checkbox("Without colour", usual.gray, key=f"gray-{key}", persist_state="session", help=HELP["gray"]),
            "deterministic": three.checkbox("The same at each run", usual.deterministic, key=f"same-{key}", persist_state="session", help=HELP["deterministic"]),
        }  # fmt: skip
        if usual.layer_decay < 1:
            changes["layer_decay"] = float(
                one.number_input(
                    "Lower layers",
                    0.1,
                    1.0,
                    usual.layer_decay,
                    key=f"layers-{key}",
                    persist_state="session",
                    help=HELP["layers"],
                )
            )
    if usual.train == "head":
        st.caption(
            "Pictures are not changed for it: the frozen network looks at each one once, so a training takes seconds."
        )
    else:
        own = BACKBONES[usual.backbone].size if usual.backbone in BACKBONES else OF_THEM
        changes["augment"], changes["fixed_sides"] = augmented.choose(project, split, changes["size"] or own, "augment")
    return read(usual.name, **changes)


def _one(where: Any, label: str, field: str, choices: Mapping[str, str], usual: Recipe, key: str) -> str:
    about = "  \n".join(f"**{name}**: {sentence}" for name, sentence in choices.items())
    at = list(choices).index(getattr(usual, field))
    return (
        where.selectbox(
            label, list(choices), at, key=f"{field}-{key}", persist_state="session", help=f"{HELP[field]}  \n{about}"
        )
        or ""
    )


def _found(project: Project, recipe: Recipe) -> None:
    """What the newest search for a learning rate found, where it was for this network."""
    job = house.newest(project, "rate")
    if job is None or job.status != "done":  # why it failed stands above
        return
    same = {"lr": 1.0, "epochs": 1, "patience": 1}  # what a search does not depend on
    if replace(Recipe.stored(job.params["recipe"]), **same) != replace(recipe, **same):
        return
    rate, rates, losses = job.result["rate"], job.result["rates"], job.result["losses"]
    st.plotly_chart(
        charts.rates(rates, losses, rate), key="rates", config={"displayModeBar": False},
        alt="The loss while the learning rate rises",
    )  # fmt: skip
    st.caption(
        f"The loss falls most steeply at a learning rate of **{rate:g}**: a good one to write above."
        if rate
        else "The loss did not fall at any rate: look at the pictures and their labels first."
    )
