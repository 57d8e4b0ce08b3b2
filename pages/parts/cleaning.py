"""How the project is cleaned: what is cropped, and what describes the pictures."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.detectors import NAMES, propose
from core.embed import CPU, GPU, PLAIN
from core.model import Project
from pages.parts import house

DETECTORS = {"none": "none: pictures stay whole", "yolo": "YOLO", "torchvision": "torchvision"}
DESCRIBERS = {
    "auto": "what fits this computer", GPU: "DINOv2, small", CPU: "MobileNetV2", PLAIN: "colours and edges only",
}  # fmt: skip


def form(project: Project) -> dict[str, Any]:
    """The fields, filled with how the project was cleaned the last time; what the clean job takes."""
    how = project.cleaning.crop
    proposed, wanted, reason = propose([named(project, label) for label in project.classes])
    with st.expander(f"Crop: {crop_said(project)}", expanded=False):
        st.markdown(
            "A detector finds the object in each picture, and only that part is learned from. Pictures stay whole; "
            "you can correct each crop in the review, in the large view."
        )
        st.caption(house.text(reason))
        kinds = list(DETECTORS)
        first = how.detector if how.detector != "none" or how.want else proposed
        detector = st.selectbox(
            "Detector", kinds, kinds.index(first), format_func=DETECTORS.__getitem__, key=f"detector-{project.id}",
            persist_state="session",
        )  # fmt: skip
        if detector == "none":
            return {"detector": "none", **describer(project)}
        want = st.multiselect(
            "What to look for", list(NAMES), list(how.want or wanted), key=f"want-{project.id}", persist_state="session",
            help="The 80 things these detectors know. Type to search. The largest one found is the crop.",
        )  # fmt: skip
        margin = st.slider(
            "Margin around it", 0, 50, round(100 * how.margin), format="%d %%", key=f"margin-{project.id}",
            help="Share of the box that is added on each side.",
        )  # fmt: skip
        least = st.slider(
            "Smallest share of the picture", 0, 50, round(100 * how.least), format="%d %%", key=f"least-{project.id}",
            help="Where the object fills less of the picture, the picture stays whole and is listed for you.",
        )  # fmt: skip
        return {"detector": detector, "want": want, "margin": margin / 100, "least": least / 100, **describer(project)}


def describer(project: Project) -> dict[str, Any]:
    known = list(dict.fromkeys([*DESCRIBERS, project.cleaning.embedder]))
    chosen = st.selectbox(
        "What describes the pictures", known, known.index(project.cleaning.embedder),
        format_func=lambda name: DESCRIBERS.get(str(name), str(name)), key=f"embedder-{project.id}", accept_new_options=True,
        help="A network that knows pictures in general turns each one into a row of numbers; what looks alike gets like "
        "numbers. Any name of the timm library may be typed.",
    )  # fmt: skip
    return {"embedder": chosen}


def named(project: Project, label: str) -> str:
    """A class with what stands above it: `BMW M3`."""
    info = project.infos.get(label)
    return " ".join([*(info.parents.values() if info else ()), label])


def crop_said(project: Project) -> str:
    """`none yet`, `YOLO looks for car, truck`."""
    how = project.cleaning.crop
    return f"{DETECTORS[how.detector]} looks for {', '.join(how.want)}" if how.detector != "none" else "none yet"
