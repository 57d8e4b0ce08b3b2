"""A hundred pictures with what a model said of each, wrong ones framed in red."""

from __future__ import annotations

import io
import random

import streamlit as st

from core.errors import Missing
from core.model import Answer, Evaluation, Project
from pages.parts import house, scored

SHOWN, SIDE, FRAME = 100, 104, 4  # pictures, px, px
RED, QUIET = (214, 48, 49), (148, 163, 184)


def show(project: Project, evaluation: Evaluation) -> None:
    store = house.store()
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        model = scored.pick(evaluation, "shown-model")
    which = right.segmented_control(
        "Which", ["a random hundred", "worst mistakes"], default="a random hundred", required=True, key="which",
        help="**Worst mistakes**: the pictures to whose true class the model gave the least.",
    )  # fmt: skip
    if which == "worst mistakes":
        found = store.answers(evaluation.id, model, wrong=True, limit=SHOWN)
    else:
        split = house.split(project, evaluation.result["split"])
        members = [image for image, _ in split.parts[evaluation.part]]
        drawn = random.Random(evaluation.id).sample(members, min(SHOWN, len(members)))  # the same for every model
        found = store.answered(evaluation.id, model, drawn)
    if not found:
        st.info(f"{house.text(model, 60)} made no mistake on these pictures.")
        return
    wrong = [answer for answer in found if answer.predicted != answer.label]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(
            f"**{house.count(len(wrong), 'mistake')}** among {house.count(len(found), 'picture')}, framed in red"
        )
        if wrong:
            house.link("review", "Review the mistakes", ids=",".join(str(answer.image) for answer in wrong), show="any")
    shas = {record.id: record.facts.sha256 for record in store.images_by_id(project.id, [a.image for a in found])}
    drawn_now = [(framed(shas[a.image], a.predicted != a.label), words(a)) for a in found if a.image in shas]
    st.image([picture for picture, _ in drawn_now], caption=[text for _, text in drawn_now], width=SIDE + 2 * FRAME, output_format="JPEG")  # fmt: skip


def words(answer: Answer) -> str:
    said = f"{house.text(answer.predicted, 30)}, {answer.confidence:.0%}"
    return said if answer.predicted == answer.label else f"{said}; is {house.text(answer.label, 30)}"


@st.cache_data(max_entries=2000, show_spinner=False)
def framed(sha256: str, wrong: bool) -> bytes:
    """The thumbnail in a square with a frame, as JPEG; an empty frame where the picture is gone."""
    from PIL import Image, ImageOps

    try:
        small = Image.open(io.BytesIO(house.blobs().thumb(sha256))).convert("RGB")
    except Missing:
        small = Image.new("RGB", (SIDE, SIDE), QUIET)
    square = ImageOps.pad(small, (SIDE, SIDE), color="white")
    out = io.BytesIO()
    ImageOps.expand(square, FRAME, RED if wrong else QUIET).save(out, "JPEG", quality=85)
    return out.getvalue()
