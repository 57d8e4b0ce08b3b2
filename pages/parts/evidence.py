"""A picture, what each model says of it, and maps of what spoke for that; used by Explain and Predict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.errors import WinnowError
from core.explainers import EXPLAINERS, SAMPLES
from core.faithful import RANDOM
from core.model import Box, Explanation, Run
from core.runs import run_folder
from pages.parts import charts, house, methods, opacity

if TYPE_CHECKING:
    from core.checkpoint import Model

SIDE = 150  # px a map takes on the page; models see 75 or 100


def picture(data: bytes, caption: str, height: int | None = None, box: Box | None = None) -> bool:
    """An upright picture at its true aspect ratio, `height` px high or as wide as its place; False if it is none.

    What lies outside the `box` is dimmed. The browser gets what the program read, never the bytes that came.
    """
    from core import pixels

    try:
        upright = pixels.decode(data)
    except WinnowError as error:
        st.error(f"**{house.text(caption, 60)}**  \n{house.text(error)}")
        return False
    upright = house.outside_dimmed(upright, box) if box else upright
    upright.thumbnail((640, 640))
    width = round(height * min(2.2, max(0.4, upright.width / upright.height))) if height else "stretch"
    st.image(upright, caption=house.text(caption, 60), width=width, output_format="JPEG")
    return True


def rows(
    models: dict[str, Model], runs: list[Run], data: bytes, box: Box | None, explainers: Sequence[str] = (),
    labels: Sequence[str] = (), top: int = 1, samples: int = SAMPLES,
) -> None:  # fmt: skip
    """For each model: the picture (or its `box`) as it saw it, its word, and a map by each explainer for each of `labels`,
    or where there are none for its `top` likeliest classes. Without explainers by `methods.quick`.

    Raises Permanent for no picture.
    """
    from core.pixels import squares

    sizes = sorted({model.size for model in models.values()})
    seen = dict(zip(sizes, (np.array(square) for square in squares(data, sizes, box)), strict=True))
    with st.container(horizontal=True, gap="large"):
        for run, (name, model) in zip(runs, models.items(), strict=True):
            square = seen[model.size]
            said = model.probabilities(square[None])[0]
            likeliest = [model.classes[i] for i in np.argsort(-said, kind="stable")[:top]]
            possible, without = methods.fitting(model, explainers or methods.quick(model))
            maps = {
                label: _maps(model, run.id, square, label, possible, samples) if possible else []
                for label in labels or likeliest
            }
            with st.container(width="content"):
                one(name, square, likeliest[0], dict(zip(model.classes, said, strict=True)), maps)
                for why, which in _together(without).items():
                    st.caption(f"Not by {house.text(methods.titles(which))}: {house.text(why)}")


def plainly(models: dict[str, Model], runs: list[Run], data: bytes, box: Box | None, label: str) -> None:
    """What spoke for a class, without a word of how: one map of each model. Raises Permanent for no picture."""
    from core.pixels import squares

    with st.container(horizontal=True, gap="medium"):
        for run, model in zip(runs, models.values(), strict=True):
            [seen] = squares(data, [model.size], box)
            for found in _maps(model, run.id, seen, label, methods.quick(model), SAMPLES)[:-1]:
                opacity.covered(seen, charts.heat(found.heat, seen), 2 * SIDE, f"What speaks for {label}")


def _maps(
    model: Model, run: int, square: np.ndarray, label: str, explainers: Sequence[str], samples: int
) -> list[Explanation]:
    """By each explainer, and in random order; kept beside the run, so that they are not worked out again."""
    from core.explained import ask

    folder = run_folder(house.settings(), run)
    return [
        found for name in (*explainers, RANDOM) for found in ask(model, run, folder, square, [label], name, samples)
    ]


def _together(without: dict[str, str]) -> dict[str, list[str]]:
    """why -> which explainers."""
    return {why: [name for name, said in without.items() if said == why] for why in without.values()}


def one(name: str, square: np.ndarray, best: str, said: dict[str, float], maps: dict[str, list[Explanation]]) -> None:
    """One model: its word, and for each class a row of maps, the last of which is the random order."""
    took = sum(found.seconds for row in maps.values() for found in row)
    st.markdown(f"{house.text(name, 60)} says **{house.text(best, 60)}**, {said[best]:.0%} sure · {took:.2f} s")
    for label, row in maps.items():
        if len(maps) > 1 or label != best:
            st.markdown(f"For {house.text(label, 60)}, {said[label]:.0%}:")
        with st.container(horizontal=True):
            st.image(_large(square), width=SIDE, caption="as the model sees it")
            for found in row[:-1]:
                title = EXPLAINERS[found.explainer].title
                with st.container(width=SIDE, gap="small"):
                    opacity.covered(square, charts.heat(found.heat, square), SIDE, f"What speaks for {label}: {title}")
                    st.caption(
                        f"**{title}**  \ndeletion {found.deletion:.2f}  \ninsertion {found.insertion:.2f}",
                        help=_help(found),
                    )
        if row:
            st.caption(_verdict(row))


def _help(found: Explanation) -> str:
    how = EXPLAINERS[found.explainer]
    summed = "" if math.isnan(found.additivity) else (
        f" Checked: the values sum to the difference in score they explain, to within {found.additivity:.2%}."
    )  # fmt: skip
    return f"{how.about} ({how.source}).{summed} It took {found.seconds:.2f} s."


def _verdict(row: list[Explanation]) -> str:
    """Which of the maps is the most faithful one, and whether it is better than the random order, the last of the row."""
    *found, chance = row
    best = max(found, key=lambda one: one.insertion - one.deletion)
    order = f"a random order has deletion {chance.deletion:.2f}, insertion {chance.insertion:.2f}"
    if best.insertion - best.deletion <= chance.insertion - chance.deletion:
        return f"None of these is better than chance here: {order}."
    if len(found) == 1:
        return f"For comparison: {order}."
    return f"The most faithful one here: **{EXPLAINERS[best.explainer].title}**; {order}."


def square(pixels: np.ndarray, caption: str, alt: str) -> None:
    """A square as models see it, (S, S, 3) uint8, in its place on the page."""
    st.image(_large(pixels), width=SIDE, caption=caption, alt=alt)


def _large(square: np.ndarray) -> np.ndarray:
    """Whole pixels, as many times as large as it takes to fill its place twice, so that the browser does not blur them."""
    times = max(1, round(2 * SIDE / square.shape[0]))
    return square.repeat(times, axis=0).repeat(times, axis=1)
