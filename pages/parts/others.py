"""Pictures of something else: how many are found out, what they cost, and which were taken for a class."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import Missing
from core.evaluate.distractors import MOST, OWN_CLASS, REJECTED
from core.evaluate.others import TOGETHER
from core.model import Evaluation, Project
from pages.parts import bars, diagrams, house
from pages.parts.worst import STYLE

SHOWN = {"displayModeBar": False}
CLASSES = 8  # that are named as what they were taken for


def choose(project: Project) -> list[str]:
    """Where pictures of something else are taken from: names of other projects, or REJECTED."""
    others = [other.name for other in house.store().projects() if other.id != project.id]
    funnel = house.store().funnel(project.id)
    rejected = [REJECTED] if funnel.kept < funnel.unique else []
    if not others and not rejected:
        return []
    return st.multiselect(
        "Pictures of something else",
        [*rejected, *others],
        [],
        format_func=called,
        key="distractors",
        placeholder="none",
        help="Sooner or later somebody shows the models something that is none of your classes. Choose pictures of that kind, and it is "
        "measured how often they are taken for a class. Choose only projects that show none of your classes. At most "
        f"{MOST} are drawn of each. Of the rejected pictures those count that show something else: not "
        f"{', '.join(OWN_CLASS[:-1])} or {OWN_CLASS[-1]}.",
    )


def called(name: str) -> str:
    return "what this project rejected" if name == REJECTED else f"project {name}"


def show(evaluation: Evaluation) -> None:
    told = evaluation.result.get("distractors")
    if not told:
        return
    st.subheader("Pictures of something else", anchor=False)
    rules = told["rule"]
    first = rules.get(TOGETHER) or next(iter(rules.values()))
    own = "validation" if evaluation.part == "val" else "test"
    st.markdown(
        f"Of {house.count(told['images'], 'picture')} of something else **{first['caught']:.0%}** are found out as *none of these*; of "
        f"the {own} pictures, which do show a class, **{first['false_alarms']:.1%}** are called so by mistake.",
        help=f"The limit was set on the validation pictures, so that {100 * told['rate']:.0f} of 100 pictures that belong are called none of "
        "these. What is measured is how far a picture lies from the training pictures of the nearest class, before the network's last layer "
        "(Mahalanobis distance: Lee et al. 2018; of vectors of length one, Mueller and Hein 2025).",
    )
    st.dataframe(_rules(rules, own), hide_index=True)
    st.caption(
        "How to read it: *told apart* is the chance that a picture of something else is stranger to the models than one that belongs. "
        "50 % is guessing, 100 % is perfect. In brackets stand the 95 % intervals.",
        help="The area under the receiver operating characteristic curve (AUROC), by bootstrap, near-duplicates together; the other two by Wilson.",
    )
    if told["by_logits"]:
        st.caption(
            f"{house.text(' and '.join(told['by_logits']), 200)}: judged by the logits alone, as other validation pictures can be read now "
            "than when it was trained."
        )
    _sources(told["sources"])
    _gap(told["models"] if len(evaluation.runs) > 1 else {told["word"]: told["models"][told["word"]]})
    _worst(told)


def _share(of: Mapping[str, Any], key: str) -> str:
    low, high = of[f"{key}_interval"]
    return f"{100 * of[key]:.1f} % ({100 * low:.0f} to {100 * high:.0f})"


def _rules(rules: Mapping[str, Any], own: str) -> pd.DataFrame:
    order = sorted(rules, key=lambda name: name != TOGETHER)
    return pd.DataFrame({
        "judged by": order,
        "told apart (AUROC)": [_share(rules[name], "auroc") for name in order],
        "something else, found out": [_share(rules[name], "caught") for name in order],
        f"{own} pictures, called none of these": [_share(rules[name], "false_alarms") for name in order],
    })  # fmt: skip


def _sources(sources: list[Mapping[str, Any]]) -> None:
    """Where there are several, how well each is found out; and what was left out of each."""
    there = [one for one in sources if "caught" in one]
    if len(sources) > 1 and there:
        st.dataframe(pd.DataFrame({
            "from": [called(one["name"]) for one in there],
            "pictures": [one["drawn"] - one["unreadable"] for one in there],
            "told apart (AUROC)": [_share(one, "auroc") for one in there],
            "found out": [_share(one, "caught") for one in there],
        }), hide_index=True)  # fmt: skip
    words = [text for one in sources if (text := _left_out(one))]
    if words:
        st.caption("  \n".join(words))


def _left_out(one: Mapping[str, Any]) -> str:
    why = [
        f"{house.count(one['copies'], 'is', 'are')} in this project as well, or as alike as a copy" if one["copies"] else "",
        f"{house.count(one['same_class'], 'bears', 'bear')} the name of one of the classes" if one["same_class"] else "",
        f"{house.count(one['unreadable'], 'file')} could not be read" if one["unreadable"] else "",
    ]  # fmt: skip
    said = ", ".join(filter(None, why))
    return (
        f"Left out of {house.text(called(one['name']), 60)} ({house.count(one['found'], 'picture')}): {said}."
        if said
        else ""
    )


def _gap(models: Mapping[str, Any]) -> None:
    rows = [
        (name, how, of[key], *of[f"{key}_interval"])
        for name, of in models.items()
        for key, how in (("without", "without them"), ("with", "with them"), ("rule", "with them, none of these held back"))
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["model", "how", "gap", "low", "high"])
    st.plotly_chart(
        diagrams.gaps(frame), key="gaps", config=SHOWN, alt="GAP of each model with and without distractors"
    )
    st.caption(
        "How to read it: GAP asks that right answers are also the surest ones; 1 is perfect. Pictures of something else lower it where "
        "they are answered more surely than right ones are. Holding answers back costs those that were right, so it helps only where "
        "many pictures of something else are found out.",
        help="Global average precision with distractors, as in Google Landmarks (Weyand et al. 2020). Lines are 95 % intervals (bootstrap).",
    )


def _worst(told: Mapping[str, Any]) -> None:
    if not told["worst"]:
        st.success("Every picture of something else was found out.")
        return
    missed = sum(told["taken_for"].values())
    most = [f"{house.text(label, 40)} ({number:,})" for label, number in list(told["taken_for"].items())[:CLASSES]]
    st.markdown(
        f"**Taken for a class: {house.count(missed, 'picture')}**, most often for {', '.join(most)}"
        + (f" and {len(told['taken_for']) - CLASSES} more" if len(told["taken_for"]) > CLASSES else "")
        + ". Those of which the models were surest:"
    )
    cells = "".join(_cell(one) for one in told["worst"])
    st.html(f'{bars.NAME}{STYLE}<div class="worst">{cells}</div>')


def _cell(one: Mapping[str, Any]) -> str:
    try:
        data = b64encode(house.blobs().thumb(one["sha256"])).decode()
        inside = f'<img src="data:image/jpeg;base64,{data}" alt="{html.escape(called(one["source"]))}, picture {one["image"]}">'
    except Missing as error:
        inside = html.escape(str(error))
    own = one["source"] == REJECTED
    where, source = ({}, "rejected here") if own else ({"project": one["source"]}, bars.cut(one["source"]))
    sure = "over 99%" if one["confidence"] > 0.99 else f"{one['confidence']:.0%}"
    link = html.escape(house.address("review", ids=str(one["image"]), show="any", **where))
    return (
        f'<a href="{link}"><div>{inside}</div><p class="cut"><b>{bars.cut(str(one["predicted"]))}</b></p>'
        f'<p>{sure} sure</p><p class="cut">{source}</p></a>'
    )
