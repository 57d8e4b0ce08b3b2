"""One recipe: a saved one, a preset or any network by its name, every part of it open to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from core.backbones import BACKBONES
from core.errors import BadInput
from core.model import Project, Recipe, SavedRecipe, Split
from core.recipes import (
    BALANCES,
    BASELINES,
    HEADS,
    OPTIMISERS,
    PRESETS,
    SCHEDULES,
    SEEDS,
    TRAIN,
    WATCHED,
    by_name,
    check,
    named,
    read,
)
from pages.parts import augmented, charts, house, saved

FIRST = "vgg75-bn"  # needs no weights from elsewhere
OF_THEM = 224  # px that most networks of timm see
HELP = {
    "network": "A saved recipe, a preset, or the exact name of any network of the library timm, such as convnext_tiny.",
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
    "label_smoothing": "Label smoothing: the model is not asked to be fully sure. Helps where some labels are wrong.",
    "weight_decay": "Weight decay: holds the weights small, against learning by heart.",
    "ema": "A running mean of the weights is measured and kept in their place: steadier. 0 = off, .99 is usual.",
    "deterministic": "Nothing is chosen by how fast it is just now: the same recipe on the same pictures gives the same model. Slower.",
    "scratch": "It begins without what it has learned from other pictures, and needs many more of yours.",
    "compile": "By torch.compile: often faster on a GPU, after a slow beginning. It needs a C++ compiler.",
    "layer_decay": "Layer decay: each layer learns at this share of the rate of the one above it; 1 = all alike.",
    "seed": "Another number draws other beginnings and another order: trained twice with two seeds, you see what is chance.",
}


def choose(project: Project, split: Split) -> None:
    """The form, and what it starts."""
    network = f"preset-{project.id}"
    done = saved.arrived(network, FIRST)
    kept = saved.there(project)
    if st.session_state.get(network) in saved.gone(network, kept):
        st.session_state[network] = FIRST
    names = [*kept, *PRESETS]
    name = st.selectbox(
        "Network", names, index=names.index(FIRST), key=network, persist_state="session",
        placeholder="a recipe, or the name of any network of timm", accept_new_options=True, help=HELP["network"],
        format_func=lambda each: saved.described(each, kept),
    )  # fmt: skip
    if not name:
        st.caption("Choose one: everything about it can be changed then.")
        return
    begun, changed = named(name, kept), ":" in name  # typed with what is to be otherwise
    chosen = None if changed else begun
    try:
        usual, key = _network(name, by_name(list(kept.values())), chosen)
        own = f"augment-{begun.id if begun else 'of'}-{name}" if begun or changed else "augment"
        recipe = _fields(project, split, usual, key, own)
    except BadInput as error:
        st.error(house.text(error, 500))
        if chosen:
            saved.remove(project, chosen)
        return
    if chosen:
        st.caption(saved.about(chosen, recipe))
    with st.container(horizontal=True):
        if st.button("Train it", key="these"):
            house.start("train", need="gpu", recipes=[asdict(recipe)], evaluate_on="val")
            st.rerun()
        if recipe.head not in BASELINES and st.button(
            "Find a learning rate", key="find", help="A short run in which the rate rises; nothing of it is kept."
        ):
            house.start("rate", need="gpu", recipe=asdict(recipe))
            st.rerun()
        saved.keep(project, recipe, kept, chosen)
        if chosen:
            saved.remove(project, chosen)
    if done:
        st.success(done)
    _found(project, recipe, f"lr-{key}")


def _network(name: str, kept: Mapping[str, Recipe], chosen: SavedRecipe | None) -> tuple[Recipe, str]:
    """What of the network learns, and under which head; the rest as is usual for that, as it was saved, or as `name` says.

    Also returns the end of its widgets' keys: another network, and what was saved anew, begins with its own numbers.
    """
    told = read(name, kept)
    key = f"saved-{chosen.id}" if chosen else name
    ours = told.backbone in BACKBONES
    heads = ["", "linear", "bn-dropout"] if ours else list(HEADS)
    left, right = (st, st) if ours else st.columns(2)
    head = left.selectbox(
        "Head", heads, heads.index(told.head) if told.head else 0, key=f"head-{key}", persist_state="session",
        help=HELP["head"], format_func=lambda each: f"{each}: {HEADS[each]}" if each else "its own",
    )  # fmt: skip
    if ours:
        usual = read(name, kept, head=head)
    elif head in BASELINES:
        usual = read(name, kept, head=head, train="head", scratch=False)
    else:
        first = told.train if chosen or ":" in name else "head"
        train = right.selectbox(
            "What learns", list(TRAIN), list(TRAIN).index(first), key=f"train-{key}",
            persist_state="session", help=HELP["train"], format_func=lambda each: f"{each}: {TRAIN[each]}",
        )  # fmt: skip
        scratch = train == "all" and st.checkbox(
            "From scratch", told.scratch, key=f"scratch-{key}", persist_state="session", help=HELP["scratch"]
        )
        usual = read(name, kept, head=head, train=train, scratch=scratch)
    return usual, f"{key}-{usual.head}-{usual.train}{'-scratch' if usual.scratch else ''}"


def _fields(project: Project, split: Split, usual: Recipe, key: str, augmentation: str) -> Recipe:
    """The recipe as it is usual for the network, or as it was saved, with what the person changes.

    The keys of the widgets end with `key`, those of the list of augmentations begin with `augmentation`.
    """
    if usual.head in BASELINES:
        st.caption("A baseline is computed at once: there is nothing else to choose.")
        return usual
    one, two, three, four = st.columns(4)
    changes: dict[str, Any] = {
        "epochs": _number(one, "Epochs at most", "epochs", 1, 1000, usual, key),
        "patience": _number(two, "Patience", "patience", 1, 200, usual, key),
        "batch": _number(three, "Pictures at once", "batch", 0, 1024, usual, key),
        "lr": _number(four, "Learning rate", "lr", 1e-6, 10.0, usual, key, small=True),
    }
    one, two, three, four = st.columns(4)
    changes |= {
        "optimiser": _one(one, "Optimiser", "optimiser", OPTIMISERS, usual, key),
        "schedule": _one(two, "Schedule", "schedule", SCHEDULES, usual, key),
        "watch": _one(three, "Best by", "watch", WATCHED, usual, key),
        "balance": _one(four, "Small classes", "balance", BALANCES, usual, key),
    }
    with st.expander("More: size, colour, smoothing, averaging, seed"):
        one, two, three = st.columns(3)
        changes |= {
            "size": _number(one, "Size, px", "size", 32, 1024, usual, key) or 0,
            "label_smoothing": _number(two, "Label smoothing", "label_smoothing", 0.0, 0.5, usual, key),
            "weight_decay": _number(three, "Weight decay", "weight_decay", 0.0, 1.0, usual, key, small=True),
            "ema": _number(one, "Mean of the weights", "ema", 0.0, 0.9999, usual, key, shown="%.4g"),
            "seed": _number(two, "Seed", "seed", 0, SEEDS - 1, usual, key),
            "gray": three.checkbox("Without colour", usual.gray, key=f"gray-{key}", persist_state="session", help=HELP["gray"]),
            "deterministic": three.checkbox("The same at each run", usual.deterministic, key=f"same-{key}", persist_state="session", help=HELP["deterministic"]),
            "compile": three.checkbox("Compiled", usual.compile, key=f"compile-{key}", persist_state="session", help=HELP["compile"]),
        }  # fmt: skip
        if usual.layer_decay < 1:
            changes["layer_decay"] = _number(one, "Lower layers", "layer_decay", 0.1, 1.0, usual, key)
    if usual.train == "head":
        st.caption(
            "Pictures are not changed for it: the frozen network looks at each one once, so a training takes seconds."
        )
    else:
        own = BACKBONES[usual.backbone].size if usual.backbone in BACKBONES else OF_THEM
        changes["augment"], changes["fixed_sides"] = augmented.choose(
            project, split, changes["size"] or own, augmentation, usual
        )
    recipe = replace(usual, **changes)
    check(recipe)
    return recipe


def _number(
    where: Any, label: str, field: str, least: float, most: float, usual: Recipe, key: str, shown: str | None = None,
    small: bool = False,
) -> Any:  # fmt: skip
    """A number of the kind that `least` is; what was saved may lie beyond both ends. None: left to the network.

    A `small` one, such as a rate, is stepped through by a tenth of what is usual, and shown whole.
    """
    value = type(least)(getattr(usual, field))
    free = field == "size"
    step = (float(f"{value / 10:.0e}") or 1e-5) if small else None
    return where.number_input(
        label, least if free and not value else min(least, value), max(most, value), None if free and not value else value,
        step=step, format="%.4g" if small else shown, key=f"{field}-{key}", persist_state="session", help=HELP[field], placeholder="as usual" if free else None,
    )  # fmt: skip


def _one(where: Any, label: str, field: str, choices: Mapping[str, str], usual: Recipe, key: str) -> str:
    about = "  \n".join(f"**{name}**: {sentence}" for name, sentence in choices.items())
    at = list(choices).index(getattr(usual, field))
    return (
        where.selectbox(
            label, list(choices), at, key=f"{field}-{key}", persist_state="session", help=f"{HELP[field]}  \n{about}"
        )
        or ""
    )


def _found(project: Project, recipe: Recipe, field: str) -> None:
    """What the newest search for a learning rate found, where it was for this network; `field` is the key of the rate's."""
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
    if not rate:
        st.caption(
            "The loss did not clearly fall at any rate: in so few steps this network learns too little from these pictures"
            " to tell. Keep the usual rate, or try a larger network, or one that was trained elsewhere."
        )
        return
    st.caption(f"The loss falls most steeply at a learning rate of **{rate:g}**: a good one to begin with.")
    if f"{rate:g}" == f"{recipe.lr:g}":
        st.caption("It stands in the form.")
    else:
        st.button(f"Use {rate:g}", key="use-rate", on_click=st.session_state.__setitem__, args=(field, rate))
