"""How the project is cleaned: what is cropped, and what describes the pictures."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.detectors import NAMES, propose
from core.detectors.yolo import FILE
from core.embed import CPU, GPU, PLAIN
from core.model import Cropping, Project
from core.weights import local
from pages.parts import house

DETECTORS = {"none": "none: pictures stay whole", "yolo": "YOLO", "torchvision": "SSDLite, by torchvision"}
DESCRIBERS = {
    "auto": "what fits this computer", GPU: "DINOv2, small", CPU: "MobileNetV2", PLAIN: "colours and edges only",
}  # fmt: skip


def form(project: Project, first: bool) -> dict[str, Any]:
    """The fields, filled with how the project was cleaned the last time, or for the `first` time with what is proposed;
    what the clean job takes."""
    proposed, wanted, reason = propose([named(project, label) for label in project.classes])
    how = project.cleaning.crop
    if first and how == Cropping() and proposed != "none" and at_hand():
        how = Cropping(proposed, wanted)
    chosen = {"embedder": st.session_state.get(f"embedder-{project.id}", project.cleaning.embedder)}
    detector = st.session_state.get(f"detector-{project.id}", how.detector)
    with st.expander(f"Crop: {DETECTORS[detector]}"):
        chosen |= crop(project, how, wanted, reason, proposed)
    by = house.text(DESCRIBERS.get(chosen["embedder"], chosen["embedder"]), 40)
    with st.expander(f"How pictures are compared: {by}"):
        chosen |= describer(project)
    return chosen


def crop(project: Project, how: Cropping, wanted: tuple[str, ...], reason: str, proposed: str) -> dict[str, Any]:
    st.markdown(
        "A detector finds the object in each picture, and only that part is learned from. Pictures stay whole; you can "
        "correct each crop in the review, in the large view."
    )
    missing = proposed != "none" and not at_hand()
    fetch = " Its weights (6 MB) are downloaded when you choose YOLO for the first time." if missing else ""
    st.caption(house.text(reason + fetch))
    detector = st.selectbox(
        "Detector", list(DETECTORS), list(DETECTORS).index(how.detector), format_func=DETECTORS.__getitem__,
        key=f"detector-{project.id}", persist_state="session",
    )  # fmt: skip
    if detector == "none":
        return {"detector": "none"}
    want = st.multiselect(
        "What to look for", list(NAMES), list(how.want or wanted), key=f"want-{project.id}", persist_state="session",
        format_func=lambda name: f"{name} ({NAMES[name]})" if name not in (how.want or wanted) else name,
        help="The 80 things these detectors know. Type to search. The largest one found is the crop.",
    )  # fmt: skip
    margin = st.slider(
        "Margin around it", 0, 50, round(100 * how.margin), format="%d %%", key=f"margin-{project.id}",
        persist_state="session", help="Share of the box that is added on each side.",
    )  # fmt: skip
    least = st.slider(
        "Smallest share of the picture", 0, 50, round(100 * how.least), format="%d %%", key=f"least-{project.id}",
        persist_state="session",
        help="Where the object fills less of the picture, the picture stays whole and is listed for you.",
    )  # fmt: skip
    return {"detector": detector, "want": want, "margin": margin / 100, "least": least / 100}


def describer(project: Project) -> dict[str, Any]:
    st.markdown(
        "A network that knows pictures in general turns each one into a row of numbers; what looks alike gets like "
        "numbers. Copies, wrong classes and strangers are found by them."
    )
    known = list(dict.fromkeys([*DESCRIBERS, project.cleaning.embedder]))
    chosen = st.selectbox(
        "What describes the pictures", known, known.index(project.cleaning.embedder),
        format_func=lambda name: DESCRIBERS.get(str(name), str(name)), key=f"embedder-{project.id}",
        accept_new_options=True, persist_state="session", help="Any name of the timm library may be typed.",
    )  # fmt: skip
    return {"embedder": chosen or "auto"}


def at_hand() -> bool:
    """Whether the proposed detector's weights are on this computer."""
    current = house.settings()
    return bool(local(current.weights, FILE) or local(current.home / "weights", FILE))


def named(project: Project, label: str) -> str:
    """A class with what stands above it: `BMW M3`."""
    info = project.infos.get(label)
    return " ".join([*(info.parents.values() if info else ()), label])
