"""Teach networks, and watch them learn."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from core.backbones import BACKBONES
from core.model import Recipe
from pages.parts import head, house, learning, progress, trained

BOTH = ("vgg75-bn", "vgg100-bn")
DEFAULTS = Recipe(BOTH[0])
ABOUT = {
    "vgg75": "sees 75 x 75 pixels; the quickest",
    "vgg100": "sees 100 x 100 pixels; slower, finer",
    "vgg75-bn": "as vgg75, with batch norm: learns faster and better",
    "vgg100-bn": "as vgg100, with batch norm: learns faster and better",
}


def submit(names: list[str], **changes: Any) -> None:
    """One job trains them one after the other and evaluates them on the validation part."""
    recipes = [asdict(Recipe(name, **changes)) for name in names]
    house.start("train", need="gpu", recipes=recipes, evaluate_on="val")
    st.rerun()


def choose(shown: head.Head) -> None:
    with st.container(border=True):
        st.markdown(
            f"**Train both and ensemble them.** {BOTH[0]} and {BOTH[1]} learn one after the other; then both, and their two "
            "ensembles, are measured on the validation part.",
            help="An ensemble lets several models answer together; it is nearly always better than each alone.",
        )
        if st.button("Train both and ensemble them", type=shown.emphasis("train"), key="both"):  # type: ignore[arg-type]
            submit(list(BOTH))
    with st.expander("Choose recipes yourself"):
        names = st.multiselect(
            "Networks", list(BACKBONES), list(BOTH), format_func=lambda n: f"{n}: {ABOUT[n]}" if n in ABOUT else n
        )
        one, two, three, four = st.columns(4)
        epochs = one.number_input(
            "Epochs at most",
            1,
            1000,
            DEFAULTS.epochs,
            help="One epoch = every training picture was shown once. It stops earlier when it gets no better.",
        )
        patience = two.number_input(
            "Patience", 1, 200, DEFAULTS.patience, help="Epochs without a better validation loss before it stops."
        )
        batch = three.number_input("Pictures at once", 4, 1024, DEFAULTS.batch, step=4, help="The batch size.")
        lr = four.number_input(
            "Learning rate",
            1e-6,
            1.0,
            DEFAULTS.lr,
            format="%.5f",
            help="How large each step is; smaller is slower and steadier.",
        )
        if st.button("Train these", disabled=not names, key="these"):
            submit(names, epochs=int(epochs), patience=int(patience), batch=int(batch), lr=float(lr))


def main() -> None:
    shown = head.show("train")
    project, store = shown.project, house.store()
    busy = progress.watch(project, "train", beside=lambda job: learning.live(project, job), below=learning.epoch)
    if not shown.standing.split:
        st.info("There is no split yet: models learn from a frozen one.")
        house.link("split", "Go to Split")
        return
    if not busy:
        choose(shown)
    runs = store.runs(project.id)
    if runs:
        trained.show(project, runs, busy)
    elif not busy:
        st.caption("Curves are drawn here while a model learns, and every run is kept in a table with its figures.")


main()
