"""One run, closely: its name and note, its files, its curves and mistakes, the whole recipe."""

from __future__ import annotations

import dataclasses

import pandas as pd
import streamlit as st

from core import runs as trained
from core.errors import BadInput, WinnowError
from core.model import Project, Run
from core.recipes import as_read, written
from pages.parts import curves, house, learning, wording
from pages.parts import recipe as form


def show(project: Project, run: Run, state: str, pictures: int, busy: bool) -> None:
    """`run` with its epochs; `pictures` is the number of validation pictures of its split; `busy` while a job trains."""
    st.subheader(f"Run {run.id}: {house.text(run.name, 80)}", anchor=False)
    st.markdown(sentence(run, state, pictures))
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        called(project, run)
    with right:
        goes_on(run, state, busy)
        files(project, run)
        again(project, run, busy)
    if run.epochs:
        curves.show([run], "one")
        learning.mistakes(project, [run])
    with st.expander("The whole recipe"):
        recipe(run)


def sentence(run: Run, state: str, pictures: int) -> str:
    """What is known of it in a line."""
    told, found = [house.text(f"{state[0].upper()}{state[1:]}")], run.result
    if "error" in found:
        told[0] += f": {house.text(found['error'])}"
    if between := trained.interval(run, pictures):
        told.append(f"**{found['val_accuracy']:.1%}** of {house.count(pictures, 'validation picture')} named rightly "
                    f"(95 % interval {between[0]:.1%} to {between[1]:.1%})")  # fmt: skip
    if "best_epoch" in found:
        told.append(f"best epoch {found['best_epoch']} of {found['epochs']}")
    if "device" in found:
        told.append(house.text(f"{found['device']} {found.get('precision', '')}"))
    if "latency" in found:
        where = f" on {found['latency_device']}" if "latency_device" in found else ""
        told.append(house.text(f"{1000 * found['latency']:,.1f} ms for one picture{where}"))
    return " · ".join(told)


def called(project: Project, run: Run) -> None:
    with st.form(f"run-{run.id}", border=False):
        name = st.text_input("Name", run.title, 200, placeholder=run.recipe.name, key=f"name-{run.id}",
                             help="What the model is called on every page. Left empty: by its recipe.")  # fmt: skip
        note = st.text_area("Note", run.note, 68, 10_000, key=f"note-{run.id}", placeholder="why, and what came of it")
        if st.form_submit_button("Save"):
            try:
                house.store().rename_run(project.id, run.id, name)
                house.store().note_run(project.id, run.id, note)
            except BadInput as error:
                st.error(house.text(error))
            else:
                st.rerun()


def goes_on(run: Run, state: str, busy: bool) -> None:
    ended = run.status == "stopped" or (run.status == "started" and state != "training")
    if not ended or run.deleted:
        return
    if run.status == "stopped":
        st.caption("It was stopped. Its best epoch so far is kept and can be asked; it can go on from where it was.")
    elif run.epochs:
        st.caption("It ended before it was finished, and cannot be asked; it can go on from its last whole epoch.")
    else:
        st.caption("It was stopped before its first epoch ended: there is nothing of it to ask. It can begin again.")
    if st.button("Go on", key=f"go-on-{run.id}", disabled=busy):
        try:
            house.start("train", need="gpu", runs=[run.id])
        except BadInput as error:
            st.error(house.text(error))
        else:
            st.rerun()


def files(project: Project, run: Run) -> None:
    """Asks before they are deleted, and says what stays."""
    if run.deleted:
        st.caption(
            f"Its files were deleted on {run.deleted:%Y-%m-%d}. Its name, note, curves and figures stay; train the recipe "
            "again to have a model of it."
        )
    folder = trained.run_folder(house.settings(), run.id)
    if not folder.exists():
        return
    if run.deleted:
        st.caption("Some of them could not be deleted and are still there.")
    with st.popover("Delete its files", key=f"delete-{run.id}", on_change="rerun") as opened:
        if not opened.open:
            return
        size = trained.size(folder)
        st.markdown(
            f"This frees {wording.megabytes(size)} and cannot be undone: the model of run {run.id} is gone, so that it can "
            "neither be asked nor go on."
        )
        st.markdown("What stays: name, note, recipe, curves, every figure, and its evaluations.")
        if st.button("Delete the files for good", key=f"deleted-{run.id}", type="primary"):
            try:
                trained.delete_files(house.store(), house.settings(), project.id, run.id)
            except WinnowError as error:
                st.error(house.text(error))
            else:
                st.rerun()


def again(project: Project, run: Run, busy: bool) -> None:
    """Its recipe back into the form, where it can be changed and trained."""
    try:
        text = written(run.recipe)
    except BadInput as error:
        st.caption(f"Its recipe cannot be used again: {house.text(error)}")
        return
    st.button(
        "Use this recipe", key=f"use-{run.id}", disabled=busy, on_click=form.fill, args=(project, text),
        help="It fills the form under “Choose a recipe yourself”, where you can change it and train it.",
    )  # fmt: skip
    if not busy and form.filled(project)[0] == text == st.session_state.get(f"preset-{project.id}"):
        st.caption("It stands above, under “Choose a recipe yourself”.")


def recipe(run: Run) -> None:
    """Every field with its value and what it is."""
    rows = []
    for field in dataclasses.fields(run.recipe):
        name, about = wording.RECIPE.get(field.name, (field.name, ""))
        rows.append((name, as_read(field.name, getattr(run.recipe, field.name)), about))
    st.dataframe(
        pd.DataFrame(rows, columns=["part", "value", "what it is"]),
        hide_index=True,
        height="content",
        key=f"recipe-{run.id}",
        column_config={"what it is": st.column_config.TextColumn(width="large")},
        alt="The recipe of the run, field by field",
    )
