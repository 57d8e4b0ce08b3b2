"""What every page stands on: the settings, the one store, the project in the URL, `start(verb, ...)`, safe text."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import streamlit as st

from core import settings as core_settings
from core.blobs import Blobs
from core.errors import BadInput, Missing
from core.model import Box, ImageRecord, Job, Project, Split
from db import open_store

if TYPE_CHECKING:
    from PIL import Image

    from core.review.learner import Learner
    from core.settings import Settings
    from db.store import Store

DEMO = "demo"  # the value of `view` in the URL
ACTIVE = ("queued", "running")
LONGEST = 300  # characters of a name or sentence that a page shows
PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
BARE_LINK = re.compile(r"https?\\:(?=\\/)|www(?=\\\.)|\\@", re.IGNORECASE)  # in escaped text


@dataclass(frozen=True, slots=True)
class Screen:
    """A page as the navigation shows it."""

    title: str
    icon: str  # from the icon font that Streamlit ships; nothing is fetched from the network
    group: str
    about: str  # what this step does: one or two sentences


SCREENS: dict[str, Screen] = {
    "project": Screen("Project", ":material/category:", "Collect", (
        "Name the classes you want to tell apart. Everything else (finding pictures, cleaning them, training) "
        "follows from these names.")),
    "scrape": Screen("Scrape", ":material/travel_explore:", "Collect", (
        "Find pictures for each class and fetch them. Every picture keeps its address, creator and licence; "
        "every failure keeps its reason.")),
    "clean": Screen("Clean", ":material/mop:", "Collect", (
        "Look for copies, wrong classes and bad pictures, and for the part of each picture that counts. "
        "Nothing is taken out here: you decide.")),
    "duplicates": Screen("Duplicates", ":material/stacks:", "Collect", (
        "See every photo that is here more than once, copies side by side, and keep the best one of each. Copies that "
        "stand in different classes come first.")),
    "review": Screen("Review", ":material/rule:", "Collect", (
        "Look at the pictures and reject what does not belong. Nothing is deleted, and every decision can be taken back.")),
    "credits": Screen("Sources and licences", ":material/copyright:", "Collect", (
        "See where your pictures came from and what you may do with them, and take along the credits that their authors "
        "are owed.")),
    "split": Screen("Split", ":material/call_split:", "Learn", (
        "Freeze what is kept into pictures to learn from, to choose by, and to test with. "
        "Near-duplicates always stay together, so that no test picture was seen in training.")),
    "train": Screen("Train", ":material/model_training:", "Learn", (
        "Teach networks to tell your classes apart, on this computer. You can watch it learn, stop it and go on later.")),
    "evaluate": Screen("Evaluate", ":material/analytics:", "Learn", (
        "See how often each model is right, for which classes it is not, and look at the pictures behind each mistake.")),
    "explain": Screen("Explain", ":material/lightbulb:", "Learn", (
        "See which parts of a picture spoke for a class and which against it, for each model.")),
    "predict": Screen("Predict", ":material/image_search:", "Use", (
        "Ask your models about new pictures: files, a web address or the camera. Nothing leaves this computer.")),
    "export": Screen("Export", ":material/ios_share:", "Use", (
        "Take along what you made: the pictures in a form that other programs read, and the models as files that run without "
        "Winnow.")),
    "jobs": Screen("Jobs", ":material/pending_actions:", "Use", (
        "What runs, what waits and what ended. Jobs go on when the browser is closed.")),
}  # fmt: skip


# the one store ------------------------------------------------------------------------------------------------------


def gate() -> None:
    """Who may see this page. The app listens on this machine only, so whoever reaches it may; a sign-in goes here."""


def settings() -> Settings:
    """The settings in force. Raises BadSetting, which the shell shows as its sentence."""
    return core_settings.load()


@st.cache_resource(show_spinner=False, on_release=lambda store: store.close())
def _store(database: str) -> Store:
    return open_store(database)


def store() -> Store:
    return _store(settings().database)


@st.cache_resource(show_spinner=False)
def _blobs(storage: str) -> Blobs:
    return Blobs(storage)


def blobs() -> Blobs:
    return _blobs(settings().storage)


# the project in the URL ---------------------------------------------------------------------------------------------


def project() -> Project | None:
    """The project that the URL names; the newest where it names none; None where there is none at all.

    Raises BadInput for a name that is no project's.
    """
    name = st.query_params.get("project", "")
    if name:
        return store().project(name)
    everything = store().projects()
    if not everything:
        return None
    st.query_params["project"] = everything[-1].name
    return everything[-1]


def alone() -> bool:
    """Whether the URL asks for the view for showing, `?view=demo`: Predict alone, without a way to any other page.

    It hides what changes the project, and protects nothing: who knows an address can open it.
    """
    return st.query_params.get("view", "") == DEMO


def script(page: str) -> str:
    """A page as st.page_link and st.switch_page want it: relative to the shell."""
    return f"../{page}.py"


def query(**more: str) -> dict[str, str]:
    """The part of a link behind `?`: the chosen project, and more."""
    name = st.query_params.get("project", "")
    return ({"project": name} if name else {}) | ({"view": DEMO} if alone() else {}) | more


def link(page: str, label: str, **more: str) -> None:
    """A link to another page that keeps the project."""
    st.page_link(
        script(page), label=label, icon=":material/arrow_forward:", icon_position="right", query_params=query(**more)
    )


def address(page: str, **more: str) -> str:
    """The same as a plain address, for what takes no page: the link of a picture."""
    path = "/" if page == "project" else f"/{page}"
    return f"{path}?{urlencode(query(**more))}"


# what was learned ----------------------------------------------------------------------------------------------------


def learner(project: Project) -> Learner:
    """What ranks the project's pictures; another one after each clean, when pictures came, and for other references."""
    newest, references = store().newest_image(project.id), project.reviewing.references
    return _learner(settings().database, project.name, (newest, references, *cleans(project)))


@st.cache_resource(max_entries=4, show_spinner="Getting ready to learn from you...")
def _learner(database: str, name: str, key: tuple) -> Learner:
    from core.review import cache
    from core.review.learner import learner

    return learner(store(), store().project(name), cache(settings()))


def split(project: Project, number: int) -> Split:
    """The split of that number: a large one takes a moment to read, and none ever changes."""
    return _split(settings().database, project.id, number)


@st.cache_resource(max_entries=4, show_spinner=False)
def _split(database: str, project: int, number: int) -> Split:
    return store().split(project, number)


# jobs ---------------------------------------------------------------------------------------------------------------


def newest(project: Project, *verbs: str) -> Job | None:
    """The newest job of these verbs in the project."""
    found = [job for verb in verbs for job in store().jobs(project.id, verb, limit=1)]
    return max(found, key=lambda job: job.id, default=None)


def under_way(project: Project) -> list[Job]:
    """The project's jobs that run or wait, the newest first: no ended one is read, whose result may be long."""
    jobs = [store().job(number) for number in sorted(store().busy(), reverse=True)]
    return [job for job in jobs if job.project == project.id]


def cleans(project: Project) -> tuple[tuple[int, str], ...]:
    """What is another one after each clean: number and state of the newest jobs that cleaned, of a split only if it did."""
    newest = [jobs[0] for verb in ("clean", "demo") if (jobs := store().jobs(project.id, verb, limit=1))]
    splits = [job for job in store().jobs(project.id, "split") if "clean" in job.result]
    return tuple((job.id, job.status) for job in (*newest, *splits[:1]))


def start(verb: str, need: str = "cpu", project: Project | None = None, alone: bool = True, **params: Any) -> Job:
    """Queue the job and see that a worker runs. Raises BadInput where the project has such a job under way, if it has to
    be `alone`."""
    from core import jobs

    inside = project or globals()["project"]()
    if inside is None:
        raise BadInput("There is no project yet: name your classes on the page Project first.")
    jobs.ensure_worker(settings())  # first: a worker that is there takes the job at once, under the settings it knows
    return store().submit(verb, params, inside.id, need, alone)


def again(job: int) -> None:
    """Queue a failed or stopped job once more; it skips what is there."""
    from core import jobs

    jobs.ensure_worker(settings())
    store().again(job)


# text and pictures --------------------------------------------------------------------------------------------------


def text(value: object, longest: int = LONGEST) -> str:
    """A name or a sentence from outside as Markdown that shows exactly its characters, in one line.

    Every punctuation mark gets a backslash (CommonMark 2.4), so that no link, picture, colour, formula, icon or HTML
    comes of it; an address gets an unseen word joiner, because GitHub's Markdown links bare ones whatever is escaped;
    control and direction characters become U+FFFD; what is over `longest` characters is cut.
    """
    plain = str(value)
    plain = plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
    shown = []
    for sign in " ".join(plain.split()):
        if unicodedata.category(sign)[0] == "C":
            sign = "\N{REPLACEMENT CHARACTER}"
        shown.append(f"\\{sign}" if sign in PUNCTUATION else sign)
    return BARE_LINK.sub("\\g<0>\N{WORD JOINER}", "".join(shown))


def count(number: int, one: str, many: str = "") -> str:
    """`1 picture`, `2,781 pictures`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def thumbnails(
    records: Sequence[ImageRecord],
    captions: Mapping[int, str] | None = None,
    height: int = 96,
    crops: bool = False,
    linked: bool = True,
) -> None:
    """A row of a dozen pictures at most, each at its true aspect ratio and, if `linked`, with a link to its place in the
    review; with `crops`, what lies outside of each one's crop is dimmed."""
    with st.container(horizontal=True, gap="small"):
        for record in records[:12]:
            width = round(height * min(1.5, max(0.4, record.facts.width / record.facts.height)))
            try:
                data = blobs().thumb(record.facts.sha256)
            except Missing as error:
                st.caption(text(error))
                continue
            caption = (captions or {}).get(record.id, "")
            st.image(
                _cropped(data, record.facts.width, record.box) if crops and record.box else data,
                caption=text(caption, 40) if caption else None,
                width=width,
                link=address("review", ids=str(record.id), show="any") if linked else None,
                alt=f"{record.label}, picture {record.id}",
            )


def _cropped(thumb: bytes, width: int, box: Box) -> Image.Image:
    """The thumbnail of a picture `width` px wide, dimmed outside of the box (in px of the picture)."""
    from PIL import Image

    with Image.open(io.BytesIO(thumb)) as opened:
        small = opened.convert("RGB")
    left, top, right, bottom = (side * small.width / width for side in box)
    return outside_dimmed(small, (left, top, right, bottom))


def outside_dimmed(image: Image.Image, box: Box) -> Image.Image:
    """An RGB picture with what lies outside the box (left, top, right, bottom; px) dimmed."""
    from PIL import Image

    left, top, right, bottom = map(round, box)
    dim = Image.blend(image, Image.new("RGB", image.size, "grey"), 0.6)
    dim.paste(image.crop((left, top, right, bottom)), (left, top))
    return dim
