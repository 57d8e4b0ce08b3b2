"""What one may do with the kept pictures, in a sentence, and the credits to take along."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from core import credits
from core.credits.attribution import allowed
from core.licences import FILTERS
from core.model import Funnel, Project
from db.store import Store
from db.store.provenance import Which
from pages.parts import house, places

INLINE = 20_000  # pictures whose credits are written while somebody waits


@st.cache_data(ttl=60, show_spinner="Counting …")
def _kept(database: str, project: int, state: Funnel) -> dict[str, int]:
    return house.store().kept_licences(project)


def licences(project: Project, state: Funnel) -> tuple[dict[str, int], str, str]:
    """Licence -> how many, and of what: kept pictures, or where these are too many to look at, all addresses found."""
    if state.unique <= places.MANY:
        return _kept(house.settings().database, project.id, state), "kept picture", "kept pictures"
    found = places.counts(project, "licence", Which(), state, places.CHOICES)
    return dict(found.largest), "address found", "addresses found"


def sentence(counts: Mapping[str, int], one: str, many: str) -> str:
    """`1,204 of 1,390 kept pictures may be copied with credit; 86 have an unknown licence; 100 forbid commercial use.`"""
    told = credits.rights(counts)
    parts = [f"**{told['open']:,} of {house.count(told['all'], one, many)}** may be copied with credit"]
    if told["unknown"]:
        parts.append(f"{told['unknown']:,} {'has' if told['unknown'] == 1 else 'have'} an unknown licence")
    if told["other"]:
        parts.append(f"{told['other']:,} {'has' if told['other'] == 1 else 'have'} a licence that is not open")
    if told["noncommercial"]:
        parts.append(
            f"{told['noncommercial']:,} {'forbids' if told['noncommercial'] == 1 else 'forbid'} commercial use"
        )
    return "; ".join(parts) + "."


def take(project: Project, state: Funnel, counts: Mapping[str, int]) -> None:
    """The credits, to go with the data set."""
    st.subheader("Take the credits along", anchor=False)
    st.caption("Most licences ask for the author's name wherever a picture is published. These files name them all.")
    exact = state.unique <= places.MANY

    def named(wanted: str) -> str:
        number = sum(n for licence, n in counts.items() if allowed(licence, wanted))
        return f"{FILTERS.get(wanted, 'all kept pictures')}{f' · {number:,}' if exact else ''}"

    wanted = st.selectbox("Which pictures", ["", *FILTERS], format_func=named, key="credits-licence")
    if state.kept > INLINE:
        st.caption(
            f"These are {house.count(state.kept, 'picture')}. Their credits take a while: write them in a terminal."
        )
        more = f" --licence {wanted}" if wanted else ""
        st.code(
            f"python -m core export --project {shlex.quote(project.name)} --to credits --format credits{more}", None
        )
        return
    store = house.store()
    with st.container(horizontal=True):
        for name, kind, help in (
            ("credits.csv", "text/csv", "A row for each picture: file, title, author, licence, source and the words to credit it with."),
            ("credits.html", "text/html", "A page to publish beside your data set or model, grouped by licence."),
        ):  # fmt: skip
            st.download_button(
                f"Download {name}", lambda name=name: written(store, project, wanted, name), name, kind,
                key=name, help=help, on_click="ignore", icon=":material/download:", disabled=not state.kept,
            )  # fmt: skip


def written(store: Store, project: Project, wanted: str, name: str) -> bytes:
    """One of the files; made when its button is pressed, beside the page."""
    with TemporaryDirectory() as folder:
        credits.write(store.kept_origins(project.id), Path(folder), project.name, wanted)
        return (Path(folder) / name).read_bytes()
