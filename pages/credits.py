"""Where the project's pictures came from, and what one may do with them."""

from __future__ import annotations

import streamlit as st

from pages.parts import head, house, places, rights, terms

WORDS = {"licence unknown": terms.UNKNOWN, "robots": terms.ROBOTS, "noai": terms.NOAI}


def main() -> None:
    shown = head.show("credits")
    project, state = shown.project, shown.funnel
    if not state.found:
        st.info("There are no pictures to give credit for yet: find some first.")
        house.link("scrape", "Go to Scrape")
        return
    counts, one, many = rights.licences(project, state)
    if state.kept:
        st.markdown(rights.sentence(counts, one, many))
        rights.take(project, state, counts)
    else:
        st.info("No picture is kept yet, so there is nobody to credit. What was found so far is listed below.")
    st.subheader("Where they came from", anchor=False)
    which = places.chosen(project)
    places.bars(project, which, state)
    places.filters(project, state)
    with st.container(horizontal=True, gap="medium"):
        st.caption("Words of the trade:", width="content")
        for word, help in WORDS.items():
            st.caption(word, help=help, width="content")
    places.table(project, which)


main()
