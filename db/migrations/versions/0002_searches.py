"""Searches are rows of their own; what a class is searched for; where candidates lie and what their host permits;
splits by a parent of the classes."""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BATCH = 5000  # rows


def upgrade() -> None:
    op.add_column("projects", sa.Column("infos", sa.JSON(), nullable=False, server_default="{}"))
    for name, kind in (("query", sa.Text()), ("host", sa.String(length=255)), ("permission", sa.Text())):
        op.add_column("candidates", sa.Column(name, kind, nullable=False, server_default=""))
    op.add_column("splits", sa.Column("by", sa.String(length=100), nullable=False, server_default=""))
    op.create_table(
        "searches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project", sa.Integer(), nullable=False),
        sa.Column("job", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=7), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("next", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("retryable", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["asked_by"], ["jobs.id"], name=op.f("fk_searches_asked_by")),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_searches_job")),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_searches_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_searches")),
        sa.UniqueConstraint(
            "job", "label", "source", "query", "cursor", name=op.f("uq_searches_job_label_source_query_cursor")
        ),
    )
    op.create_index(op.f("ix_searches_project_status"), "searches", ["project", "status"], unique=False)
    _fill(op.get_bind())
    for name in ("host", "licence", "source", "label"):
        op.create_index(op.f(f"ix_candidates_project_{name}_id"), "candidates", ["project", name, "id"], unique=False)


def _fill(bind: sa.Connection) -> None:
    """Hosts of the addresses there are; a search that had failed was a candidate without an address."""
    after = 0
    while rows := bind.execute(
        sa.text("SELECT id, url FROM candidates WHERE id > :after ORDER BY id LIMIT :batch"),
        {"after": after, "batch": BATCH},
    ).all():
        after = rows[-1].id
        if hosts := [{"i": row.id, "h": host} for row in rows if (host := _host(row.url))]:
            bind.execute(sa.text("UPDATE candidates SET host = :h WHERE id = :i"), hosts)
    names = ("id", "url", "label", "source", "project", "found_by", "reason", "sentence")
    failed = sa.table("candidates", *map(sa.column, names))
    jobs = sa.table("jobs", sa.column("id"), sa.column("params", sa.JSON), sa.column("created", sa.DateTime))
    rows = bind.execute(
        sa.select(failed.c.id, failed.c.label, failed.c.source, failed.c.project, failed.c.found_by, failed.c.reason,
                  failed.c.sentence, jobs.c.params, jobs.c.created)
        .join(jobs, jobs.c.id == failed.c.found_by)
        .where(failed.c.url == sa.literal("search for ") + failed.c.label)
    ).all()  # fmt: skip
    for row in rows:
        bind.execute(
            sa.text(
                "INSERT INTO searches (project, job, label, source, query, cursor, tier, wanted, asked_by, status, found, next, reason,"
                " sentence, retryable, created) VALUES (:project, :job, :label, :source, :query, '', 0, :wanted, :job, 'failed', 0, '',"
                " :reason, :sentence, :yes, :created)"
            ),
            {
                "project": row.project, "job": row.found_by, "label": row.label, "source": row.source,
                "query": row.params.get("query", "{class}").replace("{class}", row.label), "reason": row.reason,
                "sentence": row.sentence, "yes": True, "wanted": row.params.get("limit", 400), "created": row.created,
            },
        )  # fmt: skip
        bind.execute(sa.text("DELETE FROM candidates WHERE id = :i"), {"i": row.id})


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "")[:255] if url.lower().startswith(("http://", "https://")) else ""
    except ValueError:
        return ""
