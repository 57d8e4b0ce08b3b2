"""Take along what you made: the pictures in a form that others read, and the models as files that run without Winnow."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.credits.attribution import allowed
from core.errors import BadInput
from core.export import place
from core.export.layouts import LAYOUTS
from core.export.names import safe
from core.licences import FILTERS
from core.model import ENSEMBLES, PARTS, Funnel, Project, Run
from core.runs import choose
from pages.parts import exported, head, house, places, progress, rights

FORMS = exported.FORMS
WORDS = {
    "average": "all of them, on average",
    "priority": "the one that is best on what it says",
    "weighted": "all of them, the better ones more",
}


def pictures(project: Project, state: Funnel, busy: bool) -> None:
    """The data set."""
    st.subheader("The pictures", anchor=False)
    number = house.store().newest_split(project.id)
    st.markdown(which(project, state, number))
    form = st.radio(
        "Form", list(LAYOUTS), format_func=lambda name: FORMS[name], captions=[one.about for one in LAYOUTS.values()], key="form"
    )  # fmt: skip
    counts, exact = rights.licences(project, state)[0], state.unique <= places.MANY

    def named(wanted: str) -> str:
        some = sum(n for licence, n in counts.items() if allowed(licence, wanted))
        return f"{FILTERS.get(wanted, 'all pictures')}{f' · {some:,} of {state.kept:,} kept' if exact else ''}"

    wanted = st.selectbox(
        "By licence", ["", *FILTERS], format_func=named, key="export-licence",
        help="What you may pass on depends on the licences of the pictures. The others stay here; how many that are, the card says.",
    )  # fmt: skip
    st.caption(
        "With it come a card that says what is in it and what is not, the credits of every picture, and the certificate of "
        "the review where there is one. The files are the originals, byte for byte."
    )
    if st.button("Export the pictures", disabled=busy, key="export-pictures"):
        folder = "-".join([form, f"split-{number}" if number else "no-split", *([wanted] if wanted else [])])
        start(project, folder, format=form, licence=wanted)


def which(project: Project, state: Funnel, number: int | None) -> str:
    """Which pictures go out, and which do not."""
    rejected = state.unique - state.kept
    out = (
        f" {house.count(rejected, 'rejected picture')} {'stays' if rejected == 1 else 'stay'} out." if rejected else ""
    )
    if number is None:
        return (
            f"There is no split yet, so **all {house.count(state.kept, 'kept picture')}** go out in one part, named train.{out} "
            "Split first if others are to measure with it."
        )
    split = house.split(project, number)
    parts = ", ".join(f"{len(split.parts[part]):,} {exported.PARTS[part]}" for part in PARTS)
    total = sum(len(split.parts[part]) for part in PARTS)
    return (
        f"**{house.count(total, 'picture')}** of split {number} ({parts}), each under the class and with the crop box that it had "
        f"when the split was frozen.{out}"
    )


def models(project: Project, busy: bool) -> None:
    """The trained runs."""
    st.subheader("The models", anchor=False)
    try:
        usual = choose(house.store(), project.id)
    except BadInput:
        st.info("There is no trained model to export yet.")
        house.link("train", "Go to Train")
        return
    st.markdown(
        "Each network as **ONNX** (runs nearly anywhere, without PyTorch), **TorchScript** (for PyTorch and C++) and "
        "**safetensors** (the weights, to go on training), with a short script that asks them: `python predict.py photo.jpg`. "
        "Before you get them they are asked about 100 of your pictures, and have to say what the app says."
    )
    runs = {run.id: run for run in house.store().runs(project.id, done=True) if run.kept}
    chosen = st.multiselect(
        "Models", list(runs), [run.id for run in usual], key="export-runs",
        format_func=lambda run: f"{runs[run].name} · run {run}, split {runs[run].split}",
        help="Those that the page Predict asks are chosen. Several of one split give one answer together.",
    )  # fmt: skip
    ensemble = st.segmented_control(
        "Whose word counts", ENSEMBLES, default="average", required=True, key="export-ensemble", disabled=len(chosen) < 2,
        format_func=words, help="What several models say together, as on the page Predict.",
    )  # fmt: skip
    if st.button("Export the models", disabled=busy or not chosen, key="export-models"):
        try:
            asked = choose(house.store(), project.id, chosen)
        except BadInput as error:  # of several splits, or deleted meanwhile
            st.error(house.text(error))
            return
        start(project, folder_of(asked, ensemble), format="model", runs=chosen, ensemble=ensemble)


def words(ensemble: str) -> str:
    return WORDS.get(ensemble, ensemble)


def folder_of(runs: list[Run], ensemble: str) -> str:
    word = [ensemble] if len(runs) > 1 else []
    return safe("-".join(["model-run" if len(runs) == 1 else "model-runs", *(str(run.id) for run in runs), *word]))


def start(project: Project, folder: str, **params: Any) -> None:
    to = place.shelf(house.settings().home, project.id) / folder
    try:
        house.start("export", to=str(to), **params)
    except BadInput as error:  # somebody did so in another tab
        st.error(house.text(error))
    else:
        st.rerun()


def main() -> None:
    shown = head.show("export")
    project, state = shown.project, shown.funnel
    busy = progress.watch(project, "export")
    if not state.kept:
        st.info("Nothing is kept yet, so there is nothing to take along: fetch pictures first.")
        house.link("scrape", "Go to Scrape")
        return
    exported.shelf(project, busy)
    with st.container(border=True):
        pictures(project, state, busy)
    with st.container(border=True):
        models(project, busy)
    exported.terminal(project)


main()
