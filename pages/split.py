"""Freeze what is kept into train, validation and test."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import streamlit as st

from core.errors import BadInput
from core.model import PARTS, Project, Split
from core.project import parents
from core.split import shares
from pages.parts import charts, head, house, progress

NAMES = {"train": "Train", "val": "Validation", "test": "Test"}
ABOUT = {
    "train": "The pictures that the models learn from.",
    "val": "Validation: pictures by which the best epoch, the calibration and the ensemble are chosen. Never learned from.",
    "test": "Pictures kept aside to measure the final models. Look at them rarely: each look makes the figure a little less honest.",
}


def choose(shown: head.Head) -> None:
    by = ""
    if levels := parents(shown.project.infos):
        by = st.segmented_control(
            "What is to be told apart", ["", *levels], default="", required=True, key="by",
            format_func=lambda level: house.text(level, 40) if level else "the classes",
            help="Your classes have parents, such as the make of a model: the models can learn those instead.",
        )  # fmt: skip
    keep = st.checkbox(
        "Keep the parts that the source's own folders name (train, val, test)",
        key="keep",
        help="For data sets that come with a split. Near-duplicates across its parts are counted as leak, not moved.",
    )
    first, second, third = st.columns(3)
    parts = first.text_input(
        "Train / validation / test, in per cent",
        "80/10/10",
        disabled=keep,
        key="parts",
        help="Three numbers that sum to 100.",
    )
    least = second.number_input(
        "Fewest pictures a class may have",
        1,
        100_000,
        50,
        key="least",
        help="A class with fewer kept pictures is left out of the split: too few to learn from and to measure by.",
    )
    seed = third.number_input(
        "Seed",
        0,
        2**31 - 1,
        0,
        disabled=keep,
        key="seed",
        help="The number that the random draw starts from. The same seed and pictures give the same split.",
    )
    if st.button("Split the pictures", type=shown.emphasis("split"), key="run"):  # type: ignore[arg-type]
        if not keep:
            shares(parts)
        house.start("split", parts=parts, seed=int(seed), min_per_class=int(least), keep_source_parts=keep, by=by)
        st.rerun()


def result(split: Split) -> None:
    st.subheader(
        f"Split {split.id}",
        anchor=False,
        help=f"Made {split.created:%Y-%m-%d %H:%M} UTC with seed {split.seed}. It never changes.",
    )
    total = max(sum(len(split.parts[part]) for part in PARTS), 1)
    with st.container(horizontal=True):
        for part in PARTS:
            size = len(split.parts[part])
            st.metric(
                NAMES[part],
                f"{size:,}",
                f"{size / total:.0%}",
                delta_color="off",
                delta_arrow="off",
                help=ABOUT[part],
                border=True,
                width="stretch",
                height="stretch",
            )
        st.metric(
            "Leak",
            f"{split.leak:,}",
            border=True,
            width="stretch",
            height="stretch",
            help="Pictures of validation or test with a near-duplicate in another part: the model would have seen them already.",
        )
    if split.leak:
        st.warning(
            f"{house.count(split.leak, 'picture')} of validation or test {'has' if split.leak == 1 else 'have'} a near-duplicate "
            "in another part: accuracy will look better than it is."
        )
    else:
        st.caption("No picture of validation or test has a near-duplicate in another part.")
    if split.left_out:
        some = [house.text(why) for why in list(split.left_out.values())[:20]]
        more = f"  \n… and {len(split.left_out) - 20} more" if len(split.left_out) > 20 else ""
        st.info(f"**{house.count(len(split.left_out), 'class', 'classes')} left out**  \n" + "  \n".join(some) + more)
    counted = {part: Counter(label for _, label in split.parts[part]) for part in PARTS}
    frame = pd.DataFrame(
        [(label, part, counted[part][label]) for label in split.classes for part in PARTS],
        columns=["class", "part", "images"],
    )
    with st.container(height=620 if len(split.classes) > 20 else "content", border=False):
        st.plotly_chart(
            charts.parts(frame),
            key="parts-chart",
            config={"displayModeBar": False},
            alt="Pictures of each class in each part",
        )


def history(project: Project) -> None:
    jobs = [job for job in house.store().jobs(project.id, "split", limit=20) if job.status == "done"]
    if len(jobs) < 2:
        return
    with st.expander(f"All {len(jobs)} splits"):
        rows = [(job.result.get("split"), f"{job.ended:%Y-%m-%d %H:%M}" if job.ended else "", job.params.get("parts"),
                 job.params.get("seed"), *(job.result.get(part) for part in PARTS), job.result.get("leak")) for job in jobs]  # fmt: skip
        st.dataframe(
            pd.DataFrame(rows, columns=["split", "made (UTC)", "parts", "seed", "train", "validation", "test", "leak"]),
            hide_index=True,
        )
        st.caption("Training uses the newest one; models keep the split they were trained on.")


def main() -> None:
    shown = head.show("split")
    project = shown.project
    busy = progress.watch(project, "split")
    if not shown.funnel.kept:
        st.info("Nothing is kept yet, so there is nothing to split: fetch and review pictures first.")
        house.link("scrape", "Go to Scrape")
        return
    if not busy:
        with st.container(border=True):
            try:
                choose(shown)
            except BadInput as error:
                st.error(house.text(error))
    if shown.funnel.split:
        result(house.store().split(project.id))
        history(project)
    elif not busy:
        st.caption(f"{house.count(shown.funnel.kept, 'picture')} would go into it.")


main()
