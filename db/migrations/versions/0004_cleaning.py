"""What cleaning knows of each image, crops, and how a project is cleaned."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for table, name in (("projects", "cleaning"), ("splits", "crop")):
        op.add_column(table, sa.Column(name, sa.JSON(), nullable=False, server_default="{}"))
    for table, names in (("images", ("crop", "box")), ("decisions", ("box", "was_box")), ("split_images", ("box",))):
        for name in names:
            op.add_column(table, sa.Column(name, sa.JSON(), nullable=True))
    op.create_table(
        "measures",
        _image(),
        _project(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("fields", sa.LargeBinary(length=108), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("compared", sa.Boolean(), nullable=False),
        *_keys("measures", "image"),
    )
    op.create_index(op.f("ix_measures_project_image"), "measures", ["project", "image"], unique=False)
    op.create_table(
        "embeddings",
        _image(),
        _by(),
        _project(),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("compared", sa.Boolean(), nullable=False),
        *_keys("embeddings", "image", "by"),
    )
    op.create_table(
        "links",
        _image(),
        sa.Column("other", sa.Integer(), nullable=False),
        _project(),
        sa.Column("likeness", sa.Float(), nullable=False),
        _by(),
        *_keys("links", "image", "other"),
        sa.ForeignKeyConstraint(["other"], ["images.id"], name=op.f("fk_links_other")),
    )
    op.create_index(
        op.f("ix_links_project_likeness_image_other"),
        "links",
        ["project", "likeness", "image", "other"],
        unique=False,
    )
    op.create_table(
        "detections",
        _image(),
        _by(),
        _project(),
        sa.Column("found", sa.JSON(), nullable=False),
        *_keys("detections", "image", "by"),
    )
    for name in ("embeddings", "detections"):
        op.create_index(op.f(f"ix_{name}_project_by_image"), name, ["project", "by", "image"], unique=False)


def _image() -> sa.Column:
    return sa.Column("image", sa.Integer(), nullable=False)


def _project() -> sa.Column:
    return sa.Column("project", sa.Integer(), nullable=False)


def _by() -> sa.Column:
    return sa.Column("by", sa.String(length=100), nullable=False)


def _keys(table: str, *primary: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.PrimaryKeyConstraint(*primary, name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(["image"], ["images.id"], name=op.f(f"fk_{table}_image")),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f(f"fk_{table}_project")),
    )
