"""Ask the models about new pictures: files, a .zip, a web address, a table of them, or the camera.

With `?view=demo` in its address the page stands alone, for showing: nothing else can be reached from it by clicking, and
nothing can be changed. It hides and does not protect.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import WinnowError
from core.model import ENSEMBLES, Project
from core.runs import choose
from pages.parts import addressed, answered, asked, described, head, house, models, told, upload

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

FILES, ADDRESS, CAMERA, TABLE = "Files", "A web address", "The camera", "A table of addresses"
TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "gif", "avif", "tif", "tiff", "zip"]
HANDFUL = 6  # pictures that are shown one by one


def question(project: Project) -> answered.Question:
    """Which models are asked, whose word counts, and of what."""
    alone = house.alone()
    runs = choose(house.store(), project.id) if alone else models.choose(project, "predict-runs")
    ensemble = "average"
    if len(runs) > 1 and not alone:
        ensemble = st.segmented_control(
            "Whose word counts", list(ENSEMBLES), default="average", required=True, key="ensemble",
            help="**average**: the mean of all models. **priority**: for each picture the model that was better, on validation, at the class it names. **weighted**: the mean with the weights that fit validation best.",
        )  # fmt: skip
    crop = house.split(project, runs[0].split).crop
    wants = crop.want if crop.detector != "none" else ()
    whole = bool(wants) and st.toggle(
        "Ask about the whole picture instead", key="whole",
        help=f"The models learned from pictures that were cropped to {' or '.join(wants)}, so yours are cropped as well.",
    )  # fmt: skip
    return answered.Question(project, runs, ensemble, wants, whole)


def place() -> str:
    """Where the pictures come from."""
    ways = [FILES, ADDRESS, CAMERA] if house.alone() else [FILES, ADDRESS, CAMERA, TABLE]
    return st.segmented_control(
        "Where is the picture?", ways, default=FILES, required=True, key="way", label_visibility="collapsed"
    )


def files() -> list[UploadedFile]:
    return st.file_uploader(
        "Pictures", accept_multiple_files=True, type=TYPES, label_visibility="collapsed", max_upload_size=upload.LARGEST
    )


def one(way: str) -> list[tuple[str, bytes]]:
    """(name, bytes) of the picture from a web address or the camera."""
    if way == CAMERA:
        file = st.camera_input("Take a picture", label_visibility="collapsed")
        return [("camera", file.getvalue())] if file else []
    url = st.text_input("Address of a picture", placeholder="https://…", key="url").strip()
    if not url:
        return []
    got = fetch(url, house.settings().home.as_posix())
    if isinstance(got, bytes):
        return [(url, got)]
    st.error(house.text(got))
    return []


@st.cache_data(ttl=300, max_entries=20, show_spinner="Fetching the picture …")
def fetch(url: str, home: str) -> bytes | str:
    """Through the one guarded door to the network; the sentence that says why not is kept like a picture."""
    from core.web import Web, blocking

    current = house.settings()
    with blocking(Web(current.allow_hosts, current.host_rate, current.contact)) as get:
        try:
            return get(url).body
        except WinnowError as error:
            return str(error)


def answers(given: Sequence[UploadedFile] | list[tuple[str, bytes]], asking: answered.Question) -> None:
    """One by one where they are few, else as a table."""
    uploads = [file for file in given if not isinstance(file, tuple)]
    if len(uploads) > HANDFUL or any(asked.zipped(file) for file in uploads):
        asked.show(uploads, asking)
        return
    for i, file in enumerate(given):
        name, read = (file[0], partial(bytes, file[1])) if isinstance(file, tuple) else (file.name, file.getvalue)
        answered.picture(name, read, asking, str(i))


def main() -> None:
    alone = house.alone()
    project = head.alone() if alone else head.show("predict").project
    if not house.store().runs(project.id, done=True):
        st.info("There is no trained model to ask yet.")
        if not alone:
            house.link("train", "Go to Train")
        return
    above = st.container()  # filled last: who is asked stands below it
    asking = question(project)
    labels = house.split(project, asking.runs[0].split).classes
    with above:
        if alone:
            st.markdown(f"Show a picture, and see which of these it is: **{named(labels)}**.")
        with st.container(border=True):
            way = place()
            if way == TABLE:
                addressed.show(asking)
                given = []
            else:
                given = files() if way == FILES else one(way)
    described.overview(project, labels)
    if not alone:
        told.waiting(project)
        st.link_button(
            "Show this page alone, for an audience", house.address("predict", view=house.DEMO), type="tertiary",
            icon=":material/co_present:", help="In a tab of its own, without a way to any other page. It hides, and does not protect.",
        )  # fmt: skip
    if not given and way != TABLE:
        st.caption("The answer appears here" + ("." if alone else ", with what each model thinks of it."))
    answers(given, asking)


def named(labels: Sequence[str], most: int = 12) -> str:
    """The first `most` classes in words."""
    more = f" and {len(labels) - most:,} more" if len(labels) > most else ""
    return ", ".join(house.text(label, 40) for label in labels[:most]) + more


main()
