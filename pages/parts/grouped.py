"""One group of copies on the page: its pictures side by side, the one to keep, and the press that settles it."""

from __future__ import annotations

import html
import uuid
from base64 import b64encode
from collections.abc import Mapping, Sequence

import streamlit as st

from core.errors import Missing, WinnowError
from core.model import Decision, Measure, Operation, Project
from db.store.groups import CONFLICT, Group, Member
from pages.parts import copies, house

MOST = 12  # pictures of a group that are shown; a press decides on all of them
LINKED = 500  # pictures in a link to the review
SETTLED = "settled"  # session: group -> (operation, sentence) of what was settled in this tab
STYLE = """<style>
[class*="st-key-copies-"] { display: grid; gap: 0.75rem 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 13.5rem), 1fr)); }
[class*="st-key-copies-"] > * { width: 100% !important; min-width: 0; }
.copy { margin: 0; font-size: 0.8rem; line-height: 1.45; }
.copy a { color: inherit; }
.copy .frame { position: relative; height: 10rem; border-radius: 0.5rem; overflow: hidden;
  background: color-mix(in srgb, currentColor 5%, transparent); border: 2px solid transparent; }
.copy.stays .frame { border-color: #14a08d; }
.copy .frame img { width: 100%; height: 100%; object-fit: contain; display: block; }
.copy .frame em { position: absolute; left: 0.4rem; top: 0.4rem; padding: 0 0.5em; border-radius: 0.35rem;
  background: #0f766e; color: #fff; font-style: normal; font-weight: 600; }
.copy figcaption { padding-top: 0.35rem; }
.copy figcaption span { display: block; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; opacity: 0.8; }
.copy figcaption span:first-child { opacity: 1; font-weight: 600; }
.copy figcaption span.why { white-space: normal; opacity: 1; color: color-mix(in srgb, currentColor 35%, #14a08d); }
@media (max-width: 640px) {
  [class*="st-key-copies-"] { grid-template-columns: 1fr 1fr; gap: 0.5rem; }
  .copy .frame { height: 8.5rem; }
  .copy figcaption span { white-space: normal; }
}
</style>"""


def box(project: Project, group: Group, members: Sequence[Member], measures: Mapping[int, Measure], who: str) -> None:
    """An open group."""
    proposed = copies.propose(members, measures)
    chosen = st.session_state.get(f"chosen-{group.name}", proposed.image)
    if chosen not in {one.image.id for one in members}:
        chosen = proposed.image
    labels = copies.classes(members, project.classes)
    with st.container(border=True, key=f"group-{project.id}-{group.name}"):
        _title(group, members, labels)
        with st.container(horizontal=True, key=f"copies-{project.id}-{group.name}"):
            _cards(group, members, chosen, proposed)
        if len(members) > MOST:
            st.caption(f"And {len(members) - MOST:,} more, which go or stay with these.")
        _presses(project, group, members, chosen, labels, who)


def _title(group: Group, members: Sequence[Member], labels: Sequence[str]) -> None:
    named = ", ".join(house.text(label, 60) for label in labels)
    torn = f"{'In' if len(members) > 1 else 'Found in'} different classes: {named}"
    said = torn if group.kind == CONFLICT else copies.TITLES[group.kind]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{said}** · {house.count(len(members), 'picture')}")
        ids = ",".join(str(one.image.id) for one in members[:LINKED])
        house.link("review", "In the review", ids=ids, show="any")


def _cards(group: Group, members: Sequence[Member], chosen: int, proposed: copies.Proposal) -> None:
    """The proposed one first, wherever the choice falls: nothing changes its place."""
    keep = next(one.image for one in members if one.image.id == chosen)
    ordered = sorted(members, key=lambda one: (one.image.id != proposed.image, one.image.id))
    for one in ordered[:MOST]:
        with st.container(gap="xxsmall"):
            stays = one.image.id == chosen
            why = proposed.why if one.image.id == proposed.image and len(members) > 1 else ""
            like = copies.likeness(one, keep) if len(members) > 1 else ""
            st.html(card(one, "the one to compare with" if stays and like else like, stays, why))
            if len(members) > 1:  # a button for the one that stays as well: choosing moves nothing
                st.button("This one stays" if stays else "Keep this one instead", type="tertiary", disabled=stays,
                          icon=":material/check:" if stays else ":material/swap_horiz:",
                          key=f"choose-{group.name}-{one.image.id}", on_click=_choose, args=(group.name, one.image.id))  # fmt: skip


def card(member: Member, like: str, stays: bool, why: str) -> str:
    """A picture with what tells it from its copies."""
    one = member.image
    name = f"{one.facts.width:,} × {one.facts.height:,} px · {one.label}"
    came = f"{copies.licence(member) or 'licence unknown'} · {copies.host(member)}"
    link = html.escape(house.address("review", ids=str(one.id), show="any"))
    rows = "".join(f'<span title="{line}">{line}</span>' for line in (html.escape(name), html.escape(came)))
    rows += f'<span title="likeness {member.likeness:.0%}">{like}</span>' if like else ""
    rows += f'<span class="why">Proposed: {html.escape(why)}</span>' if why else ""
    return (
        f'<figure class="copy{" stays" * stays}"><a href="{link}" target="_self"><div class="frame">{picture(member)}'
        f"{'<em>stays</em>' * stays}</div></a><figcaption>{rows}</figcaption></figure>"
    )


def picture(member: Member) -> str:
    label = html.escape(f"{member.image.label}, picture {member.image.id}")
    try:
        data = b64encode(house.blobs().thumb(member.image.facts.sha256)).decode()
    except Missing as error:
        return html.escape(str(error))
    return f'<img src="data:image/jpeg;base64,{data}" alt="{label}">'


def _presses(
    project: Project, group: Group, members: Sequence[Member], chosen: int, labels: Sequence[str], who: str
) -> None:
    images, others = [one.image for one in members], len(members) - 1
    rest = f"reject the other {'one' if others == 1 else f'{others:,}'}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if group.kind == CONFLICT:
            for label in labels:
                words = f"Keep as {house.text(label, 60)}" + (f", {rest}" if others else "")
                said = f"Kept as {label}; {rejected(others)}" if others else f"Kept as {label}."
                st.button(words, key=f"as-{group.name}-{label}", on_click=settle,
                          args=(project, group.name, copies.keep_one(images, chosen, label), who, said))  # fmt: skip
        else:
            st.button(f"Keep this copy, {rest}", key=f"one-{group.name}", on_click=settle,
                      args=(project, group.name, copies.keep_one(images, chosen), who, f"One copy stays; {rejected(others)}"))  # fmt: skip
        if others:
            st.button("These are different photos", key=f"all-{group.name}", on_click=settle,
                      args=(project, group.name, copies.keep_all(images), who, "Different photos: all of them stay."),
                      help="All of them stay, each in its class, and this group does not come back.")  # fmt: skip


def rejected(number: int) -> str:
    return f"{house.count(number, 'copy was', 'copies were')} rejected."


# what was settled ---------------------------------------------------------------------------------------------------


def line(project: Project, group: str, who: str) -> None:
    """What is left of a settled group: a sentence in its place, and the way back."""
    operation, said = st.session_state.get(SETTLED, {}).get(group, ("", "This group was settled meanwhile."))
    with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center",
                      key=f"settled-{project.id}-{group}"):  # fmt: skip
        st.markdown(house.text(said))
        if operation:
            st.button("Undo", key=f"undo-{group}", on_click=take_back, args=(project, operation, who))


def _choose(group: str, image: int) -> None:
    st.session_state[f"chosen-{group}"] = image


def settle(project: Project, group: str, decisions: Sequence[Decision], who: str, said: str) -> None:
    """Store one operation; what it did stands in the place of the group."""
    # A second press on the same button is the same operation: it names the same pictures as they were seen.
    operation = Operation(_name(project, who, decisions), who, tuple(decisions))
    try:
        applied = house.store().apply(project.id, operation)
    except WinnowError as error:
        st.session_state["unsaid"] = str(error)
        return
    if applied.conflicts:
        st.session_state["unsaid"] = f"{_left(applied.conflicts)}: someone else decided meanwhile."
    if applied.stored:
        st.session_state.setdefault(SETTLED, {})[group] = (operation.id, said)


def _name(project: Project, *what: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, repr((project.id, what))))


def _left(images: Sequence[int]) -> str:
    return f"{house.count(len(images), 'picture was', 'pictures were')} left unchanged"


def take_back(project: Project, operation: str, who: str) -> None:
    """Undo the whole operation, where nobody decided since."""
    try:
        applied = house.store().apply(project.id, Operation(_name(project, "undo", operation), who, undoes=operation))
    except WinnowError as error:
        st.session_state["unsaid"] = str(error)
        return
    if applied.conflicts:
        st.session_state["unsaid"] = f"{_left(applied.conflicts)}: someone decided again since."
    settled = st.session_state.get(SETTLED, {})
    for group in [name for name, (done, _) in settled.items() if done == operation]:
        del settled[group]
