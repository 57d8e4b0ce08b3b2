"""Who reviews here: how far they agree, how fast they are, what they differ on; and how much is looked at twice."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.model import Project
from core.review import agreement
from pages.parts import house

SHARES = {0.0: "none", 0.02: "2 %", 0.05: "5 %", 0.1: "10 %"}  # of a page, looked at by a second person
CHECKS = {0.0: "none", 0.02: "2 %", 0.05: "5 %"}
ALONE = (
    "You are the only one who reviews here. Once a second person does, under a name of their own, some pictures are shown to "
    "both, and you see here how far you agree."
)
ABOUT = (
    "**Agreement** is Cohen's kappa: 1 = always the same word, 0 = as often as by chance. It is computed from pictures "
    "that two people decided on, the second one without knowing of the first; in brackets the 95 % interval. The words for it are those of Landis and Koch.\n\n"
    "**Check pictures** are such whose right answer is known, half of them bad.\n\n"
    "**Per minute** counts the time between two stored pages; pauses over two minutes are no work."
)


def show(project: Project) -> None:
    """A button beside the reviewer's name; what it opens is read only while it is open."""
    opened = st.popover(
        "", icon=":material/group:", key="people", help="Who reviews here, and how far they agree", on_change="rerun"
    )
    if opened.open:
        with opened:
            _people(project)


def _people(project: Project) -> None:
    store = house.store()
    names = store.reviewers(project.id)
    if len(names) < 2:
        st.markdown(ALONE)
        return
    pairs, shown = store.pairs(project.id), store.check_counts(project.id)
    pace, disputes = agreement.pace(store.work(project.id)), store.disputes(project.id)
    rows = ["| Reviewer | Decisions | Per minute | Agrees with others |" + (" Check pictures |" if shown else ""),
            "|---|--:|--:|---|" + ("---|" if shown else "")]  # fmt: skip
    for name, number in names.items():
        speed = pace.get(name)
        cells = [house.text(name, 60), f"{number:,}", f"{speed:.0f}" if speed else "–"]
        cells.append(house.text(agreement.of_one(pairs, name).words))
        if shown:
            cells.append(house.text(_checked(agreement.checked(pairs, shown.get(name, 0), name))))
        rows.append("| " + " | ".join(cells) + " |")
    st.markdown("**Who reviews here**", help=ABOUT)
    st.markdown("\n".join(rows))
    _disputed(len(disputes))
    _settings(project, list(names))


def _checked(of: dict) -> str:
    if not of["answered"]:
        return "–"
    found = f", {of['found']} of {of['bad']} bad ones found" if of["bad"] else ""
    return f"{of['right']} of {of['answered']} right ({of['low']:.0%} to {of['high']:.0%}){found}"


def _disputed(number: int) -> None:
    if not number:
        st.caption("There is no picture on which two people differ.")
        return
    st.button(
        f"Look at {house.count(number, 'disputed picture')}", key="to_disputed", on_click=_to_disputed,
        icon=":material/balance:", help="Two people differ on these. Whoever decides on one now settles it.",
    )  # fmt: skip


def _to_disputed() -> None:
    st.session_state["show"] = st.query_params["show"] = "disputed"


def _settings(project: Project, names: list[str]) -> None:
    """How much is looked at twice, kept with the project."""
    now = house.store().project(project.name).reviewing
    with st.container(horizontal=True):
        overlap = st.selectbox(
            "Shown to two", _with(SHARES, now.overlap), format_func=lambda share: _percent(SHARES, share),
            index=_with(SHARES, now.overlap).index(now.overlap), key="overlap", width=120,
            help="The share of each page that another person has decided on already. It lies among the others and cannot "
            "be told from them; what is said of it counts as a second opinion and changes nothing.",
        )  # fmt: skip
        checks = st.selectbox(
            "Check pictures", _with(CHECKS, now.checks), format_func=lambda share: _percent(CHECKS, share),
            index=_with(CHECKS, now.checks).index(now.checks), key="checks", width=120,
            help="The share of each page whose right answer is known: pictures that one trusted person has decided on, half "
            "of them bad. They show how many bad ones a reviewer finds.",
        )  # fmt: skip
        trusted = now.trusted
        if checks:
            known = list(dict.fromkeys([*filter(None, [now.trusted]), *names]))
            trusted = st.selectbox(
                "The trusted person", known, key="trusted", width=160, format_func=str,
                help="Whose decisions count as right on check pictures. This person gets none.",
            )  # fmt: skip
    wanted = replace(now, overlap=overlap, checks=checks, trusted=trusted or "")
    if wanted != now:
        house.store().set_reviewing(project.id, wanted)
        st.rerun()


def _with(shares: dict[float, str], now: float) -> list[float]:
    """The choices, with what holds now, whoever set it."""
    return sorted({*shares, now})


def _percent(shares: dict[float, str], share: float) -> str:
    return shares.get(share, f"{share:.1%}")
