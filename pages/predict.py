"""Ask the models about new pictures: files, a web address, or the camera."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import Damaged, Missing, Permanent, WinnowError
from core.model import ENSEMBLES, Prediction, Run
from pages.parts import charts, evidence, head, house, methods, models

WAYS = ["Files", "A web address", "The camera"]
TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "gif", "avif", "tif", "tiff"]
MOST = 24  # pictures at once


def pictures() -> list[tuple[str, bytes]]:
    """(name, bytes) of what is to be asked about."""
    way = st.segmented_control(
        "Where is the picture?", WAYS, default=WAYS[0], required=True, key="way", label_visibility="collapsed"
    )
    if way == WAYS[0]:
        files = st.file_uploader("Pictures", accept_multiple_files=True, type=TYPES, label_visibility="collapsed")
        if len(files) > MOST:
            st.caption(
                f"The first {MOST} of {len(files)} are shown; for a whole folder there is `python -m core predict`."
            )
        return [(file.name, file.getvalue()) for file in files[:MOST]]
    if way == WAYS[1]:
        url = st.text_input("Address of a picture", placeholder="https://…", key="url").strip()
        if not url:
            return []
        got = fetch(url, house.settings().home.as_posix())
        if isinstance(got, bytes):
            return [(url, got)]
        st.error(house.text(got))
        return []
    file = st.camera_input("Take a picture", label_visibility="collapsed")
    return [("camera", file.getvalue())] if file else []


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


def answer(name: str, data: bytes, runs: list[Run], ensemble: str, key: str) -> None:
    """One picture: the word of the ensemble, every model's probabilities, and a map of why on demand."""
    with st.container(border=True):
        left, right = st.columns([1, 2], gap="medium")
        try:
            said = models.predictor(runs, ensemble).predict(data)
        except (Permanent, Missing, Damaged) as error:
            left.error(f"**{house.text(name, 60)}**  \n{house.text(error)}")
            return
        with left:
            evidence.picture(data, name, box=said.box)
            if said.box:
                st.caption("The models were asked about the bright part, cropped as the pictures they learned from.")
        with right:
            headline(said)
            frame = pd.DataFrame(
                [(model, label, p) for model, all_of in said.models.items() for label, p in all_of.items()],
                columns=["model", "class", "probability"],
            )
            st.plotly_chart(
                charts.probabilities(frame),
                key=f"bars-{key}",
                config={"displayModeBar": False},
                alt="Probability of each class by each model",
            )
        if st.toggle("Why? Show what spoke for it", key=f"why-{key}"):
            loaded = models.load(runs)
            methods.legend(list(dict.fromkeys(name for model in loaded.values() for name in methods.quick(model))))
            methods.faithful()
            with st.spinner("Asking the models why …"):
                evidence.rows(loaded, runs, data, said.box)


def headline(said: Prediction) -> None:
    took = f"{1000 * said.seconds:.0f} ms in all"
    if said.known:
        st.markdown(f"### {house.text(said.label, 60)}")
        st.caption(f"{said.confidence:.0%} sure · {took}", help=house.text(said.why, 400))
    else:
        st.markdown("### None of these")
        st.caption(
            f"The nearest class is {house.text(said.label, 60)}, with {said.confidence:.0%}. {house.text(said.why, 400)}  \n{took}",
            help="The models know only your classes. A picture that lies further from their training pictures than nearly all validation "
            "pictures do (Mahalanobis distance before the last layer) most likely shows something else. How often that is found out "
            "*Evaluate* measures, with *pictures of something else*.",
        )


def main() -> None:
    shown = head.show("predict")
    if not house.store().runs(shown.project.id, done=True):
        st.info("There is no trained model to ask yet.")
        house.link("train", "Go to Train")
        return
    with st.container(border=True):
        chosen = pictures()
    runs = models.choose(shown.project, "predict-runs")
    ensemble = "average"
    if len(runs) > 1:
        ensemble = st.segmented_control(
            "Whose word counts", list(ENSEMBLES), default="average", required=True, key="ensemble",
            help="**average**: the mean of all models. **priority**: for each picture the model that was better, on validation, at the class it names. **weighted**: the mean with the weights that fit validation best.",
        )  # fmt: skip
    if not chosen:
        st.caption("The answer appears here, with what each model thinks of it.")
    for i, (name, data) in enumerate(chosen):
        answer(name, data, runs, ensemble, str(i))


main()
