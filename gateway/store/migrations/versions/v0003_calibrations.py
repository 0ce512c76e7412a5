"""Calibrations of receivers, and which came into force or was undone when."""

from alembic import op

revision = "0003"
down_revision = "0002"

_CALIBRATIONS = (
    """CREATE TABLE calibrations (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        learned_at FLOAT NOT NULL,
        upon INTEGER,
        before FLOAT NOT NULL,
        after FLOAT NOT NULL,
        accepted BOOLEAN NOT NULL,
        document VARCHAR NOT NULL,
        FOREIGN KEY (upon) REFERENCES calibrations (id))""",
    """CREATE TABLE calibration_changes (
        id INTEGER NOT NULL PRIMARY KEY,
        calibration_id INTEGER NOT NULL,
        state VARCHAR NOT NULL,
        at FLOAT NOT NULL,
        by VARCHAR NOT NULL,
        FOREIGN KEY (calibration_id) REFERENCES calibrations (id))""",
    "CREATE INDEX calibration_changes_by_calibration ON calibration_changes (calibration_id)",
)


def upgrade() -> None:
    """Add what is new."""
    for statement in _CALIBRATIONS:
        op.execute(statement)


def downgrade() -> None:
    """Take it away, with all that it holds."""
    op.execute("DROP TABLE calibration_changes")
    op.execute("DROP TABLE calibrations")
