"""What a person calls a run and says of it, and when its files were deleted; longer names of models."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("runs", sa.Column("name", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("note", sa.Text(), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("deleted", sa.DateTime(), nullable=True))
    with op.batch_alter_table("predictions") as predictions:  # SQLite alters no column: the table is copied
        predictions.alter_column("model", type_=sa.String(length=220), existing_type=sa.String(length=80))
