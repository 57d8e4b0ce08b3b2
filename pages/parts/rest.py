"""How many bad pictures are left among those nobody looked at, above the grid; and the certificate once that is few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import BadInput
from core.model import Project
from core.review import certificate
from pages.parts import earlier, house, together

if TYPE_CHECKING:
    from pages.parts.grid.desk import Desk

ABOUT = (
    "Some pictures of each page are drawn at random, whatever the learner thinks of them. From how many of those you reject, "
    "Winnow computes how many bad ones can be left among all that nobody looked at. The interval holds with a certainty of "
    "95 %, however often you look at it, and allows for a person who overlooks 2 % of the bad ones. New pictures start it anew."
)


def kept(project: Project) -> None:
    """The newest certificate of the project, and what came since; nothing where there is none."""
    made = house.store().certificate(project.id)
    if made is None:
        return
    of = made.result
    st.success(
        f"**Reviewed.** {house.text(certificate.sentence(of), 400)} Signed by {house.text(made.reviewer, 60)} on "
        f"{made.created:%Y-%m-%d}, after {house.count(of['looked'], 'picture')} had been looked at and "
        f"{of['found']:,} of them found bad.", icon=":material/verified:",
    )  # fmt: skip
    if house.store().newest_image(project.id) > made.newest:
        st.warning("Pictures came since then, and the certificate says nothing of them. Go on with the review.")


def show(project: Project, reviewer: str, desk: Desk) -> None:
    now = desk.standing
    with st.container(horizontal=True, vertical_alignment="center", key="rest"):
        icon = ":material/verified:" if now["done"] else ":material/pending:"
        st.markdown(f"{icon} {house.text(certificate.sentence(now), 400)}", width="content")
        with st.popover("How is this known?", type="tertiary", key="known", on_change="rerun") as opened:
            if opened.open:
                _known(project, desk)
        together.show(project, reviewer, desk)
        if not now["found"] or project.reviewing.references:
            earlier.show(project)
        if now["done"]:
            _certificate(project, reviewer, desk)


def _known(project: Project, desk: Desk) -> None:
    now = desk.standing
    st.markdown(ABOUT)
    st.markdown(house.text(certificate.missing(now), 400))
    st.caption(
        house.text(f"{now['draws']:,} random pictures decided, {now['bad_draws']:,} of them bad. {desk.learned}")
    )
    again = [one.image for one in house.store().judged(project.id) if one.queue == "random" and one.bad]
    if again:
        st.markdown("A good picture rejected by mistake makes the number look larger than it is.")
        st.button(f"Look once more at {house.count(len(again), 'random one')} found bad", key="again",
                  on_click=_once_more, args=(again,))  # fmt: skip


def _once_more(images: Sequence[int]) -> None:
    st.query_params["ids"] = ",".join(map(str, images))
    st.session_state["show"] = st.query_params["show"] = "any"
    st.session_state["whole page"] = True


def _certificate(project: Project, reviewer: str, desk: Desk) -> None:
    """The button that keeps it; or who kept it, where nothing was decided and nothing came since."""
    made = house.store().certificate(project.id)
    if made and (made.newest, made.result["looked"]) == (
        house.store().newest_image(project.id),
        desk.standing["looked"],
    ):
        st.markdown(
            f"Certificate signed by {house.text(made.reviewer, 60)} on {made.created:%Y-%m-%d}.", width="content"
        )
    elif st.button("Store the certificate", type="primary", key="certify"):
        try:
            certificate.certify(house.store(), project, reviewer)
        except BadInput as error:
            st.error(house.text(error))
        else:
            st.rerun(scope="app")
