"""How many results a search asks for in one answer. (For some hours 0002 made the column itself.)"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    if "size" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("searches")}:
        op.add_column("searches", sa.Column("size", sa.Integer(), nullable=False, server_default="0"))
