"""Rows for the link are numbered anew with each start of the hub: a queue has several epochs."""

from alembic import op

revision = "0006"
down_revision = "0005"

_NEW = """CREATE TABLE link_epochs (
    id INTEGER NOT NULL PRIMARY KEY,
    direction VARCHAR NOT NULL,
    destination VARCHAR NOT NULL,
    body BLOB NOT NULL)"""
_OLD = """CREATE TABLE link_epochs (
    direction VARCHAR NOT NULL,
    destination VARCHAR NOT NULL,
    epoch VARCHAR NOT NULL,
    PRIMARY KEY (direction, destination))"""


def upgrade() -> None:
    """Each queue's one epoch is its first."""
    op.execute("ALTER TABLE link_epochs RENAME TO old_epochs")
    op.execute(_NEW)
    op.execute(
        "INSERT INTO link_epochs (direction, destination, body)"
        " SELECT direction, destination, CAST(json_object('name', epoch) AS BLOB) FROM old_epochs"
    )
    op.execute("DROP TABLE old_epochs")


def downgrade() -> None:
    """A queue gets an epoch that nobody knows, and its rows are sent again under it.

    Alerts of kinds that an older program does not know would keep it from reading any.
    """
    op.execute("ALTER TABLE link_epochs RENAME TO new_epochs")
    op.execute(_OLD)
    op.execute(
        "INSERT INTO link_epochs"
        " SELECT DISTINCT direction, destination, lower(hex(randomblob(8))) FROM new_epochs"
        " GROUP BY direction, destination"
    )
    op.execute("DROP TABLE new_epochs")
    op.execute("DELETE FROM alerts WHERE kind IN ('sink_behind', 'store_damaged')")
