"""A picture, what each model says of it, and the heat map of what spoke for that; used by Explain and Predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.errors import WinnowError
from core.model import Box, Explanation, Run
from pages.parts import charts, house

if TYPE_CHECKING:
    from core.checkpoint import Model

SIDE = 160  # px a map takes on the page; models see 75 or 100


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


def legend() -> None:
    st.caption(
        "Teal speaks for the class, rust against it; what is pale did not matter. The map has the square the model sees.",
        help="SHAP (DeepLIFT): how much each pixel adds to the class's score, compared with pictures of the training part.",
    )


def rows(
    models: dict[str, Model], runs: list[Run], data: bytes, labels: list[str], samples: int, box: Box | None
) -> None:
    """For each model: the picture (or its `box`) as it saw it, its word, and a map for each class. Raises Permanent for
    no picture."""
    from core.pixels import squares

    sizes = sorted({model.size for model in models.values()})
    seen = dict(zip(sizes, (np.array(square) for square in squares(data, sizes, box)), strict=True))
    with st.container(horizontal=True, gap="large"):
        for run, (name, model) in zip(runs, models.items(), strict=True):
            square = seen[model.size]
            said = model.probabilities(square[None])[0]
            best = model.classes[int(said.argmax())]
            maps = _maps(run.id, str(house.settings().home.absolute()), square, tuple(labels or [best]), samples, model)
            with st.container(width="content"):
                one(name, square, best, dict(zip(model.classes, said, strict=True)), maps)


@st.cache_data(max_entries=128, show_spinner=False)
def _maps(
    run: int, home: str, square: np.ndarray, labels: tuple[str, ...], samples: int, _model: Model
) -> list[Explanation]:
    """Kept, so that another press on the page does not work them out again."""
    from core.explainers import explain

    return explain(_model, run, square, labels, samples=samples)


def one(name: str, square: np.ndarray, best: str, said: dict[str, float], maps: list[Explanation]) -> None:
    st.markdown(
        f"{house.text(name, 60)} says **{house.text(best, 60)}**, {said[best]:.0%} sure · {sum(m.seconds for m in maps):.2f} s",
        help=_sum_check(maps),
    )
    with st.container(horizontal=True):
        st.image(_large(square), width=SIDE, caption="as the model sees it")
        for found in maps:
            st.image(
                _large(charts.heat(found.heat, square)),
                width=SIDE,
                caption=f"{house.text(found.label, 40)}, {said[found.label]:.0%}",
                alt=f"What speaks for {found.label}",
            )


def _sum_check(maps: list[Explanation]) -> str:
    worst = max((m.additivity for m in maps), default=float("nan"))
    return f"Checked: the map's values sum to the difference in score they explain, to within {worst:.2%}."


def _large(square: np.ndarray) -> np.ndarray:
    """Whole pixels, three times as large, so that the browser does not blur them."""
    return square.repeat(3, axis=0).repeat(3, axis=1)
