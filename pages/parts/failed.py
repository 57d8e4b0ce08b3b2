"""Why addresses and searches failed, whether another try may help, and the button for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.model import Job, Project, Search
from core.scrape import meaning
from pages.parts import house
from pages.parts.terms import shown

SHOWN = 100  # addresses listed here; the page Sources and licences has all
LOOKED_AT = 2000  # addresses by which it is told whether another try may help; beyond, it is told by these
ANY = "any reason"


def show(project: Project) -> None:
    store = house.store()
    reasons, searches = store.failures(project.id), store.failed_searches(project.id)
    if reasons:
        addresses(project, reasons)
    if searches:
        asked(searches)
    if broken_off(house.newest(project, "scrape", "demo")):
        return  # "Go on" or "Try again" is the one thing to press; it takes what was left over
    may, again = store.retryable(project.id), sum(search.retryable for search in searches)
    if may:
        if st.button(
            f"Retry {amount(may - again, again)}", key="retry",
            help="Those that failed for a passing reason, such as a busy host, and what a stopped fetch had left over. "
            "What failed for good is not asked again.",
        ):  # fmt: skip
            house.start("scrape", retry=True)
            st.rerun()
    elif reasons or searches:
        st.markdown(nothing(sum(reasons.values()) + len(searches)))


def broken_off(last: Job | None) -> bool:
    """Whether the last fetch did not come to its end, and left something over."""
    if last is None or last.status != "failed":
        return last is not None and last.status == "stopped"
    return any(row["pending"] for row in last.result.get("sources", {}).values())


def amount(addresses: int, searches: int) -> str:
    """`3 addresses`, `1 search`, `3 addresses and 1 search`."""
    named = [(addresses, "address", "addresses"), (searches, "search", "searches")]
    return " and ".join(house.count(*each) for each in named if each[0])


def nothing(failures: int) -> str:
    """Why there is no button, and what to do instead."""
    all_ = "the one failure is" if failures == 1 else f"all {failures:,} failures are"
    return (
        f"**Nothing to retry:** {all_} for good, and asking again would bring the same. What each reason means says what "
        "can be done. Other words, on the page Project, or another source bring other pictures."
    )


def addresses(project: Project, reasons: Mapping[str, int]) -> None:
    """Each reason with what it means, and the addresses it struck."""
    total = sum(reasons.values())
    with st.expander(f"{house.count(total, 'address', 'addresses')} failed: why"):
        rows = house.store().failed(project.id, limit=LOOKED_AT)
        st.dataframe(
            pd.DataFrame([(reason, number, another_try(project, rows, reason), meaning(reason)) for reason, number in reasons.items()],
                         columns=["reason", "how many", "another try", "what it means"]),
            hide_index=True, height="content",
            column_config={"how many": st.column_config.NumberColumn(format="localized"),
                           "another try": st.column_config.TextColumn(help="Whether the reason may pass. What failed for good is not asked again.")},
        )  # fmt: skip
        picked = st.selectbox("Show the addresses that failed with", [ANY, *reasons])
        wanted = [] if picked == ANY else [picked]
        _list(house.store().failed(project.id, wanted, limit=SHOWN))
        if (total if picked == ANY else reasons[picked]) > SHOWN:
            st.caption(f"The first {SHOWN}.")
        more = {"reason": picked} if wanted else {}
        house.link("credits", "All of them on Sources and licences", status="failed", **more)


def another_try(project: Project, rows: Sequence[Mapping[str, Any]], reason: str) -> str:
    """`may help`, `of no use`, or both where a reason may pass for some; told by the addresses looked at."""
    struck = [row for row in rows if row["reason"] == reason] or house.store().failed(project.id, [reason], limit=SHOWN)
    marks = {bool(row["retryable"]) for row in struck}
    return "may help some" if len(marks) > 1 else _hope(True in marks)


def _hope(retryable: bool) -> str:
    return "may help" if retryable else "of no use"


def _list(rows: Sequence[Mapping[str, Any]]) -> None:
    cells = [(row["url"], row["label"], row["reason"], _hope(row["retryable"]), row["sentence"]) for row in rows]
    st.dataframe(
        pd.DataFrame(cells, columns=["address", "class", "reason", "another try", "in words"]), hide_index=True,
        height=320 if len(rows) > 8 else "content", column_config={"in words": st.column_config.TextColumn(width="large")},
    )  # fmt: skip


def asked(searches: Sequence[Search]) -> None:
    """Image searches that were not answered, and have not been since."""
    with st.expander(f"{house.count(len(searches), 'search', 'searches')} failed: why"):
        rows = [
            (search.label, search.query, shown("source", search.source), search.reason, _hope(search.retryable), search.sentence)
            for search in searches[:SHOWN]
        ]  # fmt: skip
        names = ["class", "words", "source", "reason", "another try", "in words"]
        st.dataframe(pd.DataFrame(rows, columns=names), hide_index=True, height="content")
        if len(searches) > SHOWN:
            st.caption(f"The first {SHOWN}.")
