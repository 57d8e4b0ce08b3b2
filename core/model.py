"""The nouns. Frozen facts, standard library only; everything else in the house points here.

One image's life, in order: Candidate (found, not yet fetched) -> ImageRecord (fetched, facts, never changed)
-> Finding (the machine's opinion) -> Decision (a person's word) -> Split (its part, frozen) -> Run and
Checkpoint (what was learned) -> Prediction and Explanation (what comes back).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

Verdict = Literal["undecided", "keep", "reject"]
Part = Literal["train", "val", "test"]
JobStatus = Literal["queued", "running", "done", "failed", "stopped"]
# "stopped": a person stopped it; its best epoch so far is kept, and it can go on. "pruned": a sweep stopped it early.
RunStatus = Literal["started", "done", "stopped", "pruned"]
KEPT: tuple[RunStatus, ...] = ("done", "stopped")  # those that leave a checkpoint
ENSEMBLES = ("average", "priority", "weighted")  # what several models say together; no run may be called so

PARTS: tuple[Part, ...] = ("train", "val", "test")
WRONG_CLASS = "wrong class"
# The keys 1..9 of the review grid, in order. The reason is stored by its name, so new ones may only be appended.
REASONS: tuple[str, ...] = (
    "interior",
    "drawing or poster",
    WRONG_CLASS,
    "part only",
    "several objects",
    "text or logo",
    "blurred",
    "too small in the picture",
    "other",
)
TOLD = "told"  # the kind of finding that is a person's word: what was asked about on Predict is something else
DUPLICATE = "duplicate"  # the reason of copies taken out together; it says nothing of what the picture shows
TOGETHER = "together"  # the reason of what was kept with the rest of its class, without a look at each
UNSEEN = (DUPLICATE, TOGETHER)  # decisions for which nobody looked at what the picture shows
UNKNOWN_LICENCE = "unknown"  # a value, never a blank

Box = tuple[float, float, float, float]  # left, top, right, bottom; px of the upright picture


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """What is known of a class beside its name. All of it is optional."""

    queries: tuple[str, ...] = ()  # what it is searched for, each a share of the results; () = its name
    synonyms: tuple[str, ...] = ()  # other words for it, asked for only where the queries bring too few
    parents: Mapping[str, str] = field(default_factory=dict)  # {"make": "Maserati", "model": "GranTurismo", ...}
    about: str = ""  # what it is, for whoever asks the models
    examples: tuple[int, ...] = ()  # numbers of images that show it


@dataclass(frozen=True, slots=True)
class Cropping:
    """How the part of an image that counts is chosen."""

    detector: str = "none"  # a key of core.detectors.DETECTORS, or "none": images stay whole
    want: tuple[str, ...] = ()  # names of COCO, the largest of which is the image's crop
    margin: float = 0.05  # of the box's sides, added on each side
    least: float = 0.05  # share of the picture that the box has to fill

    def __post_init__(self) -> None:
        object.__setattr__(self, "want", tuple(self.want))  # JSON knows lists only


@dataclass(frozen=True, slots=True)
class Cleaning:
    """How a project is cleaned, and how far it is."""

    likeness: float = 0.9  # 0..1: from here on two images count as one photo
    embedder: str = "auto"  # "auto", "plain" or the name of a timm network
    crop: Cropping = Cropping()
    checked: int = 0  # the newest image there was when the last one that came to its end began


@dataclass(frozen=True, slots=True)
class Reviewing:
    """How a project is reviewed."""

    overlap: float = 0.02  # share of a page that somebody else has decided on already, to see how far two people agree
    checks: float = 0.0  # share of a page whose right answer is known: that of the trusted reviewer
    trusted: str = ""  # whose decisions these are
    references: tuple[int, ...] = ()  # earlier projects whose rejects the first pages learn from

    def __post_init__(self) -> None:
        object.__setattr__(self, "references", tuple(self.references))  # JSON knows lists only


@dataclass(frozen=True, slots=True)
class Project:
    id: int
    name: str
    classes: tuple[str, ...]  # in the order they were named; this is also the order of a model's outputs
    created: datetime  # UTC, as all times in the house
    infos: Mapping[str, ClassInfo] = field(default_factory=dict)  # class -> what else is known of it, where anything is
    cleaning: Cleaning = Cleaning()
    reviewing: Reviewing = Reviewing()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that a source knows of: where it is, what it is said to show, and whose it is."""

    url: str  # http(s)://..., or the absolute path of a local file (source "folder" only)
    label: str
    source: str  # a key of core.sources.SOURCES
    page: str = ""
    title: str = ""
    creator: str = ""
    licence: str = UNKNOWN_LICENCE
    licence_url: str = ""
    part: str = ""  # "train", "val" or "test" where the source's own folders say so
    error: str = ""  # a row that cannot be fetched at all (malformed, unknown class): counted, with its reason
    query: str = ""  # the words that found it, of a source that is asked in words


@dataclass(frozen=True, slots=True)
class Results:
    """One answer of a source that is asked in words."""

    candidates: tuple[Candidate, ...]  # best first, with an empty label
    next: str = ""  # the cursor of the answer after this one; "" = there is no more


@dataclass(frozen=True, slots=True)
class Search:
    """One answer asked for: a source, words, a cursor, for a class. What it found is stored together with it."""

    label: str
    source: str
    query: str
    cursor: str = ""  # "" = the first answer
    tier: int = 0  # how far the search had been widened: 0 = the class's own words at the first source
    status: Literal["done", "failed", "retried"] = "done"
    wanted: int = 0  # how many results of these words were wanted still, this answer's included
    asked_by: int = 0  # the job whose parameters it follows: another try is not the job that asked first
    size: int = 0  # results asked for in one answer: a cursor holds only with the same one
    found: int = 0
    next: str = ""
    reason: str = ""  # failed: the word it is counted under
    sentence: str = ""
    retryable: bool = False
    id: int = 0


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is known of an image from its bytes alone. `core.pixels.ingest` makes it in one pass."""

    sha256: str  # of the bytes, hex
    pixels: str  # sha256 of the upright RGB pixels with their size, hex: equal = same picture, other bytes
    width: int  # upright, px
    height: int
    format: str  # Pillow's name: JPEG, PNG, WEBP, ...
    size: int  # bytes
    hashes: tuple[int, ...]  # 8 unsigned 64-bit perceptual hashes: the dihedral group, [0] = imagehash.phash


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image of a project: its facts, where it came from, and what holds of it now (the last decision)."""

    id: int
    facts: ImageFacts
    origin: str  # plain URL or path of the first candidate that brought it
    label: str  # as it holds now: the last decision's label, else the source's
    source_label: str
    part: str  # of the source's own folders, or ""
    verdict: Verdict
    reason: str
    version: int  # number of decisions so far; a write names the version it saw
    box: Box | None = None  # what of it counts: as a person drew it, else as the detector chose it; None = the whole


@dataclass(frozen=True, slots=True)
class Origin:
    """One of the places an image came from, with its provenance."""

    candidate: Candidate
    fetched: datetime | None


@dataclass(frozen=True, slots=True)
class Finding:
    """The machine's opinion of one image, or (TOLD) what a person said of it on Predict. It takes nothing out by itself."""

    image: int
    kind: str  # a key of core.clean.KINDS
    score: float  # 0..1, 1 = surest
    by: str  # which check said so
    group: str = ""  # members of one group share it; "" for kinds without groups
    note: str = ""

    @property
    def looks_like(self) -> tuple[str, float] | None:
        """Of a label issue: the class that it names, and how likely that is, 0..1."""
        said = re.match(r"looks more like (.+?) \((\d+)%\) than ", self.note) if self.kind == "label_issue" else None
        return (said[1], int(said[2]) / 100) if said else None


@dataclass(frozen=True, slots=True)
class Measure:
    """What one reading of an image told: `core.clean.measure`."""

    image: int
    scores: Mapping[str, float] = field(default_factory=dict)  # kind of finding -> 0..1, 1 = surest
    fields: bytes = b""  # mean colours of its thumbnail, 6 x 6 x 3 uint8; empty where there is a fault
    fault: str = ""  # why it cannot be read as what was fetched; "" = it can


@dataclass(frozen=True, slots=True)
class Sited:
    """An image and where it was found."""

    image: int
    sha256: str
    label: str
    width: int
    height: int
    site: str  # host of its page, or else of its own address; "" for a file


@dataclass(frozen=True, slots=True)
class Detection:
    """Something a detector saw in an image."""

    label: str  # a name of COCO: "car"
    score: float  # 0..1
    box: Box


@dataclass(frozen=True, slots=True)
class Link:
    """Two images that are one photo, as far as the machine can tell."""

    image: int
    other: int  # image < other
    likeness: float  # 0..1; see core.clean.groups
    by: str  # which look said so


@dataclass(frozen=True, slots=True)
class Tile:
    """One image in the review queue, and why it stands where it stands."""

    image: int
    sha256: str
    origin: str
    label: str
    verdict: Verdict
    reason: str
    version: int
    score: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Showing:
    """That a picture was put on a reviewer's screen for the first time, and why. Append only."""

    image: int
    queue: str = ""  # what chose it: "first", "likely", "unsure", "random"; "" = a person, by a filter or from a table
    score: float = 0.0  # 0..1, how likely the learner held it to be bad at that moment
    why: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A picture that was looked at, or is decided; and what a person says of it."""

    image: int
    bad: bool | None  # rejected, or given another class; None = nobody has decided yet
    queue: str | None = None  # as of Showing; None = it was decided without a look
    reason: str = ""  # why it was rejected, where the person said so; "wrong class" where it was given another one


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A picture that another reviewer has decided on, as one sees it who is not told so."""

    image: int
    label: str  # as the source said, or this reviewer
    verdict: Verdict  # this reviewer's own; "undecided" until then
    reason: str
    version: int  # of this reviewer's own words; far above those of any image
    box: Box | None = None  # as this reviewer drew it, else as the detector chose it
    said: tuple[tuple[datetime, str, str, str, Box | None], ...] = ()  # (when, verdict, reason, label, box) of each


@dataclass(frozen=True, slots=True)
class Word:
    """What one reviewer said of a picture."""

    reviewer: str
    verdict: Verdict
    reason: str = ""
    label: str = ""  # another class than the source's; "" = that one


@dataclass(frozen=True, slots=True)
class Pair:
    """What two reviewers said of one picture, the second one without knowing of the first."""

    image: int
    first: Word
    second: Word
    known: bool = False  # a check picture: the first one is right


@dataclass(frozen=True, slots=True)
class Audit:
    """What the random share of the review has told so far, in order; see core.review.estimate."""

    left: int  # pictures nobody looked at, those among them that are on a screen now
    among: tuple[int, ...] = ()  # of each random picture: how many there were to draw from, itself included
    bad: tuple[bool, ...] = ()  # what the person said of it
    since: tuple[int, ...] = ()  # bad pictures among those looked at from it on, itself included
    looked: int = 0  # pictures that were looked at and decided
    found: int = 0  # of these, bad ones
    open: int = 0  # of those left, shown to somebody and not decided yet
    unseen: int = 0  # of those left, kept without a look


@dataclass(frozen=True, slots=True)
class Certificate:
    """A person's word that the review may stop, with what it stood on. Append only."""

    id: int
    created: datetime
    reviewer: str
    newest: int  # the newest picture there was
    result: Mapping[str, Any]  # see core.review.certificate


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on one image. Append only: the last one holds."""

    image: int
    verdict: Verdict
    reason: str = ""
    label: str = ""  # "" keeps the label
    version: int | None = None  # the version the reviewer saw; None = whatever holds now (command line)
    box: Box | None = None  # a crop drawn by hand; None leaves it as it is


@dataclass(frozen=True, slots=True)
class Operation:
    """What one press does: decisions that are stored together or not at all, known by a UUID so that it may be resent."""

    id: str
    reviewer: str
    decisions: tuple[Decision, ...] = ()
    undoes: str = ""  # id of the operation that this one takes back


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an operation."""

    id: str
    stored: int
    conflicts: tuple[int, ...] = ()  # images that someone else decided since; not overwritten
    repeated: bool = False  # it had been applied before; nothing was stored twice


@dataclass(frozen=True, slots=True)
class Split:
    """Which image stands in which part, under which label; frozen once made."""

    id: int
    seed: int
    created: datetime
    parts: Mapping[str, tuple[tuple[int, str], ...]]  # part -> (image id, label) ...
    classes: tuple[str, ...]  # the labels in it, in the project's order
    left_out: Mapping[str, str]  # label -> the sentence saying why
    leak: int  # images of val or test with a near-duplicate in another part
    by: str = ""  # the parent that stands for the class ("make"); "" = the class itself
    boxes: Mapping[int, Box] = field(default_factory=dict)  # image -> what of it counts, of those that are cropped
    crop: Cropping = Cropping()  # how that was chosen, where nobody drew it: predictions are cropped in the same way


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that defines a training. Two equal recipes on one split train the same model.

    `core.recipes` makes one out of a line of text, checks it and names the presets.
    """

    backbone: str  # a key of core.backbones.BACKBONES, "vgg75-bn", or the name of a timm network, "mobilenetv2_100"
    head: str = ""  # one of core.recipes.HEADS; "" = the backbone's own, which for a timm network is one linear layer
    train: str = "all"  # how much of a timm network learns: one of core.recipes.TRAIN
    scratch: bool = False  # a timm network starts with weights that have learned nothing
    size: int = 0  # px, the side of the square it sees; 0 = the backbone's own
    gray: bool = False  # it sees brightness alone
    epochs: int = 40
    batch: int = 32  # 0 = found on the device
    optimiser: str = "adamw"
    lr: float = 2e-3
    layer_decay: float = 1.0  # each layer of a timm network learns at this share of the rate of the one above it
    weight_decay: float = 1e-4
    schedule: str = "cosine"
    patience: int = 8  # epochs without a better value of what is watched before it stops
    watch: str = "loss"  # on validation: "loss", "accuracy" or "macro-f1"; the best epoch is chosen by it as well
    label_smoothing: float = 0.05
    augment: tuple[str, ...] = ("crop", "flip", "colour")  # names of core.augment.AUGMENTATIONS
    fixed_sides: tuple[str, ...] = ()  # classes that are never mirrored: that would make them something else
    share: float = 1.0  # above 0, at most 1: of each class's training pictures learned from; see core.learning_curve
    balance: str = "weights"  # of classes with few pictures: "weights" in the loss, "sampling" more often, "none"
    ema: float = 0.0  # share of the old weights in a running mean of them that is validated and kept; 0 = no mean
    compile: bool = False  # by torch.compile
    deterministic: bool = False  # the same figures at each run, more slowly: nothing is chosen by how fast it is
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "augment", tuple(self.augment))  # JSON knows lists only
        object.__setattr__(self, "fixed_sides", tuple(self.fixed_sides))

    @classmethod
    def stored(cls, facts: Mapping[str, Any]) -> Recipe:
        """The recipe that was written down as `facts`, also by an earlier release, which knew fewer choices."""
        facts = dict(facts)
        if isinstance(facts.get("augment"), bool):
            facts["augment"] = ("crop", "flip", "colour") if facts["augment"] else ()
        if "class_weights" in facts:
            facts["balance"] = "weights" if facts.pop("class_weights") else "none"
        if facts.get("train") == "head":
            facts["augment"] = ()  # named once, though a frozen network saw each picture as it is
        return cls(**facts)

    NAMED: ClassVar = ("head", "train", "scratch", "size", "gray", "share")  # the fields that `name` tells

    @property
    def name(self) -> str:
        """The backbone, what of the network differs from how its name alone is understood, and whether it knows only some
        of the pictures."""
        told = [
            f"head={self.head}" if self.head else "",
            f"train={self.train}" if self.train != "all" and self.head in ("", "bn-dropout") else "",
            "scratch=yes" if self.scratch else "",
            f"size={self.size}" if self.size else "",
            "gray=yes" if self.gray else "",
            f"share={self.share}" if self.share != 1 else "",
        ]
        options = ",".join(option for option in told if option)
        return f"{self.backbone}:{options}" if options else self.backbone


@dataclass(frozen=True, slots=True)
class SavedRecipe:
    """A recipe that somebody kept under a name, for all who work on the project. Of one name the newest counts."""

    id: int
    name: str
    about: str  # a sentence; "" = none
    recipe: Recipe
    created: datetime
    by: str  # who kept it


@dataclass(frozen=True, slots=True)
class Run:
    """One training of one recipe on one split."""

    id: int
    split: int
    recipe: Recipe
    job: int | None
    created: datetime
    status: RunStatus
    epochs: tuple[Mapping[str, Any], ...] = ()  # epoch, loss, accuracy, val_loss, val_accuracy, seconds, ...
    result: Mapping[str, Any] = field(default_factory=dict)  # val_accuracy, images_per_second, device, ...
    title: str = ""  # what a person calls it; "" = nothing yet
    note: str = ""
    deleted: datetime | None = None  # when its files were; its record stays

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.title or self.recipe.name

    @property
    def kept(self) -> bool:
        """Whether there is a checkpoint to ask."""
        return self.status in KEPT and self.deleted is None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Models looked at on one part. Opening the test part is a row like this one: a log, never refused."""

    id: int
    runs: tuple[int, ...]
    part: Part
    created: datetime
    result: Mapping[str, Any]

    @property
    def models(self) -> dict[str, Any]:
        """The figures of each model, and of each ensemble where there is more than one model to speak together."""
        several = len(self.runs) > 1
        return {name: told for name, told in self.result["models"].items() if several or name not in ENSEMBLES}


@dataclass(frozen=True, slots=True)
class Paired:
    """How two models did on the same pictures: how many both have right, one alone, or neither."""

    both: int
    first: int
    second: int
    neither: int

    @property
    def total(self) -> int:
        return self.both + self.first + self.second + self.neither


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said of one picture of an evaluation."""

    image: int
    label: str  # the true class
    predicted: str
    confidence: float  # calibrated, 0..1
    truth: float | None = None  # the probability of the true class; early evaluations did not keep it


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the models say of one picture. `probabilities` holds the classes only and sums to 1."""

    label: str
    confidence: float
    probabilities: Mapping[str, float]
    known: bool  # False: "none of these"
    models: Mapping[str, Mapping[str, float]]  # name of run or ensemble -> class -> probability
    seconds: float
    box: Box | None = None  # what of the picture was asked about; None = the whole
    strangeness: float = 0.0  # share of the validation pictures that are less strange to the models, 0..1
    why: str = ""  # the same in words, and by what rule


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which pixels spoke for a class."""

    run: int
    label: str
    heat: Any  # (S, S) float32 array; > 0 speaks for the class, < 0 against it
    pixels: Any  # (S, S, 3) uint8 array: the picture as the model saw it
    additivity: float  # |sum(heat) - (f(x) - f(background))| / |f(x) - f(background)|; nan where not defined
    seconds: float
    explainer: str = "shap"  # a key of core.explainers.EXPLAINERS
    deletion: float = float("nan")  # 0..1, lower is better: see core.faithful; nan = not measured
    insertion: float = float("nan")  # 0..1, higher is better


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step yields. `total` is None while it is not known."""

    done: int
    total: int | None
    note: str = ""
    detail: Mapping[str, Any] | None = None  # figures for the page, in the place of the result while the job runs


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's right to write for a job. A later claim raises the fence, and this one can write no more."""

    job: int
    fence: int


@dataclass(frozen=True, slots=True)
class Job:
    id: int
    project: int | None
    verb: str
    params: Mapping[str, Any]
    status: JobStatus
    fence: int
    attempts: int
    cancel: bool
    done: int
    total: int | None
    note: str
    error: str
    result: Mapping[str, Any]
    created: datetime
    started: datetime | None
    ended: datetime | None
    updated: datetime | None
    pid: int | None
    need: Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far a project is: each of the first five numbers is a part of the one before it."""

    found: int
    fetched: int
    unique: int
    kept: int
    split: int
    undecided: int
    failed: int
    pending: int = 0
    outdated: int = 0  # of the newest split: rejected, given another class or cropped otherwise since it was frozen
