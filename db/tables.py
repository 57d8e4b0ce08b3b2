"""The tables, on one page. Rows stay behind db/store; nouns (core.model) come out.

What is appended and never changed: candidates' provenance, images' facts, showings, second looks, operations, decisions,
opinions, certificates, splits, presets (a removed one is marked), epochs, evaluations. What is overwritten in place: a job's row, a candidate's outcome, an image's current verdict, label and
crop (derived from its decisions, kept beside them for speed; the version ties the two together), findings, what
cleaning measured, leases.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class Utc(TypeDecorator):
    """An aware UTC time; SQLite keeps it without a zone, so one is put back on the way out."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _ref(name: str, target: str, **more: object) -> Column:
    return Column(name, Integer, ForeignKey(f"{target}.id"), **more)  # type: ignore[arg-type]


projects = Table(
    "projects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("classes", JSON, nullable=False),
    Column(
        "infos", JSON, nullable=False, server_default="{}"
    ),  # class -> core.model.ClassInfo, where anything is known
    Column("created", Utc, nullable=False),
    Column("cleaning", JSON, nullable=False, server_default="{}"),  # how it is cleaned: core.model.Cleaning
    Column("reviewing", JSON, nullable=False, server_default="{}"),  # how it is reviewed: core.model.Reviewing
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    _ref("project", "projects"),
    Column("verb", String(40), nullable=False),
    Column("params", JSON, nullable=False),
    Column("need", String(3), nullable=False),  # cpu | gpu: a machine runs one gpu job at a time
    Column("status", String(10), nullable=False),
    Column("fence", Integer, nullable=False, default=0),  # raised by each claim; writes must name it
    Column("attempts", Integer, nullable=False, default=0),  # claims since it was last queued by a person
    Column("cancel", Boolean, nullable=False, default=False),
    Column("lease", Utc),  # until when its worker is believed to live
    Column("machine", String(200)),
    Column("pid", Integer),
    Column("pid_created", Float),  # against pid reuse
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer),
    Column("note", Text, nullable=False, default=""),
    Column("result", JSON, nullable=False, default=dict),
    Column("error", Text, nullable=False, default=""),
    Column("created", Utc, nullable=False),
    Column("started", Utc),
    Column("updated", Utc),
    Column("ended", Utc),
    Index(None, "status", "id"),
    Index(None, "project", "id"),
)

candidates = Table(
    "candidates",
    metadata,
    Column("id", Integer, primary_key=True),
    _ref("project", "projects", nullable=False),
    _ref("found_by", "jobs", nullable=False),
    Column("position", Integer, nullable=False),  # in the source's own order: the unit's key, so resume = skip
    _ref("fetched_by", "jobs", nullable=False),  # the job that counts it: found_by, or the retry after it
    Column("url", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("source", String(40), nullable=False),
    Column("page", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("creator", Text, nullable=False),
    Column("licence", String(100), nullable=False),
    Column("licence_url", Text, nullable=False),
    Column("part", String(5), nullable=False),
    Column("status", String(9), nullable=False),  # pending | fetched | duplicate | failed
    Column("reason", String(100), nullable=False, default=""),  # failed: the word it is counted under
    Column("sentence", Text, nullable=False, default=""),
    Column("retryable", Boolean, nullable=False, default=False),
    Column("fetched", Utc),
    _ref("image", "images"),
    Column("query", Text, nullable=False, server_default=""),  # the words that found it
    Column("host", String(255), nullable=False, server_default=""),  # of the url; "" = this computer
    Column("permission", Text, nullable=False, server_default=""),  # what the host says of it, and where
    UniqueConstraint("found_by", "position"),
    Index(None, "project", "url"),
    Index(None, "fetched_by", "status", "id"),
    Index(None, "project", "status"),
    Index(None, "image"),
    Index(None, "project", "host", "id"),
    Index(None, "project", "licence", "id"),
    Index(None, "project", "source", "id"),
    Index(None, "project", "label", "id"),
)

searches = Table(
    "searches",
    metadata,
    Column("id", Integer, primary_key=True),
    _ref("project", "projects", nullable=False),
    _ref("job", "jobs", nullable=False),
    Column("label", Text, nullable=False),
    Column("source", String(40), nullable=False),
    Column("query", Text, nullable=False),
    Column("cursor", Text, nullable=False),  # which answer: the unit's key, so resume = go on from the last `next`
    Column("tier", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),
    _ref("asked_by", "jobs", nullable=False),
    Column("size", Integer, nullable=False, server_default="0"),
    Column("status", String(7), nullable=False),  # done | failed | retried
    Column("found", Integer, nullable=False),
    Column("next", Text, nullable=False),
    Column("reason", String(100), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("retryable", Boolean, nullable=False),
    Column("created", Utc, nullable=False),
    UniqueConstraint("job", "label", "source", "query", "cursor"),
    Index(None, "project", "status"),
)

images = Table(
    "images",
    metadata,
    Column("id", Integer, primary_key=True),
    _ref("project", "projects", nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("pixels", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("format", String(10), nullable=False),
    Column("size", Integer, nullable=False),
    Column("hashes", LargeBinary(64), nullable=False),  # 8 x u64, big-endian
    Column("origin", Text, nullable=False),
    Column("source_label", Text, nullable=False),
    Column("part", String(5), nullable=False),
    Column("label", Text, nullable=False),
    Column("verdict", String(9), nullable=False, default="undecided"),
    Column("reason", String(40), nullable=False, default=""),
    Column("version", Integer, nullable=False, default=0),
    Column("created", Utc, nullable=False),
    Column("crop", JSON(none_as_null=True)),  # what a detector chose: left, top, right, bottom, px; NULL = the whole
    Column("box", JSON(none_as_null=True)),  # what a person drew; it holds before the detector's
    UniqueConstraint("project", "sha256"),
    Index(None, "project", "verdict", "id"),
    Index(None, "project", "label", "id"),
)

findings = Table(
    "findings",
    metadata,
    _ref("image", "images", primary_key=True),
    Column("kind", String(40), primary_key=True),
    _ref("project", "projects", nullable=False),
    Column("score", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("group", String(64), nullable=False),
    Column("note", Text, nullable=False),
    Index(None, "project", "kind", "score", "image"),
)

# What cleaning knows of each image. A row is made once, and taken along by every later clean.
measures = Table(
    "measures",
    metadata,
    _ref("image", "images", primary_key=True),
    _ref("project", "projects", nullable=False),
    Column("version", Integer, nullable=False),  # of the measurement; those of an older one are taken again
    Column("scores", JSON, nullable=False),  # kind of finding -> 0..1
    Column("fields", LargeBinary(108), nullable=False),  # mean colours, 6 x 6 x 3 uint8; empty where there is a fault
    Column("fault", Text, nullable=False),  # why it cannot be read as what was fetched; "" = it can
    Column("compared", Boolean, nullable=False),  # by its hashes, with all that were compared before it
    Index(None, "project", "image"),
)

embeddings = Table(
    "embeddings",
    metadata,
    _ref("image", "images", primary_key=True),
    Column("by", String(100), primary_key=True),  # the network and the version of its weights, or "plain"
    _ref("project", "projects", nullable=False),
    Column("vector", LargeBinary, nullable=False),  # D x float16, little endian, of length 1
    Column("compared", Boolean, nullable=False),  # with all vectors that were compared before it
    Index(None, "project", "by", "image"),
)

links = Table(
    "links",
    metadata,
    _ref("image", "images", primary_key=True),
    _ref("other", "images", primary_key=True),  # the larger number of the two
    _ref("project", "projects", nullable=False),
    Column("likeness", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Index(None, "project", "likeness", "image", "other"),
)

detections = Table(
    "detections",
    metadata,
    _ref("image", "images", primary_key=True),
    Column("by", String(100), primary_key=True),
    _ref("project", "projects", nullable=False),
    Column(
        "found", JSON, nullable=False
    ),  # [[name, score, left, top, right, bottom], ...]; [] = looked, and saw nothing
    Index(None, "project", "by", "image"),
)

operations = Table(
    "operations",
    metadata,
    Column("id", String(36), primary_key=True),  # the UUID the browser gave it
    _ref("project", "projects", nullable=False),
    Column("reviewer", String(200), nullable=False),
    Column("undoes", String(36), nullable=False, default=""),
    Column("stored", Integer, nullable=False),
    Column("conflicts", JSON, nullable=False),
    Column("created", Utc, nullable=False),
    Index(None, "project", "reviewer", "created"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("operation", String(36), ForeignKey("operations.id"), nullable=False),
    _ref("image", "images", nullable=False),
    Column("version", Integer, nullable=False),
    Column("verdict", String(9), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("label", Text, nullable=False),
    Column("was_verdict", String(9), nullable=False),  # what undo goes back to
    Column("was_reason", String(40), nullable=False),
    Column("was_label", Text, nullable=False),
    Column("created", Utc, nullable=False),
    Column("box", JSON(none_as_null=True)),  # the crop a person drew, as it holds after this decision
    Column("was_box", JSON(none_as_null=True)),
    UniqueConstraint("image", "version"),
    UniqueConstraint("operation", "image"),
)

# The first time each picture was put on a screen, in that order: what the estimate of what is left stands on.
showings = Table(
    "showings",
    metadata,
    Column("id", Integer, primary_key=True),
    _ref("project", "projects", nullable=False),
    _ref("image", "images", nullable=False, unique=True),
    Column("queue", String(10), nullable=False),  # what chose it; "" = a person, by a filter or from a table
    Column("score", Float, nullable=False),
    Column("why", Text, nullable=False),
    Column("among", Integer),  # "random": how many there were to draw from
    Column("newest", Integer),  # "random": the newest picture there was
    Column("reviewer", String(200), nullable=False),
    Column("created", Utc, nullable=False),
    Index(None, "project", "queue", "id"),
    Index(None, "project", "image"),
)

# What a reviewer is shown that another one has decided on, without being told so. It is no showing: nothing is drawn there.
second_looks = Table(
    "second_looks",
    metadata,
    Column("id", Integer, primary_key=True),
    _ref("project", "projects", nullable=False),
    _ref("image", "images", nullable=False),
    Column("version", Integer, nullable=False),  # the decision it is held against
    Column("reviewer", String(200), nullable=False),
    Column("known", Boolean, nullable=False),  # a check picture: that decision counts as right
    Column("queue", String(10), nullable=False),  # as what it is shown: like a showing
    Column("score", Float, nullable=False),
    Column("why", Text, nullable=False),
    Column("created", Utc, nullable=False),
    UniqueConstraint("image", "reviewer"),
    Index(None, "project", "reviewer", "id"),
)

# What they said of it. It changes nothing of the image; the last one whose operation was not undone holds.
opinions = Table(
    "opinions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("operation", String(36), ForeignKey("operations.id"), nullable=False),
    _ref("look", "second_looks", nullable=False),
    Column("verdict", String(9), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("label", Text, nullable=False),
    Column("box", JSON(none_as_null=True)),  # the crop they drew
    Column("created", Utc, nullable=False),
    UniqueConstraint("operation", "look"),
    Index(None, "look", "id"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("id", Integer, primary_key=True),
    _ref("project", "projects", nullable=False),
    Column("reviewer", String(200), nullable=False),
    Column("newest", Integer, nullable=False),
    Column("result", JSON, nullable=False),
    Column("created", Utc, nullable=False),
    Index(None, "project", "id"),
)

leases = Table(
    "leases",
    metadata,
    _ref("image", "images", primary_key=True),
    Column("reviewer", String(200), nullable=False),
    Column("until", Utc, nullable=False),
)

splits = Table(
    "splits",
    metadata,
    Column("id", Integer, primary_key=True),
    _ref("project", "projects", nullable=False),
    Column("seed", Integer, nullable=False),
    Column("classes", JSON, nullable=False),
    Column("left_out", JSON, nullable=False),
    Column("leak", Integer, nullable=False),
    _ref("job", "jobs", unique=True),  # a job that is run again finds the split it made
    Column("created", Utc, nullable=False),
    Column("by", String(100), nullable=False, server_default=""),  # the parent that stands for the class, "make"
    Column("crop", JSON, nullable=False, server_default="{}"),  # core.model.Cropping
    Index(None, "project", "id"),
)

split_images = Table(
    "split_images",
    metadata,
    _ref("split", "splits", primary_key=True),
    _ref("image", "images", primary_key=True),
    Column("part", String(5), nullable=False),
    Column("label", Text, nullable=False),  # as it was when the split was frozen
    Column("box", JSON(none_as_null=True)),  # and so was this
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    _ref("project", "projects", nullable=False),
    _ref("split", "splits", nullable=False),
    _ref("job", "jobs"),
    Column("position", Integer, nullable=False),  # which of the job's recipes; a job run again finds its runs
    Column("recipe", JSON, nullable=False),
    Column("status", String(7), nullable=False),
    Column("result", JSON, nullable=False),
    Column("created", Utc, nullable=False),
    Column("name", String(200), nullable=False, server_default=""),  # as a person calls it; "" = by its recipe
    Column("note", Text, nullable=False, server_default=""),
    Column("deleted", Utc),  # when its files were
    UniqueConstraint("job", "position"),
    Index(None, "project", "id"),
)

# Recipes that were kept under a name: of one name the newest row counts, and none once that one is marked as removed.
presets = Table(
    "presets",
    metadata,
    Column("id", Integer, primary_key=True),
    _ref("project", "projects", nullable=False),
    Column("name", String(100), nullable=False),
    Column("about", Text, nullable=False),
    Column("recipe", JSON, nullable=False),
    Column("by", String(200), nullable=False),
    Column("created", Utc, nullable=False),
    Column("removed", Utc),
    Index(None, "project", "id"),
)

epochs = Table(
    "epochs",
    metadata,
    _ref("run", "runs", primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("metrics", JSON, nullable=False),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", Integer, primary_key=True),
    _ref("project", "projects", nullable=False),
    _ref("job", "jobs", unique=True),
    Column("runs", JSON, nullable=False),
    Column("part", String(5), nullable=False),
    Column("result", JSON, nullable=False),
    Column("created", Utc, nullable=False),
    Index(None, "project", "id"),
)

predictions = Table(
    "predictions",
    metadata,
    _ref("evaluation", "evaluations", primary_key=True),
    Column("model", String(220), primary_key=True),  # a run's name, or one of core.model.ENSEMBLES
    _ref("image", "images", primary_key=True),
    Column("label", Text, nullable=False),
    Column("predicted", Text, nullable=False),
    Column("confidence", Float, nullable=False),  # calibrated, 0..1
    Column("truth", Float),  # probability of the true class; early evaluations did not keep it
)
