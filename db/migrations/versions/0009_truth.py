"""What a model gave to the true class of each picture: the worst mistakes are those with the least."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("predictions", sa.Column("truth", sa.Float(), nullable=True))
