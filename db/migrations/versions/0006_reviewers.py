"""How a project is reviewed; what several reviewers say of the same picture."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("projects", sa.Column("reviewing", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "second_looks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project", sa.Integer(), nullable=False),
        sa.Column("image", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.String(length=200), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("queue", sa.String(length=10), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        *_keys("second_looks", project="projects", image="images"),
        sa.UniqueConstraint("image", "reviewer", name=op.f("uq_second_looks_image_reviewer")),
    )
    op.create_index(
        op.f("ix_second_looks_project_reviewer_id"), "second_looks", ["project", "reviewer", "id"], unique=False
    )
    op.create_table(
        "opinions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("operation", sa.String(length=36), nullable=False),
        sa.Column("look", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=9), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("box", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        *_keys("opinions", operation="operations", look="second_looks"),
        sa.UniqueConstraint("operation", "look", name=op.f("uq_opinions_operation_look")),
    )
    op.create_index(op.f("ix_opinions_look_id"), "opinions", ["look", "id"], unique=False)


def _keys(table: str, **targets: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(
            sa.ForeignKeyConstraint([name], [f"{target}.id"], name=op.f(f"fk_{table}_{name}"))
            for name, target in targets.items()
        ),
    )
