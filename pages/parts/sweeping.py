"""Many recipes in short runs: what is tried, the ten best, and the way from there to trained models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import pandas as pd
import streamlit as st

from core.backbones import BACKBONES
from core.errors import BadInput
from core.model import Job, Project, Run
from core.recipes import BASELINES, OPTIMISERS, PRESETS, as_read, by_name, spelled
from core.runs import interval
from core.sweep import EPOCHS, MOST, baselines, full, recipes, told_apart, top
from pages.parts import house, saved

EARLIER = 20  # sweeps that can be looked at again
USUAL = ("mobilenetv2_100:train=head", "simplecnn")
NAMES = (*PRESETS, *(f"{name}:train=head" for name in PRESETS if name not in BACKBONES))
RATES = ("0.0005", "0.002", "0.008")
HEADS = ("linear", "bn-dropout")
SIZES = ("75", "100", "128", "224")
BESIDE = {"logistic": "logistic regression", "nearest-mean": "nearest class mean", "knn": "nearest neighbours"}
SAID = {
    "recipes": "Networks to begin with. “:train=head” keeps a pretrained one as it is and trains its top: seconds a run.",
    "rates": "How large each step is. Three or four values, each a few times the one before, find the right region.",
    "optimisers": "How a step follows from the error.",
    "heads": "What turns features into classes: one layer, or two with batch norm and dropout between them.",
    "sizes": "The side of the square that a picture is made into. Empty: as usual for each network.",
    "epochs": "One epoch = every training picture was shown once. Three are enough to tell the worst from the best.",
    "draw": "Instead of every combination, so many of them, drawn by lot: nearly as good, and much sooner.",
}


def choose(project: Project) -> None:
    """The form, and what it starts."""
    st.caption(
        "Every combination is trained for a few epochs, and whatever is among the worse half after the first, second, fourth … of them stops there"
        " (successive halving). The ten best are shown; those you choose are then trained to their end."
    )
    try:
        space = _asked(project)
        wanted = recipes(space)
    except BadInput as error:
        st.error(house.text(error, 500))
        return
    then = ", then the baselines" if baselines(wanted) else ""  # our own networks have none
    st.markdown(
        f"**{house.count(len(wanted), 'combination')}**, each for at most {house.count(space['epochs'], 'epoch')}{then}."
    )
    if st.button("Start the sweep", key="sweep"):
        house.start("sweep", need="gpu", space=space)
        st.rerun()


def _asked(project: Project) -> dict[str, Any]:
    """What the form says, as `core.sweep.recipes` reads it."""
    kept = by_name(house.store().saved_recipes(project.id))
    networks = f"recipes-{project.id}"
    gone, picked = saved.gone(f"sweep-{networks}", kept), st.session_state.get(f"sweep-{networks}", ())
    if gone.intersection(picked):
        st.session_state[f"sweep-{networks}"] = [name for name in picked if name not in gone]
    named = _several(st, "Networks", networks, [*kept, *NAMES], USUAL, own=True)
    one, two = st.columns(2)
    rates = _several(one, "Learning rates", "rates", RATES, RATES, own=True)
    optimisers = _several(two, "Optimisers", "optimisers", list(OPTIMISERS), ["adamw", "sgd"])
    heads = _several(one, "Heads", "heads", HEADS, HEADS)
    sizes = _several(two, "Sizes, px", "sizes", SIZES, (), own=True)
    one, two = st.columns(2)
    epochs = one.number_input(
        "Epochs of a short run", 1, 50, EPOCHS, key="sweep-epochs", persist_state="session", help=SAID["epochs"]
    )
    drawn = two.number_input(
        "Draw so many at random", 1, MOST, None, key="sweep-drawn", persist_state="session", placeholder="no: every combination",
        help=SAID["draw"],
    )  # fmt: skip
    return _space([spelled(name, kept) for name in named], rates, optimisers, heads, sizes, int(epochs), drawn)


def _several(
    where: Any, label: str, key: str, known: Sequence[str], usual: Sequence[str], own: bool = False
) -> list[str]:
    """Some of the known values, or with `own` any others too."""
    return where.multiselect(
        label, list(known), list(usual), key=f"sweep-{key}", persist_state="session", accept_new_options=own, help=SAID[key.split("-")[0]],
        placeholder="as usual",
    )  # fmt: skip


def _space(
    named: list[str], rates: list[str], optimisers: list[str], heads: list[str], sizes: list[str], epochs: int, drawn: Any
) -> dict[str, Any]:  # fmt: skip
    space: dict[str, Any] = {"recipe": named, "epochs": epochs}
    for key, values, kind in (
        ("lr", rates, float),
        ("optimiser", optimisers, str),
        ("head", heads, str),
        ("size", sizes, int),
    ):
        try:
            space |= {key: [kind(value) for value in values]} if values else {}
        except ValueError:
            raise BadInput(f"{key} = {', '.join(values)} does not fit: numbers were wanted.") from None
    return space | ({"mode": "random", "trials": int(drawn)} if drawn else {})


def picked(project: Project) -> Job | None:
    """The ended sweep whose runs are shown: the newest one, or an earlier one that is picked."""
    ended = [job for job in house.store().jobs(project.id, "sweep", limit=EARLIER) if job.status not in house.ACTIVE]
    if len(ended) < 2:
        return ended[0] if ended else None
    found = {job.id: job for job in ended}
    number = st.selectbox(
        "Which sweep", list(found), key=f"sweep-{project.id}-{ended[0].id}", help="The newest one stands first.",
        format_func=lambda each: f"job {each}: {', '.join(found[each].params['space']['recipe'])}",
    )  # fmt: skip
    return found[number]


def best(project: Project, job: Job, busy: bool) -> None:
    """The ten best of a sweep, and the button that trains the chosen ones to their end."""
    store = house.store()
    runs = store.runs(project.id, job=job.id)
    found, broken = top(runs), [run for run in runs if "error" in run.result]
    if broken:
        st.warning(
            f"{len(broken)} of {house.count(len(runs), 'run')} of this sweep could not be trained. {house.text(broken[0].result['error'], 300)}"
        )
    if not found:
        return
    early = sum(run.status == "pruned" and run not in broken for run in runs)
    st.subheader(f"The best of {house.count(len(runs), 'run')}", anchor=False)
    newest = store.newest_split(project.id)
    if found[0].split != newest:
        st.caption(
            f"**They were trained on split {found[0].split}.** Trained to their end they learn from the newest one, split "
            f"{newest}: figures on the two do not compare."
        )
    st.caption(
        f"By their loss on the validation part, the lowest first; {early} {'was' if early == 1 else 'were'} among the worse half and stopped early."
        " Choose some and train them to their end: three or four different ones also make a good ensemble."
    )
    shown = st.dataframe(
        _table(project, job.params["space"], found), hide_index=True, key=f"top-{job.id}", on_select="rerun", selection_mode="multi-row",
        column_config={
            "loss": st.column_config.NumberColumn("validation loss", format="%.3f", help="How wrong, and how sure of it. Lower is better."),
            "accuracy": st.column_config.NumberColumn("validation accuracy", format="%.1f%%", help="Share of validation pictures named rightly."),
            "lr": st.column_config.TextColumn("learning rate", help=SAID["rates"]),
            "optimiser": st.column_config.TextColumn(help=SAID["optimisers"]),
            "epochs": st.column_config.TextColumn(help="How far it came: the worse half stops after the first, second, fourth … epoch."),
            "interval": st.column_config.TextColumn("95 % interval", help="Where the true share lies in 95 of 100 cases. Where two intervals overlap, the difference may be chance."),
        },
    )  # fmt: skip
    chosen = [found[row].recipe for row in shown["selection"]["rows"] if row < len(found)]
    _baselines(runs)
    label = f"Train the chosen {len(chosen)} to the end" if chosen else "Train the chosen to the end"
    if st.button(label, key="to-the-end", type="primary" if chosen else "secondary", disabled=busy or not chosen):
        house.start("train", need="gpu", recipes=[asdict(full(recipe)) for recipe in chosen], evaluate_on="val")
        st.rerun()


def _baselines(runs: list[Run]) -> None:
    """What has to be beaten, on each network that the sweep had, at each size."""
    told: dict[str, list[str]] = {}
    for run in reversed(runs):
        if run.recipe.head in BASELINES and run.status == "done":
            low, high = run.result["val_accuracy_interval"]
            told.setdefault(replace(run.recipe, head="", train="all").name, []).append(
                f"{BESIDE[run.recipe.head]} {run.result['val_accuracy']:.1%} ({low:.1%} to {high:.1%})"
            )
    for network, figures in told.items():
        st.caption(
            f"To compare, on the frozen {house.text(network, 60)} and without any training: {' · '.join(figures)}."
        )


def _table(project: Project, space: Mapping[str, Any], found: list[Run]) -> pd.DataFrame:
    pictures = house.store().part_sizes(project.id, "val")
    intervals = [interval(run, pictures[run.split]) or (0.0, 1.0) for run in found]
    return pd.DataFrame({
        "recipe": [run.recipe.name for run in found],
        "loss": [run.result["val_loss"] for run in found], "accuracy": [100 * run.result["val_accuracy"] for run in found],
        **{field: [as_read(field, getattr(run.recipe, field)) for run in found] for field in told_apart(space)},
        "epochs": [f"{run.result['epochs']} of {run.recipe.epochs}" for run in found],
        "interval": [f"{low:.1%} to {high:.1%}" for low, high in intervals],
    })  # fmt: skip
