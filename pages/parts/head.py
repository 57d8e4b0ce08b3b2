"""The head of every page: what this step does, where the project stands, and the one next action."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from core.clean import cleaned
from core.model import Funnel, Project
from core.review import certificate
from pages.parts import house, progress

DECIDING = "10s"  # after which the numbers of the review page are read again


@dataclass(frozen=True, slots=True)
class Standing:
    """All that the next action follows from."""

    funnel: Funnel
    cleaned: bool = False  # a clean ended after the last pictures came
    copies: int = 0  # groups of copies that nobody settled, as long as nobody reviewed
    decided: bool = False  # a person has looked at anything at all, copies apart
    rest: str = ""  # how many bad pictures may be left, as long as that is too many
    split: bool = False
    trained: bool = False  # a run on the newest split is done
    evaluated: bool = False  # and was looked at
    busy: str = ""  # verb of the job that runs or waits


@dataclass(frozen=True, slots=True)
class Action:
    page: str
    label: str
    why: str


@dataclass(frozen=True, slots=True)
class Head:
    """What a page goes on with."""

    project: Project
    standing: Standing
    action: Action

    @property
    def funnel(self) -> Funnel:
        return self.standing.funnel

    def emphasis(self, page: str) -> str:
        """The type of a page's own main button: "primary" where it is the next action, so that there is only one."""
        return "primary" if self.action.page == page else "secondary"


PAGE_OF = {"demo": "scrape", "sweep": "train", "rate": "train"}  # verbs whose page has another name
LOOKS = ("preview", "health", "catalogue", "predict", "tell")  # they change nothing or one picture: nobody has to wait


def next_action(standing: Standing) -> Action:
    """The one thing to do now, in the order of the work."""
    funnel = standing.funnel
    if standing.busy:
        page = PAGE_OF.get(standing.busy, standing.busy)
        return Action(
            page if page in house.SCREENS else "jobs",
            "Watch it run",
            f"A job is under way: {progress.name(standing.busy).lower()}.",
        )
    if not funnel.unique:
        why = "Nothing could be fetched yet." if funnel.found else "There are no pictures yet."
        return Action("scrape", "Find pictures", why)
    if not standing.cleaned:
        return Action("clean", "Look for duplicates", "New pictures have not been checked yet.")
    if standing.copies and not standing.decided and not standing.split:
        what = "photo is" if standing.copies == 1 else "photos are"
        return Action("duplicates", "Settle the copies", f"{standing.copies:,} {what} there more than once.")
    if not standing.decided and not standing.split:
        return Action(
            "review", "Review the pictures", f"Nobody has looked at the {house.count(funnel.unique, 'picture')} yet."
        )
    if standing.rest and not standing.split:
        return Action("review", "Go on reviewing", standing.rest)
    if not standing.split:
        return Action("split", "Split the pictures", "What is kept can be frozen for training.")
    if not standing.trained and funnel.outdated:
        return Action("split", "Split the pictures again", f"{house.count(funnel.outdated, 'picture')} of the split "
                      "changed since.")  # fmt: skip
    if not standing.trained:
        return Action("train", "Train the models", "The split is ready to learn from.")
    if not standing.evaluated:
        return Action("evaluate", "Evaluate the models", "The newest models have not been measured yet.")
    return Action("predict", "Try a picture", "The models are ready to be asked.")


def standing(project: Project) -> Standing:
    """Read from the store: a few small queries."""
    store = house.store()
    funnel = store.funnel(project.id)
    busy = next((job.verb for job in house.under_way(project) if job.verb not in LOOKS), "")
    trained = {run.id for run in store.runs(project.id, store.newest_split(project.id), done=True)}
    copies = 0  # asked for only while it may be what comes next
    if not (reviewed := store.reviewed(project.id)) and not funnel.split:
        copies = sum(count.groups for count in store.group_counts(project.id)[0].values())
    now = certificate.standing(store, project) if reviewed and not funnel.split else {"done": True}
    return Standing(
        funnel, cleaned=cleaned(store, project),
        decided=reviewed, rest="" if now["done"] else certificate.sentence(now), copies=copies, split=funnel.split > 0, trained=bool(trained),
        evaluated=bool(trained & store.measured(project.id)), busy=busy)  # fmt: skip


def title(page: str) -> None:
    """The part of the head that needs no project."""
    house.gate()
    st.title(house.SCREENS[page].title, anchor=False)
    st.markdown(house.SCREENS[page].about)


def alone() -> Project:
    """The head of the view for showing: what is asked, and nothing of the work. Without a project the page ends here."""
    house.gate()
    project = house.project()
    if project is None:
        st.info("There is nothing to show yet.")
        st.stop()
    st.title(house.text(project.name, 60), anchor=False)
    return project


def show(page: str) -> Head:
    """Draw the head and return what the page goes on with; without a project the page ends here, saying what to do."""
    title(page)
    project = house.project()
    if project is None:
        st.info("There is no project yet. Name your classes first; the demo needs nothing but a click.")
        house.link("project", "Start a project")
        st.stop()
    now = standing(project)
    action = next_action(now)
    if now.busy:
        st.fragment(_moving, run_every=2)(project.id)
        _next(page, action)
    elif page == "review":
        st.fragment(_deciding, run_every=DECIDING)(project, [now])
    else:
        strip(now.funnel)
        _next(page, action)
    return Head(project, now, action)


def _deciding(project: Project, read: list[Standing]) -> None:
    """While pictures are decided on the numbers change, and in the end what comes next. `read`: what the page has just read,
    for the first time that this is drawn."""
    now = read.pop() if read else standing(project)
    strip(now.funnel)
    action = next_action(now)
    said = action.page == "review" and now.rest  # above the grid, after each page
    _next("review", replace(action, why="") if said else action)


def _moving(project: int) -> None:
    strip(house.store().funnel(project), moving=True)


def _next(page: str, action: Action) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="next"):
        if action.page == page:
            st.markdown(f"**Next, on this page:** {action.label.lower()}. {action.why}".strip())
        else:
            if st.button(f"Next: {action.label}", type="primary", key="next-action"):
                st.switch_page(house.script(action.page), query_params=house.query())
            st.markdown(action.why)


STRIP = """<style>
.funnel { display: grid; grid-template-columns: repeat(5, 1fr); gap: 2px; margin: 0.25rem 0 0; padding: 0; }
.funnel div { padding: 0.55rem 0.75rem 0.6rem; background: color-mix(in srgb, currentColor 5%%, transparent);
  min-width: 0; }
.funnel div:first-child { border-radius: 0.5rem 0 0 0.5rem; }
.funnel div:last-child { border-radius: 0 0.5rem 0.5rem 0; }
.funnel b { display: block; font-size: clamp(1rem, 2.2vw, 1.4rem); font-weight: 600; line-height: 1.3;
  font-variant-numeric: tabular-nums; }
.funnel span { display: block; font-size: 0.8rem; opacity: 0.75; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
.funnel i { display: block; height: 4px; margin-top: 0.4rem; border-radius: 2px;
  background: color-mix(in srgb, currentColor 12%%, transparent); }
.funnel i::before { content: ""; display: block; height: 100%%; border-radius: 2px; background: #14a08d;
  width: var(--share); }
.aside { font-size: 0.85rem; opacity: 0.8; margin: 0.45rem 0 0; }
.aside.moving { min-height: 1.6em; font-variant-numeric: tabular-nums; }
@media (max-width: 640px) { .aside.moving { min-height: 4.8em; }
  .funnel div { padding: 0.45rem 0.4rem; } .funnel span { font-size: 0.72rem; } }
</style>
<div class="funnel" role="list" aria-label="Where the project stands">%s</div><p class="aside%s">%s</p>"""


def strip(funnel: Funnel, moving: bool = False) -> None:
    """found -> fetched -> unique -> kept -> in the split, each with its share of what was found. Numbers only.

    `moving`: the sentence below them changes, and has room for its longest, so that nothing under it jumps.
    """
    cells_ = "".join(_cell(*each) for each in cells(funnel))
    st.html(STRIP % (cells_, " moving" * moving, aside(funnel)))


def cells(funnel: Funnel) -> list[tuple[str, int, int, str]]:
    """(name, number, per cent of what was found, what it means)."""
    top = max(funnel.found, 1)
    named = [
        ("found", funnel.found, "Addresses the sources named"),
        ("fetched", funnel.fetched, "Downloaded and read as a picture, repeated addresses included"),
        ("unique", funnel.unique, "Different files among them"),
        ("kept", funnel.kept, "Not rejected by a person; what nobody decided on counts as kept"),
        ("in the split", funnel.split, "Frozen for training, choosing and testing"),
    ]
    return [(name, number, round(100 * number / top), about) for name, number, about in named]


def _cell(name: str, number: int, share: int, about: str) -> str:
    return (
        f'<div role="listitem" title="{about}"><b>{number:,}</b><span>{name}</span>'
        f'<i style="--share: {share}%"></i></div>'
    )


def aside(funnel: Funnel) -> str:
    """What the five numbers do not say, in a sentence."""
    parts = []
    if funnel.unique and not funnel.undecided:
        parts.append("Every picture was decided on")
    elif funnel.unique:
        one = funnel.undecided == 1
        parts.append(f"{funnel.undecided:,} of {funnel.unique:,} undecided: {'it counts' if one else 'they count'} as "
                     f"kept until somebody rejects {'it' if one else 'them'}")  # fmt: skip
    if funnel.failed:
        parts.append(f"{funnel.failed:,} could not be fetched")
    if funnel.pending:
        parts.append(f"{funnel.pending:,} still to fetch")
    if funnel.outdated:
        parts.append(
            f"{house.count(funnel.outdated, 'picture')} of the split"
            f" {'was' if funnel.outdated == 1 else 'were'} rejected, given another class or cropped otherwise since: split"
            " and train again for that to count"
        )
    return "; ".join(parts) + "." if parts else ""
