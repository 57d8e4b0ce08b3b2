"""What the machine noticed: duplicates, near-duplicates, labels that disagree, pictures that are too small."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from core.clean import KINDS
from core.model import Finding, Project
from pages.parts import head, house, progress

GROUPS = 6  # shown side by side; the review shows all


def kind(project: Project, name: str, number: int) -> None:
    """One kind of finding: how many, what it means, examples, and the way into the review."""
    found = strongest(project, name)
    records = house.store().images_by_id(project.id, [finding.image for finding in found])
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{house.text(name.replace('_', ' ')).capitalize()}** · {house.count(number, 'picture')}")
            house.link("review", "Review them", finding=name, show="any", order="score")
        st.caption(house.text(KINDS[name]) if name in KINDS else "")
        if len({finding.group for finding in found}) < len(found):
            members = {record.id: record for record in records}
            shown = groupby(sorted(found, key=lambda f: f.group), key=lambda f: f.group)
            with st.container(horizontal=True, gap="medium"):
                for _, group in shown:
                    together = [members[f.image] for f in group if f.image in members][:4]
                    with st.container(border=True, width="content"):
                        house.thumbnails(together, {r.id: r.label for r in together}, height=84)
        else:
            house.thumbnails(records, {f.image: f.note for f in found if f.note})


@st.cache_data(ttl=30, show_spinner=False)
def _findings(database: str, project: int, name: str, job: tuple[int, str]) -> list[Finding]:
    """Examples of a kind, the surest first; read again after each clean (`job`: its number and status)."""
    found = list(house.store().findings(project, name))
    if len({finding.group for finding in found} - {""}) in (0, len(found)):  # no groups, or each of one
        return sorted(found, key=lambda f: -f.score)[:12]
    sizes: dict[str, list[Finding]] = {}
    for finding in found:
        sizes.setdefault(finding.group, []).append(finding)
    largest = sorted(sizes.values(), key=lambda g: (-len(g), -g[0].score))[:GROUPS]
    return [finding for group in largest for finding in group[:4]]


def strongest(project: Project, name: str) -> list[Finding]:
    job = house.newest(project, "clean", "demo")
    return _findings(house.settings().database, project.id, name, (job.id, job.status) if job else (0, ""))


def main() -> None:
    shown = head.show("clean")
    project = shown.project
    busy = progress.watch(project, "clean", "demo")
    if not shown.funnel.unique:
        st.info("There are no pictures to clean yet: fetch some first.")
        house.link("scrape", "Go to Scrape")
        return
    if not busy and st.button("Look for duplicates and faults", type=shown.emphasis("clean"), key="run"):  # type: ignore[arg-type]
        house.start("clean")
        st.rerun()
    counts = house.store().finding_counts(project.id)
    if not counts:
        if shown.standing.cleaned:
            st.success("Nothing was noticed: no duplicates, no labels that disagree, nothing too small.")
        elif not busy:
            st.caption("What is noticed appears here, with examples of each kind.")
        return
    st.caption("Nothing is taken out by this. Near-duplicates may stay: a split never cuts a group of them.")
    for name, number in sorted(counts.items(), key=lambda item: list(KINDS).index(item[0]) if item[0] in KINDS else 99):
        kind(project, name, number)


main()
