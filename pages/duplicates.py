"""Groups of copies: keep one of each, or say that they are different photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from core.clean.groups import best
from core.model import DUPLICATE, Project
from db.store.groups import CONFLICT, EXACT, NEAR, Count, Group
from pages.parts import alike, copies, grouped, head, house, progress
from pages.parts.grid import reviewer

SIZE = 10  # groups on a page
KINDS = ("", CONFLICT, NEAR, EXACT)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The groups on the screen. They keep their places while they are settled, until the next ones are asked for."""

    of: tuple  # project, kind, the newest clean: another one is another sheet
    groups: tuple[Group, ...]
    more: bool
    passed: tuple[tuple[str, int] | None, ...] = (None,)  # the keys that the pages up to this one begin behind


def lay(project: Project, kind: str, of: tuple, passed: tuple[tuple[str, int] | None, ...] = (None,)) -> Sheet:
    found = house.store().open_groups(project.id, kind, passed[-1], SIZE + 1)
    return Sheet(of, tuple(found[:SIZE]), len(found) > SIZE, passed)


def sheet(project: Project, kind: str) -> Sheet:
    """The one on the screen; a new one for another project or filter, or once there was another clean."""
    of = (project.id, kind, house.cleans(project))
    held = st.session_state.get("sheet")
    if held is None or held.of != of:
        held = st.session_state["sheet"] = lay(project, kind, of)
    return held


def turn(project: Project, kind: str, passed: tuple[tuple[str, int] | None, ...]) -> None:
    held: Sheet = st.session_state["sheet"]
    new = lay(project, kind, held.of, passed)
    st.session_state["sheet"] = new if new.groups else lay(project, kind, held.of)


def filters(counts: Mapping[str, Count]) -> tuple[str, str]:
    """Which groups to show, and the reviewer's name. Raises BadInput."""
    if "kind" not in st.session_state:
        given = st.query_params.get("kind", "")
        st.session_state["kind"] = given if given in KINDS else ""

    def keep() -> None:
        st.query_params["kind"] = st.session_state["kind"]

    number = {kind: counts[kind].groups for kind in KINDS if kind} | {"": sum(one.groups for one in counts.values())}
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Groups", KINDS, format_func=lambda kind: f"{copies.TITLES[kind]} · {number[kind]:,}", key="kind",
            wrap=True, on_change=keep, required=True, help="Groups that nobody settled yet: at least two pictures are left of each, or one that was found under two classes.",
        )  # fmt: skip
        name = reviewer()
    return kind or "", name


# all exact copies at once -------------------------------------------------------------------------------------------


def at_once(project: Project, exact: Count, who: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="at-once"):
        pictures = house.count(exact.copies, "exact copy", "exact copies")
        st.button(f"Take out all {pictures} at once" if exact.copies > 1 else "Take out the one exact copy",
                  key="take-all", on_click=take_all, args=(project, who))  # fmt: skip
        st.markdown(f"Of {house.count(exact.groups, 'group')} of equal pictures the best copy stays. One Undo brings the "
                    "others back.")  # fmt: skip


def take_all(project: Project, who: str) -> None:
    """One operation for all groups of equal pictures under one label, those within near groups too."""
    groups = house.store().exact_copies(project.id)
    licensed = house.store().licensed([one.id for images in groups.values() for one in images])
    measures = house.store().measures_of(project.id, [one.id for images in groups.values() for one in images])
    decisions = [
        decision
        for images in groups.values()
        for decision in copies.keep_one(images, best(images, measures, licensed).id)
    ]
    said = f"Exact copies of {house.count(len(groups), 'group')}: {grouped.rejected(len(decisions))}"
    if decisions:
        grouped.settle(project, "", decisions, who, said)
    st.session_state.pop("sheet", None)


def last_step(project: Project, who: str, shown: Sheet) -> None:
    """The reviewer's newest step, where it is not on the sheet itself: all at once, or one from before a reload."""
    operation = house.store().last_operation(project.id, who)
    settled = st.session_state.get(grouped.SETTLED, {})
    if not operation or any(settled.get(group.name, ("",))[0] == operation for group in shown.groups):
        return
    said = next((said for done, said in settled.values() if done == operation), "")
    said = said or _rejected(house.settings().database, operation)
    if said:
        with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"Your last step. {house.text(said)}")
            st.button("Undo", key="undo-last", on_click=grouped.take_back, args=(project, operation, who))


@st.cache_data(max_entries=100, show_spinner=False)
def _rejected(database: str, operation: str) -> str:
    """What an operation did to copies; "" where it was none of this page."""
    number = sum((one.verdict, one.reason) == ("reject", DUPLICATE) for one in house.store().decided(operation))
    return grouped.rejected(number).capitalize() if number else ""


# the groups ---------------------------------------------------------------------------------------------------------


def groups(project: Project, kind: str, shown: Sheet, who: str) -> None:
    names = [group.name for group in shown.groups]
    store = house.store()
    still = store.groups_named(project.id, names)
    members = store.group_members(project.id, list(still))
    ids = [one.image.id for some in members.values() for one in some]
    measures = store.measures_of(project.id, ids)
    for name in names:
        if name in still:
            grouped.box(project, still[name], members[name], measures, who)
        else:
            grouped.line(project, name, who)
    pages(project, kind, shown, len(still))


def pages(project: Project, kind: str, shown: Sheet, still: int) -> None:
    end = (shown.groups[-1].kind, shown.groups[-1].first)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if len(shown.passed) > 1:
            st.button("Previous", on_click=turn, args=(project, kind, shown.passed[:-1]))
        if shown.more:
            st.button("Next groups", type="secondary" if still else "primary", on_click=turn,
                      args=(project, kind, (*shown.passed, end)))  # fmt: skip
        elif still or len(shown.passed) > 1:
            st.caption("These are the last ones.")


def main() -> None:
    shown = head.show("duplicates")
    project = shown.project
    busy = progress.watch(project, "clean", "demo")
    if not shown.funnel.unique:
        st.info("There are no pictures yet: fetch some first.")
        house.link("scrape", "Go to Scrape")
        return
    counts, settled = house.store().group_counts(project.id)
    left = sum(one.groups for one in counts.values())
    if not left and not settled and not shown.standing.cleaned:
        if not busy:
            st.info("Nobody has looked for copies yet: do that on the page Clean, and what is found appears here.")
            house.link("clean", "Go to Clean")
        return
    st.html(grouped.STYLE)
    if said := st.session_state.pop("unsaid", ""):
        st.toast(house.text(said), duration="long")  # wherever on the page the press was
    if left or settled:
        body(project, counts, left, settled, busy)
    else:
        st.success(f"No photo is here twice: all {house.count(shown.funnel.unique, 'picture')} were compared.")
        alike.limit(project, busy)


def body(project: Project, counts: Mapping[str, Count], left: int, settled: int, busy: bool) -> None:
    kind, who = filters(counts)
    on_screen = sheet(project, kind)
    last_step(project, who, on_screen)
    exact = house.store().exact_count(project.id) if kind in ("", EXACT) else Count()
    if not left:
        st.success(f"All settled: {house.count(settled, 'group')} of copies, and none of them waits for you.")
    elif not on_screen.groups and exact.copies:
        st.markdown(
            "The exact copies that are left stand within near copies. Take them out here all at once, or settle them there."
        )
    elif not on_screen.groups:
        st.success(f"Nothing is left of {copies.TITLES[kind].lower()}. Choose All to see the other groups.")
    else:
        st.markdown(copies.ABOUT[kind])
    if exact.copies:
        at_once(project, exact, who)
    alike.limit(project, busy)
    if on_screen.groups:
        groups(project, kind, on_screen, who)


main()
