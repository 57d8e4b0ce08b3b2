"""The worst mistakes, each with the training pictures most like it, what it probably comes from, and the way to its review."""

from __future__ import annotations

import html
import io
from base64 import b64encode
from collections import Counter

import numpy as np
import streamlit as st

from core.causes import Cause
from core.errors import Missing, WinnowError
from core.model import Answer, Evaluation, ImageRecord, Project, Run
from core.runs import evaluation_folder
from pages.parts import house, models, scored
from pages.parts.worst import chance

LOOKED = 24  # mistakes, the worst ones
KINDS: dict[str, tuple[str, str]] = {
    "label": ("perhaps a wrong label", "The model is sure of another class, and so are the training pictures most like it. Look first at these: correct the class, or reject the picture."),
    "outside": ("perhaps something else", "It is unlike anything that the model learned from. If it is none of the classes, reject it; else more pictures like it would help."),
    "hard": ("a hard one", "Its label seems right. More training pictures that look like it would help, or a larger network."),
}  # fmt: skip
STYLE = """<style>
.cause { display: flex; gap: 0.75rem; align-items: flex-start; }
.cause figure { margin: 0; flex: none; width: 5.5rem; }
.cause figure.own { width: 8.5rem; margin-right: 0.75rem; }
.cause a { color: inherit; text-decoration: none; }
.cause figure div { height: 5.5rem; border-radius: 0.35rem; overflow: hidden; background: color-mix(in srgb, currentColor 5%, transparent); font-size: 0.7rem; }
.cause figure.own div { height: 7.2rem; outline: 3px solid #d63031; outline-offset: -3px; }
.cause img { width: 100%; height: 100%; object-fit: contain; }
.cause figcaption { font-size: 0.75rem; line-height: 1.4; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.cause figcaption.other { font-weight: 600; color: #d63031; }
.cause .near { display: flex; flex-wrap: wrap; gap: 0.5rem; }
@media (max-width: 640px) { .cause { flex-direction: column; } .cause figure { width: 4.4rem; } .cause figure div { height: 4.4rem; } }
</style>"""


def show(project: Project, evaluation: Evaluation) -> None:
    model = scored.pick(evaluation, "caused-model")
    wrong = [a for a in house.store().answers(evaluation.id, model, wrong=True, limit=LOOKED) if a.truth is not None]
    if not wrong:
        st.info(f"{house.text(model, 60)} made no mistake whose cause could be looked for.")
        return
    try:
        seen_by, found, gone = looked(project, evaluation, model, wrong)
    except WinnowError as error:
        st.info(house.text(error))
        return
    kinds = Counter(cause.kind for cause in found)
    kind = st.segmented_control(
        "What it comes from", ["", *(k for k in KINDS if kinds[k])], default="", required=True, key="cause-kind",
        format_func=lambda k: f"{KINDS[k][0]} ({kinds[k]})" if k else f"all ({len(found)})",
    )  # fmt: skip
    chosen = [cause for cause in found if kind in ("", cause.kind)]
    ids = ",".join(str(cause.answer.image) for cause in chosen)
    about = (
        KINDS[kind][1]
        if kind
        else f"The {house.count(len(found), 'mistake')} in which the true class got least. Each is guessed to be a wrong label, "
        "something else, or a hard picture; you decide."
    )
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(about)
        house.link("review", f"Review {'it' if len(chosen) == 1 else f'these {len(chosen)}'}", ids=ids, show="any")
    missing = f" {house.count(gone, 'picture')} could not be read." if gone else ""
    st.caption(
        "How to read it: framed in red the mistaken picture; beside it the training pictures that the network finds most like it "
        f"(as {house.text(seen_by, 60)} sees them), with the class under which it learned them, in red where that is not the class "
        f"of the mistaken one.{missing}"
    )
    every = [cause.answer.image for cause in chosen] + [one.image for cause in chosen for one in cause.near]
    records = {record.id: record for record in house.store().images_by_id(project.id, list(dict.fromkeys(every)))}
    for cause in chosen:
        if cause.answer.image in records:
            one(cause, records)


def looked(project: Project, evaluation: Evaluation, model: str, wrong: list[Answer]) -> tuple[str, list[Cause], int]:
    """Which of the runs looked, the causes, and how many pictures could not be read. Raises Missing where the run's
    neighbours or files are not there, and as `models.load`."""
    numbers = evaluation.result["runs"]
    weights = evaluation.result.get("weights", {})
    name = model if model in numbers else max(numbers, key=lambda each: weights.get(each, 0.0))
    run = house.store().run(project.id, numbers[name])
    if run.deleted:
        raise Missing(
            f"The files of run {run.id} ({run.name}) were deleted, so where its mistakes come from cannot be looked up."
        )
    images = tuple(answer.image for answer in wrong)
    found, read = _looked(str(house.settings().home), evaluation.id, model, models.key([run]), images, project, evaluation, run, wrong)  # fmt: skip
    return name, found, len(wrong) - read


@st.cache_data(max_entries=20, show_spinner="Looking for the training pictures most like the mistakes …")
def _looked(
    home: str, number: int, model: str, key: tuple, images: tuple[int, ...], _project: Project, _evaluation: Evaluation,
    _run: Run, _wrong: list[Answer],
) -> tuple[list[Cause], int]:  # fmt: skip
    from core import causes, neighbours
    from core.evaluate import kept
    from core.pixels import squares

    [loaded] = models.load([_run]).values()
    of = models.neighbours(_run)
    said = kept.read(evaluation_folder(house.settings(), _evaluation.result.get("kept", 0)))
    if of is None or said is None:
        raise Missing("What the network sees of its training pictures is not kept of this evaluation: evaluate again to see where mistakes come from.")  # fmt: skip
    split = house.split(_project, _evaluation.result["split"])
    records = {record.id: record for record in house.store().images_by_id(_project.id, list(images))}
    read, pixels = [], []
    for answer in _wrong:
        try:
            data = house.blobs().get(records[answer.image].facts.sha256)
            [square] = squares(data, [loaded.size], split.boxes.get(answer.image))
        except (KeyError, WinnowError):
            continue
        read.append(answer)
        pixels.append(square)
    if not read:
        raise Missing("None of the mistaken pictures can be read any more.")
    at = list(_evaluation.result["models"]).index(model)
    usual = causes.usual(said.labels, said.probabilities[at], loaded.classes)
    vectors = neighbours.vectors(loaded, np.stack(pixels))
    return causes.causes(read, vectors, of, loaded.familiar, loaded.classes, usual), len(read)


def one(cause: Cause, records: dict[int, ImageRecord]) -> None:
    """One mistake: what it is called, what was said, the guess and why, its neighbours, and the way to its review."""
    answer, record = cause.answer, records[cause.answer.image]
    with st.container(border=True):
        left, right = st.columns([5, 1])
        words, help_ = KINDS[cause.kind]
        with left:
            st.markdown(
                f"Called **{house.text(answer.label, 40)}**, the model says **{house.text(answer.predicted, 40)}**, "
                f"{answer.confidence:.0%} ({chance(answer.truth or 0)} for {house.text(answer.label, 40)}): **{words}**",
                help=help_,
            )
            st.caption(f"{house.text(cause.why)}{since(answer, record)}")
        with right:
            house.link("review", "Review it", ids=str(answer.image), show="any")
        near = "".join(
            figure(records[n.image], n.label, f"{n.label}, likeness {n.likeness:.2f}", "other" if n.label != answer.label else "")
            for n in cause.near
            if n.image in records
        )  # fmt: skip
        own = figure(record, answer.label, f"{answer.label}, picture {record.id}", "", "own")
        st.html(f'{STYLE}<div class="cause">{own}<div class="near">{near}</div></div>')


def since(answer: Answer, record: ImageRecord) -> str:
    """What a person did about it after the evaluation."""
    if record.verdict == "reject":
        return " **It is rejected now.**"
    if record.label != answer.label:
        return f" **It is called {house.text(record.label, 40)} now.**"
    return ""


def figure(record: ImageRecord, label: str, title: str, color: str = "", kind: str = "", below: str = "") -> str:
    """A picture over its class, linked to its place in the review; `below` is one more line under it."""
    link = html.escape(house.address("review", ids=str(record.id), show="any"))
    data = _small(record.facts.sha256)
    inside = f'<img src="data:image/jpeg;base64,{data}" alt="{html.escape(title)}">' if data else "not on disk"
    more = f"<figcaption>{html.escape(below)}</figcaption>" if below else ""
    return (
        f'<figure class="{kind}"><a href="{link}" title="{html.escape(title)}"><div>{inside}</div>'
        f'<figcaption class="{color}">{html.escape(label)}</figcaption>{more}</a></figure>'
    )


@st.cache_data(max_entries=2000, show_spinner=False)
def _small(sha256: str) -> str:
    """The thumbnail at most 140 px large as JPEG in base64; "" where it is gone."""
    from PIL import Image

    try:
        small = Image.open(io.BytesIO(house.blobs().thumb(sha256))).convert("RGB")
    except Missing:
        return ""
    small.thumbnail((140, 140))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return b64encode(out.getvalue()).decode()
