"""The confusion matrix: what is taken for what, and the pictures behind each cell."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.evaluate.confusion import most_confused, ordered, pairs, worst
from core.model import Evaluation, Project
from pages.parts import charts, house, scored

DRAWN = 60  # classes in the matrix; with more its cells could not be told apart
PAIRS = 100  # mistakes that are listed
HOW: dict[charts.Share, str] = {"": "counts", "row": "by row", "column": "by column"}


def show(project: Project, evaluation: Evaluation, classes: list[str]) -> None:
    models = evaluation.models
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        model = scored.pick(evaluation, "model")
    how = right.segmented_control(
        "Show", list(HOW), default="", required=True, key="how", format_func=HOW.__getitem__,
        help="**Row**: what the model called the pictures of a true class (recall stands on the diagonal). **Column**: what "
        "those pictures really are that it called so (precision stands on the diagonal).",
    )  # fmt: skip
    share: charts.Share = how  # type: ignore[assignment]  # one of HOW
    counts = models[model]["confusion"]
    found = pairs(counts)
    together = st.toggle(
        "Most confused classes first",
        key="together",
        help="Classes that are taken for each other stand side by side, from the top left on.",
        disabled=not found,
    )
    drawn = ordered(counts, found, DRAWN) if together and found else most_confused(counts, DRAWN)
    true_key, said_key = f"true-{evaluation.id}", f"said-{evaluation.id}"

    def goto(row: int, column: int) -> None:
        st.session_state[true_key], st.session_state[said_key] = classes[row], classes[column]

    def clicked() -> None:
        points = st.session_state["confusion"]["selection"]["points"]
        if points:
            row, column = points[0]["customdata"][:2]
            goto(drawn[row], drawn[column])

    def listed() -> None:
        rows = st.session_state["pairs"]["selection"]["rows"]
        if rows:
            goto(*found[rows[0]])

    part = [[counts[r][c] for c in drawn] for r in drawn]
    figure = charts.confusion(part, [classes[i] for i in drawn], share, st.context.theme.type == "dark")
    st.plotly_chart(
        figure,
        key="confusion",
        on_select=clicked,
        selection_mode="points",
        config={"displayModeBar": False, "doubleClickDelay": 0},  # of two cells pressed quickly both count
        alt="Confusion matrix: true classes against what the model said",
    )
    some = (
        f" Drawn are the {DRAWN} of {len(classes)} classes with the most mistakes." if len(drawn) < len(classes) else ""
    )
    st.caption(
        f"How to read it: a row is a true class, a column what the model said; right answers lie on the diagonal. "
        f"Press a cell to see its pictures, or choose it here.{some}"
    )
    row, column = worst(counts)
    st.session_state.setdefault(true_key, classes[row])
    st.session_state.setdefault(said_key, classes[column])
    if found:
        with st.expander(f"The mistakes, most frequent first ({house.count(len(found), 'pair')})"):
            st.dataframe(
                _table(counts, classes, found[:PAIRS]), hide_index=True, key="pairs", on_select=listed, selection_mode="single-row",
                column_config={"share": st.column_config.NumberColumn("share of the class", format="percent", help="Of all pictures of the true class.")},
            )  # fmt: skip
            st.caption("Choose a row to see its pictures below.")
    left, right = st.columns(2)
    true = left.selectbox("True class", classes, key=true_key)
    said = right.selectbox("The model said", classes, key=said_key)
    cell(project, evaluation, model, true, said)


def _table(counts: list[list[int]], classes: list[str], found: list[tuple[int, int]]) -> pd.DataFrame:
    rows = [(classes[r], classes[c], counts[r][c], counts[r][c] / sum(counts[r])) for r, c in found]
    return pd.DataFrame(rows, columns=["true class", "the model said", "pictures", "share"])


def cell(project: Project, evaluation: Evaluation, model: str, true: str, said: str) -> None:
    """The pictures of one cell, the surest first, and the way into the review with all of them."""
    found = house.store().predicted(evaluation.id, model, true, said)
    if not found:
        st.info(f"No picture of {house.text(true, 60)} was called {house.text(said, 60)} by {house.text(model, 60)}.")
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(
            f"**{house.count(len(found), 'picture')}** of {house.text(true, 60)} called {house.text(said, 60)}, the surest first"
        )
        house.link("review", "Review them", ids=",".join(str(image) for image, _ in found), show="any")
    records = house.store().images_by_id(project.id, [image for image, _ in found[:12]])
    house.thumbnails(records, {image: f"{confidence:.0%} sure" for image, confidence in found[:12]})
