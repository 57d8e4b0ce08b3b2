"""Which parts of a picture spoke for a class, for each model, with the picture beside it."""

from __future__ import annotations

import random
from collections.abc import Callable

import streamlit as st

from core.errors import Missing, WinnowError
from core.model import Box, Project, Run, Split
from pages.parts import evidence, head, house, models

NAMES = {"train": "Train", "val": "Validation"}
SHOWN = 6  # pictures at once


def pictures(project: Project, split: Split, runs: list[Run]) -> list[tuple[str, str, bytes, Box | None]]:
    """(name, true class or "", bytes, the part that counts) of what is to be explained: from the split, or uploaded."""
    how = st.segmented_control(
        "Pictures", ["From the project", "My own"], default="From the project", required=True, key="how"
    )
    if how == "My own":
        files = st.file_uploader(
            "Pictures",
            accept_multiple_files=True,
            type=["jpg", "jpeg", "png", "webp", "bmp", "gif", "avif", "tif", "tiff"],
        )
        crop = models.cropper(runs) if files else None
        return [(file.name, "", file.getvalue(), _box(crop, file.getvalue())) for file in files[:SHOWN]]
    one, two, three = st.columns([2, 2, 1], vertical_alignment="bottom")
    part = one.selectbox(
        "Part",
        [p for p in ("val", "train") if split.parts[p]],
        format_func=lambda p: NAMES[p],
        key="part",
        help="Pictures the models did not learn from tell more. The test part stays closed: it is for the final figure.",
    )
    label = two.selectbox("Class", ["", *split.classes], format_func=lambda c: c or "any class", key="label")
    three.button("Others", help="Draw other pictures.", on_click=_another, width="stretch")
    members = [(image, said) for image, said in split.parts[part] if label in ("", said)]
    drawn = random.Random(st.session_state.get("draw", 0)).sample(members, min(SHOWN, len(members)))
    labels = dict(drawn)
    found = []
    for record in house.store().images_by_id(project.id, list(labels)):
        try:
            found.append(
                (
                    f"picture {record.id}",
                    labels[record.id],
                    house.blobs().get(record.facts.sha256),
                    split.boxes.get(record.id),
                )
            )
        except Missing as error:
            st.warning(house.text(error))
    return found


def _box(crop: Callable[[bytes], Box | None] | None, data: bytes) -> Box | None:
    try:
        return crop(data) if crop else None
    except WinnowError:  # no picture: said where it is shown
        return None


def _another() -> None:
    st.session_state["draw"] = st.session_state.get("draw", 0) + 1


def main() -> None:
    shown = head.show("explain")
    project = shown.project
    if not house.store().runs(project.id, done=True):
        st.info("There is no trained model to explain yet.")
        house.link("train", "Go to Train")
        return
    runs: list[Run] = models.choose(project, "explain-runs")
    split = house.store().split(project.id, runs[0].split)
    with st.container(border=True):
        chosen = pictures(project, split, runs)
        classes = st.multiselect(
            "Explain these classes",
            list(split.classes),
            [],
            placeholder="the class each model names",
            max_selections=3,
            help="For each picture and model: what speaks for these classes, and what against.",
        )
        fine = st.checkbox(
            "Finer, slower",
            help="Compares with 200 training pictures instead of 50: less noise, about four times the time.",
        )
        go = st.button("Explain", disabled=not chosen, key="run")
    if not chosen:
        st.caption("Choose pictures first.")
        return
    wanted = (tuple(run.id for run in runs), tuple(name for name, *_ in chosen), tuple(classes), fine)
    if go:
        st.session_state["explained"] = wanted
    if st.session_state.get("explained") != wanted:
        with st.container(horizontal=True):
            for name, true, data, box in chosen:
                evidence.picture(data, f"{name}, {true}" if true else name, 128, box)
        return
    loaded = models.load(runs)
    evidence.legend()
    for name, true, data, box in chosen:
        with st.container(border=True):
            st.markdown(f"**{house.text(name, 60)}**" + (f", true class {house.text(true, 60)}" if true else ""))
            try:
                with st.spinner("Asking the models …"):
                    evidence.rows(loaded, runs, data, list(classes), 200 if fine else 50, box)
            except WinnowError as error:
                st.error(house.text(error))


main()
