"""From which likeness on two pictures count as one photo: the limit, with pairs from both sides of it."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Sequence
from math import floor

import streamlit as st

from core.clean import cleaned
from core.clean.groups import both_ways
from core.clean.groups import groups as grouped
from core.errors import Missing, WinnowError
from core.model import ImageRecord, Link, Project
from pages.parts import house

STRICT, LOOSE, FLOOR = 98, 80, 50  # per cent: the slider's ends, and how far it goes where looser links are known
EXAMPLES = 6  # pairs on each side
STYLE = """<style>
.ends { display: flex; justify-content: space-between; gap: 1rem; font-size: 0.8rem; opacity: 0.8;
  margin: -0.75rem 0 0; }
.ends span:last-child { text-align: right; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 13.5rem), 1fr)); gap: 0.5rem 1rem; }
.pairs figure { margin: 0; font-size: 0.8rem; }
.pairs a { color: inherit; display: grid; grid-template-columns: 1fr 1fr; gap: 3px; height: 6.5rem; }
.pairs img, .pairs i { width: 100%; height: 6.5rem; object-fit: contain; border-radius: 0.35rem;
  background: color-mix(in srgb, currentColor 5%, transparent); }
.pairs figcaption { opacity: 0.8; }
@media (max-width: 640px) { .pairs { grid-template-columns: 1fr 1fr; }
  .pairs a, .pairs img, .pairs i { height: 5rem; } }
</style>"""


def limit(project: Project, busy: bool) -> None:
    """Folded away until somebody wants it; nothing of it is read before."""
    panel = st.expander("How alike must two pictures be to count as copies?", key="alike", on_change="rerun")
    if not panel.open:
        return
    with panel:
        least = house.store().least_likeness(project.id)
        if least is None and not cleaned(house.store(), project):
            st.markdown("There are pictures that were never compared: clean the project first.")
            house.link("clean", "Go to Clean")
        elif least is None:
            st.markdown("No two different files were found to look alike, so there is no limit to choose yet. Exact "
                        "copies are always found.")  # fmt: skip
        else:
            st.fragment(_choose)(project, busy, least)


def _choose(project: Project, busy: bool, least: float) -> None:
    now = round(project.cleaning.likeness * 100)
    loosest = max(FLOOR, min(LOOSE, floor(least * 100), now))
    options = list(range(max(STRICT, now), loosest - 1, -1))
    st.markdown(
        "Cleaning gives each two pictures that look alike a likeness of up to 100 %. From here on they count as one "
        "photo. Nothing changes until you press **Use this**."
    )
    chosen = st.select_slider("Likeness", options, now, format_func=lambda value: f"{value} %", key=f"like-{project.id}",
                              help="From 97 % on: the same photo resized, mirrored or saved again. From 90 % on: surely "
                                   "one photo, cut or marked. Below: they look alike, and nobody is sure.")  # fmt: skip
    st.html(f'{STYLE}<p class="ends"><span>only certain copies</span><span>anything that looks alike</span></p>')
    st.markdown(says(project, chosen, now))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Use this", disabled=busy or chosen == now, key="use", help="Keeps the limit with the project, and "
                     "makes the groups anew. Your decisions stay."):  # fmt: skip
            use(project, chosen)
        st.caption("Wait for the job that runs." if busy else "This is the limit in force." if chosen == now else "")
    above, below = house.store().links_at(project.id, chosen / 100, EXAMPLES)
    examples(project, above, "Just above: would count as copies", "No pair is that alike.")
    examples(project, below, "Just below: would not", "No pair is known that is less alike.")


def says(project: Project, chosen: int, now: int) -> str:
    """How many groups a limit gives, beside the one in force."""
    key = (house.settings().database, project.id, house.cleans(project))
    said = f"At {chosen} %: **{_words(*found(*key, chosen))}** beside the exact copies."
    return said if chosen == now else f"{said} Now, at {now} %: {_words(*found(*key, now))}."


def _words(groups: int, pictures: int) -> str:
    return f"{house.count(groups, 'group')} of {house.count(pictures, 'picture')}" if groups else "no group"


@st.cache_data(max_entries=200, show_spinner=False)  # 50,000 links take half a second
def found(database: str, project: int, cleans: tuple, per_cent: int) -> tuple[int, int]:
    """How many groups the links above a limit give, and of how many pictures; read again after each clean."""
    sizes = [len(one) for one in grouped(both_ways(house.store().links(project, per_cent / 100)))]
    return len(sizes), sum(sizes)


def use(project: Project, per_cent: int) -> None:
    """Clean again with this limit; what is known of the pictures is taken along."""
    try:
        house.start("clean", project=project, likeness=per_cent / 100)
    except WinnowError as error:  # another one began meanwhile
        st.error(house.text(error))
    else:
        st.rerun(scope="app")


def examples(project: Project, links: Sequence[Link], title: str, none: str) -> None:
    st.markdown(f"**{title}**")
    if not links:
        st.caption(none)
        return
    ids = [image for link in links for image in (link.image, link.other)]
    of = {one.id: one for one in house.store().images_by_id(project.id, ids)}
    st.html(f'<div class="pairs">{"".join(_pair(link, of[link.image], of[link.other]) for link in links)}</div>')


def _pair(link: Link, one: ImageRecord, other: ImageRecord) -> str:
    address = html.escape(house.address("review", ids=f"{one.id},{other.id}", show="any"))
    return (
        f'<figure><a href="{address}" target="_self">{_picture(one)}{_picture(other)}</a>'
        f"<figcaption>{100 * link.likeness:.1f} % alike</figcaption></figure>"
    )


def _picture(one: ImageRecord) -> str:
    try:
        data = b64encode(house.blobs().thumb(one.facts.sha256)).decode()
    except Missing:
        return "<i></i>"
    return f'<img src="data:image/jpeg;base64,{data}" alt="{html.escape(one.label)}, picture {one.id}">'
