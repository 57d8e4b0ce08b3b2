"""What the machine noticed: copies, labels that disagree, bad pictures, and where to crop."""

from __future__ import annotations

import streamlit as st

from core.clean import last
from pages.parts import cleaning, head, house, noticed, progress


def main() -> None:
    shown = head.show("clean")
    project = shown.project
    busy = progress.watch(project, "clean", "demo")
    if not shown.funnel.unique:
        st.info("There are no pictures to clean yet: fetch some first.")
        house.link("scrape", "Go to Scrape")
        return
    counts, said = house.store().finding_counts(project.id), last(house.store(), project)
    if not busy:
        changes = cleaning.form(project, first=not said)
        aimless = changes["detector"] != "none" and not changes["want"]
        emphasis = shown.emphasis("clean")
        if st.button("Look for duplicates and faults", type=emphasis, key="run", disabled=aimless):  # type: ignore[arg-type]
            house.start("clean", **changes)
            st.rerun()
        if aimless:
            st.caption("Name something that the detector shall look for, or choose none.")
    if said:
        st.caption(house.text(said["about"]))
        for sentence in list(said.get("left_out", {}).values())[:3]:
            st.caption(house.text(sentence))
    if not counts:
        if shown.standing.cleaned:
            st.success("Nothing was noticed: no copies, no labels that disagree, no bad pictures.")
            noticed.absent(project, counts, said.get("borders", {}))
        elif not busy:
            st.caption("What is noticed appears here, with examples of each kind.")
        return
    st.caption("Nothing is taken out by this. Near copies may stay: a split never cuts a group of them.")
    left = noticed.left(project)
    for heading, kinds in noticed.chapters(counts):
        st.subheader(heading, anchor=False)
        for kind in kinds:
            noticed.kind(project, kind, counts[kind], left, said.get("borders", {}).get(kind))
    noticed.absent(project, counts, said.get("borders", {}))


main()
