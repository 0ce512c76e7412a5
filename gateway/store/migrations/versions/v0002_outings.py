"""Outings and the points of their routes; a position names its path."""

from alembic import op

revision = "0002"
down_revision = "0001"

_PATH = (
    "ALTER TABLE positions ADD COLUMN path VARCHAR NOT NULL DEFAULT ''",
    "ALTER TABLE positions ADD COLUMN path_probability FLOAT NOT NULL DEFAULT 0.0",
)

_OUTINGS = (
    """CREATE TABLE route_points (
        tag VARCHAR NOT NULL,
        slot INTEGER NOT NULL,
        at FLOAT NOT NULL,
        lon FLOAT NOT NULL,
        lat FLOAT NOT NULL,
        radius68_m FLOAT NOT NULL,
        zone VARCHAR NOT NULL,
        PRIMARY KEY (tag, slot)) WITHOUT ROWID""",
    """CREATE TABLE outings (
        tag VARCHAR NOT NULL,
        opened_at FLOAT NOT NULL,
        heard_until FLOAT NOT NULL,
        PRIMARY KEY (tag, opened_at))""",
    "CREATE INDEX outings_by_end ON outings (heard_until)",
)


def upgrade() -> None:
    """Add what is new."""
    for statement in _PATH + _OUTINGS:
        op.execute(statement)


def downgrade() -> None:
    """Take it away, with all that it holds."""
    for statement in (
        "DROP TABLE outings",
        "DROP TABLE route_points",
        "ALTER TABLE positions DROP COLUMN path_probability",
        "ALTER TABLE positions DROP COLUMN path",
    ):
        op.execute(statement)
