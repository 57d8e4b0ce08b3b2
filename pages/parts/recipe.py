"""One recipe: a saved one, a preset or any network by its name, every part of it open to change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from core.backbones import BACKBONES, look
from core.errors import BadInput
from core.model import Project, Recipe, SavedRecipe, Split
from core.recipes import (
    BALANCES,
    BASELINES,
    HEADS,
    OPTIMISERS,
    OURS,
    PRESETS,
    SCHEDULES,
    SHARED,
    TRAIN,
    WATCHED,
    by_name,
    check,
    named,
    read,
    written,
)
from pages.parts import augmented, charts, house, saved

FIRST = "vgg75-bn"  # needs no weights from elsewhere
OF_THEM = 224  # px that most networks of timm see
LABEL = {  # field of core.model.Recipe -> how it is called in the form
    "train": "What learns", "head": "Head", "epochs": "Epochs at most", "patience": "Patience", "batch": "Pictures at once",
    "lr": "Learning rate", "optimiser": "Optimiser", "schedule": "Schedule", "watch": "Best by", "balance": "Small classes",
    "size": "Size, px", "label_smoothing": "Label smoothing", "weight_decay": "Weight decay", "ema": "Mean of the weights",
    "seed": "Seed", "gray": "Without colour", "deterministic": "The same at each run", "scratch": "From scratch",
    "compile": "Compiled", "layer_decay": "Lower layers", "share": "Share of pictures",
}  # fmt: skip
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
    "share": "Of each class's training pictures only so many are learned from, 1 = all. Evaluate draws from it whether more would help.",
    "seed": "Another number draws other beginnings and another order: trained twice with two seeds, you see what is chance.",
}


def choose(project: Project, split: Split) -> None:
    """The form, and what it starts."""
    network = f"preset-{project.id}"
    done = saved.arrived(network, FIRST)
    kept = saved.there(project)
    if st.session_state.get(network) in saved.gone(network, kept):
        st.session_state[network] = FIRST
    st.session_state.setdefault(network, FIRST)  # no index beside it: streamlit wants one or the other
    name = st.selectbox(
        "Network", [*kept, *PRESETS], key=network, persist_state="session",
        placeholder="a recipe, or the name of any network of timm", accept_new_options=True, help=HELP["network"],
        format_func=lambda each: saved.described(each, kept),
    )  # fmt: skip
    if not name:
        st.caption("Choose one: everything about it can be changed then.")
        return
    text, times = filled(project)
    times = times if text == name else 0
    begun, whole = named(name, kept), ":" in name or times > 0  # typed with what is to be otherwise
    chosen = None if whole else begun
    usual = None
    try:
        usual, key = _network(name, by_name(list(kept.values())), chosen, times)
        own = f"augment-{begun.id if begun else 'of'}-{name}{_again(times)}" if begun or whole else "augment"
        recipe = _fields(project, split, usual, key, own)
    except BadInput as error:
        st.error(house.text(error, 500))
        if usual is None and not chosen:
            st.caption(
                "Choose a network from the list, or type the exact name of one of the library timm, such as resnet34 or "
                "convnext_tiny."
            )
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


def fill(project: Project, text: str) -> None:
    """Fill the form with the recipe that `text` names, whatever was changed of it before. To be called before it is drawn."""
    st.session_state[f"filled-{project.id}"] = text, filled(project)[1] + 1
    st.session_state[f"preset-{project.id}"] = text


def filled(project: Project) -> tuple[str, int]:
    """With what the form was filled last, and how many times it was."""
    return st.session_state.get(f"filled-{project.id}", ("", 0))


def _again(times: int) -> str:
    """What makes other widgets of those of a form that was filled so many times: they begin anew."""
    return f"-again-{times}" if times else ""


def _network(name: str, kept: Mapping[str, Recipe], chosen: SavedRecipe | None, times: int) -> tuple[Recipe, str]:
    """What of the network learns, and under which head; the rest as is usual for that, as it was saved, or as `name` says.

    Also returns the end of its widgets' keys: another network, what was saved anew, and a form that was filled once more
    (`times`) begin with their own numbers.
    """
    told = read(name, kept)
    key = f"saved-{chosen.id}" if chosen else f"{name}{_again(times)}"
    ours = told.backbone in BACKBONES
    heads = ["", "linear", "bn-dropout"] if ours else list(HEADS)
    left, right = (st, st) if ours else st.columns(2)
    head = left.selectbox(
        LABEL["head"], heads, heads.index(told.head) if told.head else 0, key=f"head-{key}", persist_state="session",
        help=HELP["head"], format_func=lambda each: f"{each}: {HEADS[each]}" if each else "its own",
    )  # fmt: skip
    if ours:
        usual = read(name, kept, head=head)
    elif head == told.head and head in BASELINES:
        usual = told
    elif head in BASELINES:  # what was typed or saved of how to learn is nothing to a baseline
        same: dict[str, Any] = {each: getattr(told, each) for each in SHARED}
        usual = read(told.backbone, head=head, **same)
    else:
        first = told.train if chosen or ":" in name or times else "head"
        train = right.selectbox(
            LABEL["train"], list(TRAIN), list(TRAIN).index(first), key=f"train-{key}",
            persist_state="session", help=HELP["train"], format_func=lambda each: f"{each}: {TRAIN[each]}",
        )  # fmt: skip
        scratch = train == "all" and st.checkbox(
            LABEL["scratch"], told.scratch, key=f"scratch-{key}", persist_state="session", help=HELP["scratch"]
        )
        usual = read(name, kept, head=head, train=train, scratch=scratch)
    return usual, f"{key}-{usual.head}-{usual.train}{'-scratch' if usual.scratch else ''}"


def _fields(project: Project, split: Split, usual: Recipe, key: str, augmentation: str) -> Recipe:
    """The recipe as it is usual for the network, or as it was saved, with what the person changes.

    The keys of the widgets end with `key`, those of the list of augmentations begin with `augmentation`.
    """
    if usual.head in BASELINES:
        st.caption("A baseline is computed at once: there is nothing else to choose.")
        _check(usual)
        return usual
    one, two, three, four = st.columns(4)
    changes: dict[str, Any] = {
        "epochs": _number(one, "epochs", usual, key),
        "patience": _number(two, "patience", usual, key),
        "batch": _number(three, "batch", usual, key),
        "lr": _number(four, "lr", usual, key, small=True),
    }
    one, two, three, four = st.columns(4)
    changes |= {
        "optimiser": _one(one, "optimiser", OPTIMISERS, usual, key),
        "schedule": _one(two, "schedule", SCHEDULES, usual, key),
        "watch": _one(three, "watch", WATCHED, usual, key),
        "balance": _one(four, "balance", BALANCES, usual, key),
    }
    with st.expander("More: size, colour, smoothing, averaging, seed"):
        one, two, three = st.columns(3)
        changes |= {
            "size": _number(one, "size", usual, key) or 0,
            "label_smoothing": _number(two, "label_smoothing", usual, key),
            "weight_decay": _number(three, "weight_decay", usual, key, small=True),
            "ema": _number(one, "ema", usual, key, shown="%.4g"),
            "seed": _number(two, "seed", usual, key),
            "share": _number(one, "share", usual, key, shown="%.4g"),
            "gray": three.checkbox(LABEL["gray"], usual.gray, key=f"gray-{key}", persist_state="session", help=HELP["gray"]),
            "deterministic": three.checkbox(LABEL["deterministic"], usual.deterministic, key=f"same-{key}", persist_state="session", help=HELP["deterministic"]),
            "compile": three.checkbox(LABEL["compile"], usual.compile, key=f"compile-{key}", persist_state="session", help=HELP["compile"]),
        }  # fmt: skip
        if usual.layer_decay < 1:
            changes["layer_decay"] = _number(one, "layer_decay", usual, key)
    recipe = replace(usual, **changes)
    _check(recipe)  # before a picture is made as large as somebody typed
    if usual.train == "head":
        st.caption(
            "Pictures are not changed for it: the frozen network looks at each one once, so a training takes seconds."
        )
        return recipe
    own = BACKBONES[usual.backbone].size if usual.backbone in BACKBONES else OF_THEM
    names, sides = augmented.choose(project, split, recipe.size or own, augmentation, usual)
    return replace(recipe, augment=names, fixed_sides=sides)


def _check(recipe: Recipe) -> None:
    """Raises BadInput for what cannot be trained; its sentence names the fields as the form does."""
    try:
        check(recipe)
        if recipe.size:
            look(recipe)
    except BadInput as error:
        called = re.sub(
            r"\b(\w+)(?= ?= ?)", lambda key: f"“{LABEL[key[1]]}”" if key[1] in LABEL else key[1], str(error)
        )
        raise BadInput(called) from None


def _number(where: Any, field: str, usual: Recipe, key: str, shown: str | None = None, small: bool = False) -> Any:
    """A number of the kind that the field is. None: left to the network.

    It has no ends: a browser keeps what lies beyond them to itself, and what stood there before would be trained with.
    A `small` one, such as a rate, is stepped through by a tenth of what is usual, and shown whole.
    """
    kind = type(getattr(OURS, field))
    value, key = kind(getattr(usual, field)), f"{field}-{key}"
    step = (float(f"{value / 10:.0e}") or 1e-5) if small else 1 if kind is int else None
    free = field == "size"
    begins: Any = None if free and not value else value
    if field == "lr":  # a found one is put there: streamlit wants what it begins with here or there
        st.session_state.setdefault(key, value)
        begins = "min"
    return where.number_input(
        LABEL[field], value=begins, step=step, format="%.4g" if small else shown, key=key, persist_state="session",
        help=HELP[field], placeholder="as usual" if free else None,
    )  # fmt: skip


def _one(where: Any, field: str, choices: Mapping[str, str], usual: Recipe, key: str) -> str:
    about = "  \n".join(f"**{name}**: {sentence}" for name, sentence in choices.items())
    at = list(choices).index(getattr(usual, field))
    return (
        where.selectbox(
            LABEL[field],
            list(choices),
            at,
            key=f"{field}-{key}",
            persist_state="session",
            help=f"{HELP[field]}  \n{about}",
        )  # fmt: skip
        or ""
    )


def _found(project: Project, recipe: Recipe, field: str) -> None:
    """What the newest search for a learning rate found; `field` is the key of the rate's. Where it was for another recipe it
    is offered as long as nothing was trained since."""
    job = house.newest(project, "rate")
    if job is None or job.status != "done":  # why it failed stands above
        return
    same = {"lr": 1.0, "epochs": 1, "patience": 1}  # what a search does not depend on
    searched = Recipe.stored(job.params["recipe"])
    if replace(searched, **same) != replace(recipe, **same):
        newest = house.newest(project, "train", "sweep", "rate")
        if newest and newest.id == job.id and job.result["rate"]:
            _elsewhere(project, replace(searched, lr=job.result["rate"]))
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


def _elsewhere(project: Project, found: Recipe) -> None:
    """A rate was found for another recipe than the one in the form."""
    st.caption(f"The newest search was for **{house.text(found.name)}** and found a learning rate of **{found.lr:g}**.")
    try:
        text = written(found)
    except BadInput:  # its network is gone
        return
    st.button("Use that recipe", key="use-searched", on_click=fill, args=(project, text))
