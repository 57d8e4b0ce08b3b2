"""What was looked at, in which order and why; certificates."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# Until now pictures were shown by filters only: they count as looked at in the order in which they were first decided.
LOOKED_AT = """
INSERT INTO showings (project, image, queue, score, why, reviewer, created)
SELECT images.project, images.id, '', 0, '', operations.reviewer, decisions.created
FROM (
    SELECT MIN(id) AS id FROM decisions WHERE verdict != 'undecided' AND reason != 'duplicate' GROUP BY image
) AS first
JOIN decisions ON decisions.id = first.id
JOIN images ON images.id = decisions.image
JOIN operations ON operations.id = decisions.operation
ORDER BY decisions.id
"""


def upgrade() -> None:
    op.create_table(
        "showings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project", sa.Integer(), nullable=False),
        sa.Column("image", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=10), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("among", sa.Integer(), nullable=True),
        sa.Column("newest", sa.Integer(), nullable=True),
        sa.Column("reviewer", sa.String(length=200), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        *_keys("showings", "image"),
        sa.UniqueConstraint("image", name=op.f("uq_showings_image")),
    )
    for names in (("project", "queue", "id"), ("project", "image")):
        op.create_index(op.f(f"ix_showings_{'_'.join(names)}"), "showings", list(names), unique=False)
    op.execute(LOOKED_AT)
    op.create_table(
        "certificates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.String(length=200), nullable=False),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        *_keys("certificates"),
    )
    op.create_index(op.f("ix_certificates_project_id"), "certificates", ["project", "id"], unique=False)


def _keys(table: str, *more: str) -> tuple[sa.Constraint, ...]:
    targets = {"project": "projects.id", "image": "images.id"}
    return (
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(
            sa.ForeignKeyConstraint([name], [targets[name]], name=op.f(f"fk_{table}_{name}"))
            for name in ("project", *more)
        ),
    )
