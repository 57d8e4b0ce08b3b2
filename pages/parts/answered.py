"""One picture's answer, closely: the word, what that class is, each model's probabilities, and why."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.errors import Refused, WinnowError
from core.explainers import EXPLAINERS
from core.model import Prediction, Project, Run
from pages.parts import charts, described, evidence, house, methods, models, nearest, opacity, told


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked, and how."""

    project: Project
    runs: list[Run]
    ensemble: str  # whose word counts
    wants: tuple[
        str, ...
    ] = ()  # what pictures are cropped to, by COCO's names; () where the models learned from whole ones
    whole: bool = False  # not cropped all the same

    @property
    def key(self) -> tuple:
        return (self.project.id, *models.key(self.runs), self.ensemble, self.whole)


def picture(name: str, read: Callable[[], bytes | Refused], asked: Question, key: str) -> None:
    """A picture with all that is known of it, in a place of its own: what is pressed in it draws nothing else anew."""
    st.fragment(_picture)(name, read, asked, key)


def _picture(name: str, read: Callable[[], bytes | Refused], asked: Question, key: str) -> None:
    with st.container(border=True):
        data = read()
        try:
            if isinstance(data, Refused):
                raise data
            said = models.predictor(asked.runs, asked.ensemble, asked.whole).predict(data)
        except WinnowError as error:  # no picture; weights that are not there or not right
            st.error(f"**{house.text(name, 60)}**  \n{house.text(error)}")
            return
        details(name, data, said, asked, key)


def details(name: str, data: bytes, said: Prediction, asked: Question, key: str) -> None:
    """All of one answer. What else belongs to one picture is hung in here."""
    left, right = st.columns([1, 2], gap="medium")
    with left:
        evidence.picture(data, name, box=said.box)
        crop(said, asked)
    with right:
        (plain if house.alone() else headline)(said)
        if said.known:
            described.show(asked.project, said.label)
        bars(said, asked, key)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        explained = st.toggle("Why? Show what spoke for it", key=f"why-{key}")
        alike = not house.alone() and st.toggle("The most similar training pictures", key=f"alike-{key}")
        if not house.alone():
            told.wrong(asked.project, name, data, said, f"{key}-{zlib.crc32(data):x}")  # another picture, another word
    if explained:
        why(data, said, asked, key)
    if alike:
        nearest.show(asked.project, asked.runs, data, said.box, key)


def crop(said: Prediction, asked: Question) -> None:
    """Which part of the picture was asked about, where the models learned from parts."""
    if said.box:
        st.caption("Asked about the bright part, cropped as the pictures that the models learned from.")
    elif asked.wants and asked.whole:
        st.caption("Asked about the whole picture, as you wanted; the models learned from crops.")
    elif asked.wants:
        st.caption(
            f"No {' or '.join(asked.wants)} was found in it, or too small a one, so it is about the whole picture."
        )


def headline(said: Prediction) -> None:
    took = f"{1000 * said.seconds:.0f} ms in all"
    if said.known:
        st.subheader(house.text(said.label, 60), anchor=False)
        st.caption(f"{said.confidence:.0%} sure · {took}", help=house.text(said.why, 400))
    else:
        st.subheader("None of these", anchor=False)
        st.caption(
            f"The nearest class is {house.text(said.label, 60)}, with {said.confidence:.0%}. {house.text(said.why, 400)}  \n{took}",
            help="The models know only your classes. A picture that lies further from their training pictures than nearly all validation "
            "pictures do (Mahalanobis distance before the last layer) most likely shows something else. How often that is found out "
            "*Evaluate* measures, with *pictures of something else*.",
        )


def plain(said: Prediction) -> None:
    """The same in the view for showing."""
    if said.known:
        st.subheader(house.text(said.label, 60), anchor=False)
        st.caption(f"{said.confidence:.0%} sure")
    else:
        st.subheader("None of these", anchor=False)
        st.caption(f"It looks most like {house.text(said.label, 60)}, but not enough to say so.")


def bars(said: Prediction, asked: Question, key: str) -> None:
    """How sure each model is of the likeliest classes; in the view for showing, all of them together."""
    told = dict(said.models)
    if house.alone() or len(asked.runs) == 1:  # one model is its own ensemble
        told = {next(iter(said.models)): said.probabilities}
    frame = pd.DataFrame(
        [(model, label, p) for model, all_of in told.items() for label, p in all_of.items()],
        columns=["model", "class", "probability"],
    )
    figure = charts.probabilities(frame)
    if house.alone():
        figure.update_layout(
            title_text="How sure it is", showlegend=False, height=90 + 25 * min(5, len(said.probabilities))
        )
        figure.update_xaxes(title_text="")
        figure.update_traces(hovertemplate="%{x:.0%}<extra></extra>")
    st.plotly_chart(
        figure, key=f"bars-{key}", config={"displayModeBar": False}, alt="Probability of each class by each model"
    )


def why(data: bytes, said: Prediction, asked: Question, key: str) -> None:
    """Maps of what spoke for the answer, and the slider that lays them over the picture more or less."""
    loaded = models.load(asked.runs)
    if house.alone():
        signed = any(EXPLAINERS[name].signed for model in loaded.values() for name in methods.quick(model))
        rust = "rust against it, " if signed else ""
        st.caption(f"Teal spoke for it, {rust}what is pale did not matter.")
        opacity.slider(key)
        with st.spinner("Looking …"):
            evidence.plainly(loaded, asked.runs, data, said.box, said.label)
        return
    methods.legend(list(dict.fromkeys(name for model in loaded.values() for name in methods.quick(model))))
    methods.faithful()
    opacity.slider(key)
    with st.spinner("Asking the models why …"):
        evidence.rows(loaded, asked.runs, data, said.box)
