"""By which time was last swept: a clock that leaps ahead is held against it, also after a start."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add what is new."""
    op.execute("CREATE TABLE sweeps (id INTEGER NOT NULL PRIMARY KEY, at FLOAT NOT NULL)")


def downgrade() -> None:
    """Take it away."""
    op.execute("DROP TABLE sweeps")
