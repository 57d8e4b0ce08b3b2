"""Which parts of a picture spoke for a class, for each model; and what the models look at over whole classes."""

from __future__ import annotations

import random
from collections.abc import Callable

import streamlit as st

from core.errors import Missing, WinnowError
from core.model import Box, Project, Run, Split
from pages.parts import evidence, head, house, looks, methods, models, opacity, progress

NAMES = {"train": "Train", "val": "Validation"}
SHOWN = 6  # pictures at once
USUAL = ("shap", "guided", "gradcam")
CLASSES = {1: "the likeliest", 2: "the 2 likeliest", 3: "the 3 likeliest", 0: "I choose"}


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


def single(project: Project, split: Split, runs: list[Run]) -> None:
    """Some pictures, at once."""
    with st.container(border=True):
        chosen = pictures(project, split, runs)
        explainers = methods.choose("explainers", USUAL, runs)
        top = st.segmented_control(
            "Classes to explain", list(CLASSES), default=1, required=True, format_func=lambda n: CLASSES[n], key="top",
            help="Of the classes that each model names for a picture, or the same ones for all.",
        )  # fmt: skip
        classes = [] if top else st.multiselect(
            "Explain these classes", list(split.classes), list(split.classes[:1]), max_selections=3, key="classes",
            help="For each picture and model: what speaks for these classes, and what against.",
        )  # fmt: skip
        fine = st.checkbox(
            "Finer, slower",
            help="SHAP compares with 200 training pictures instead of 50: less noise, about four times the time.",
        )
        ready = bool(chosen and explainers and (top or classes))
        go = st.button("Explain", disabled=not ready, key="run")
    if not ready:
        st.caption("Choose pictures first." if not chosen else "Choose what to explain by, and which classes.")
        return
    wanted = (tuple(run.id for run in runs), tuple(name for name, *_ in chosen), tuple(explainers), top, tuple(classes))
    wanted = (*wanted, fine)
    if go:
        st.session_state["explained"] = wanted
    if st.session_state.get("explained") != wanted:
        with st.container(horizontal=True):
            for name, true, data, box in chosen:
                evidence.picture(data, f"{name}, {true}" if true else name, 128, box)
        return
    loaded = models.load(runs)
    methods.legend(explainers)
    methods.faithful()
    opacity.slider("explain")
    methods.warn(runs, explainers, fine, top or len(classes))
    for name, true, data, box in chosen:
        with st.container(border=True):
            st.markdown(f"**{house.text(name, 60)}**" + (f", true class {house.text(true, 60)}" if true else ""))
            try:
                with st.spinner("Asking the models …"):
                    evidence.rows(loaded, runs, data, box, explainers, classes, top or 1, 200 if fine else 50)
            except WinnowError as error:
                st.error(house.text(error))


def main() -> None:
    shown = head.show("explain")
    project = shown.project
    if not house.store().runs(project.id, done=True):
        st.info("There is no trained model to explain yet.")
        house.link("train", "Go to Train")
        return
    busy = progress.watch(project, "explain")
    runs: list[Run] = models.choose(project, "explain-runs")
    split = house.store().split(project.id, runs[0].split)
    what = st.segmented_control(
        "What to look at", ["Single pictures", "Whole classes"], default="Single pictures", required=True, key="what",
        label_visibility="collapsed",
    )  # fmt: skip
    if what == "Single pictures":
        single(project, split, runs)
    else:
        looks.show(project, split, runs, busy)


main()
