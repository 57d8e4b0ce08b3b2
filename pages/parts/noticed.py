"""What the machine noticed: a kind of finding with its number, examples, where its line is drawn, and the way to review it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import streamlit as st

from core.clean import KINDS, QUALITY
from core.model import TOLD, Finding, Project
from pages.parts import house

GROUPS = 6  # shown side by side; the page Duplicates shows all
EXAMPLES = 12
# Kind of copies -> under which others the page Duplicates may show a group of it.
OTHERS = {
    "label_conflict": "",
    "exact_duplicate": "in different classes or near copies",
    "near_duplicate": "in different classes",
}
# In the order of the page. What stands first is what hurts a classifier most.
CHAPTERS: dict[str, tuple[str, ...]] = {
    "Copies": tuple(OTHERS),
    "Told on Predict": (TOLD,),
    "Classes": ("label_issue", "far_from_class"),
    "Crops": ("no_box", "several_boxes", "cut_by_border", "small_box"),
}
REST = "The picture itself"
NAMES = {
    "far_from_class": "Unlike its class", "label_issue": "Perhaps another class", "label_conflict": "Copies in different classes",
    "exact_duplicate": "Exact copies", "near_duplicate": "Near copies", "no_box": "Nothing to crop",
    "several_boxes": "Several to crop", "cut_by_border": "Cut by the border", "small_box": "Small in the picture",
    "corrupt": "Damaged files", "odd_aspect": "Very long or very tall", "greyscale": "Black and white",
    TOLD: "A wrong answer, set right", "text": "Much text", "drawing": "Drawing or screenshot", "too_small": "Too small",
}  # fmt: skip


def name(kind: str) -> str:
    return NAMES.get(kind, kind.replace("_", " ").capitalize())


def chapters(counts: Mapping[str, int]) -> list[tuple[str, list[str]]]:
    """(heading, kinds that were found), without the empty ones."""
    placed = {kind for kinds in CHAPTERS.values() for kind in kinds}
    every = [*CHAPTERS.items(), (REST, tuple(kind for kind in KINDS if kind not in placed))]
    found = [(heading, [kind for kind in kinds if counts.get(kind)]) for heading, kinds in every]
    return [(heading, kinds) for heading, kinds in found if kinds]


@dataclass(frozen=True, slots=True)
class Left:
    """What of a kind waits for a person."""

    number: int = 0
    said: str = ""
    groups: str = ""  # of copies: the filter of the page Duplicates that shows them


def left(project: Project) -> dict[str, Left]:
    """Kind -> what is left of it. Copies are settled by groups, and each group is shown once: in different classes, where
    it is; of the rest, equal pictures within a near group stand there."""
    store = house.store()
    found = {k: Left(n, f"{n:,} undecided") for k, n in store.finding_counts(project.id, undecided=True).items()}
    every, (alone, _) = store.open_counts(project.id), store.group_counts(project.id)
    for kind, others in OTHERS.items():
        number = every.get(kind, 0)
        said, elsewhere = f"{house.count(number, 'group')} open", number - alone[kind].groups
        if elsewhere:
            share = "all" if elsewhere == number else elsewhere
            said += f", {others}" if number == 1 else f", {share} of them {others}"
        found[kind] = Left(number, said, kind if alone[kind].groups else "")
    return found


def kind(
    project: Project,
    finding: str,
    number: int,
    waiting: Mapping[str, Left],
    border: Mapping[str, Any] | None,
) -> None:
    """One kind: how many and how many are open, what it means, examples, and the way into the review."""
    found, open_, copies = strongest(project, finding), waiting.get(finding, Left()), finding in OTHERS
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            said = f"**{house.text(name(finding))}** · {house.count(number, 'picture')}"
            st.markdown(f"{said}, {open_.said}" if open_.number else f"{said}, :material/check: all settled")
            with st.container(horizontal=True, width="content", gap="medium"):
                if copies:
                    house.link("duplicates", "Side by side", kind=open_.groups)
                show = "undecided" if open_.number and not copies else "any"
                house.link("review", "Review them", finding=finding, show=show, order="score")
        st.caption(house.text(KINDS.get(finding, "")))
        if len({one.group for one in found} - {""}) not in (0, len(found)):
            grouped(project, found)
        else:
            records = house.store().images_by_id(project.id, [one.image for one in found])
            labels = {record.id: record.label for record in records}
            captions = {one.image: caption(one, labels.get(one.image, "")) for one in found}
            house.thumbnails(records, captions, crops=finding in CHAPTERS["Crops"])
        if border and (border["over"] or border["under"]):
            line(project, finding, border)


def caption(finding: Finding, label: str) -> str:
    """What fits below a small picture."""
    if finding.kind == "label_issue":
        return finding.note.partition(" than ")[0]
    if finding.kind == "exact_duplicate":
        return finding.note.rpartition("; ")[2]
    return f"{finding.score:.2f}" if finding.kind in QUALITY else label


def grouped(project: Project, found: Sequence[Finding]) -> None:
    records = {r.id: r for r in house.store().images_by_id(project.id, [one.image for one in found])}
    with st.container(horizontal=True, gap="medium"):
        for _, group in groupby(sorted(found, key=lambda one: one.group), key=lambda one: one.group):
            here = [one for one in group if one.image in records][:4]
            labels = {one.image: records[one.image].label for one in here}
            if len(here) == 1:  # one file at several addresses: its note says how many, or under which classes
                labels = {
                    one.image: one.note.partition(" is in ")[2] or caption(one, labels[one.image]) for one in here
                }
            with st.container(border=True, width="content"):
                house.thumbnails([records[one.image] for one in here], labels, height=84)


def line(project: Project, finding: str, border: Mapping[str, Any]) -> None:
    """The pictures on either side of the threshold, so that one sees what it means."""
    limit = border["threshold"]
    with st.expander(f"Where the line is drawn: from {limit:.2f} on"):
        st.markdown(house.text(QUALITY[finding].meaning))
        scored(project, finding, border["over"], f"Just over {limit:.2f}: noticed")
        scored(project, finding, border["under"], f"Just under {limit:.2f}: let pass")


def absent(project: Project, counts: Mapping[str, int], borders: Mapping[str, Mapping[str, Any]]) -> None:
    """What was looked for and not found, with the pictures that came nearest."""
    near = {kind: border for kind, border in borders.items() if not counts.get(kind) and border["under"]}
    if not near:
        return
    with st.expander(f"Looked for and not found: {', '.join(name(kind).lower() for kind in near)}"):
        for kind, border in near.items():
            st.markdown(f"**{house.text(name(kind))}** · {house.text(QUALITY[kind].meaning)}")
            scored(project, kind, border["under"], f"Nearest to {border['threshold']:.2f}, from which on it is noticed")


def scored(project: Project, finding: str, ids: Sequence[int], said: str) -> None:
    """Pictures with their scores."""
    if not ids:
        return
    scores = {m.image: m.scores.get(finding, 0.0) for m in house.store().measures_of(project.id, ids).values()}
    st.caption(said)
    house.thumbnails(house.store().images_by_id(project.id, ids), {i: f"{score:.2f}" for i, score in scores.items()})


@st.cache_data(ttl=30, show_spinner=False)
def _findings(database: str, project: int, kind: str, cleans: tuple) -> list[Finding]:
    """Examples of a kind, the surest first; read again after each clean (`cleans`)."""
    found = list(house.store().findings(project, kind))
    if len({finding.group for finding in found} - {""}) in (0, len(found)):  # no groups, or each of one
        return sorted(found, key=lambda f: -f.score)[:EXAMPLES]
    sizes: dict[str, list[Finding]] = {}
    for finding in found:
        sizes.setdefault(finding.group, []).append(finding)
    largest = sorted(sizes.values(), key=lambda g: (-len(g), -g[0].score))[:GROUPS]
    return [finding for group in largest for finding in group[:4]]


def strongest(project: Project, kind: str) -> list[Finding]:
    return _findings(house.settings().database, project.id, kind, house.cleans(project))
