"""Tags that change their identity: keys, clocks, what was heard of them, and what is doubted."""

from alembic import op

revision = "0005"
down_revision = "0004"

_COLUMNS = (
    "ALTER TABLE alerts ADD COLUMN suspect VARCHAR NOT NULL DEFAULT ''",
    "ALTER TABLE tags ADD COLUMN disabled_at FLOAT",
)

_KEYS = (
    """CREATE TABLE tag_keys (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        tag_id VARCHAR NOT NULL UNIQUE,
        identity_key BLOB NOT NULL,
        rotation_exponent INTEGER NOT NULL,
        zero_at FLOAT NOT NULL,
        bind_key BLOB NOT NULL,
        counter INTEGER,
        counter_at FLOAT,
        FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE)""",
    """CREATE TABLE tag_clocks (
        tag_id VARCHAR NOT NULL PRIMARY KEY,
        ahead_lo_s FLOAT NOT NULL,
        ahead_hi_s FLOAT NOT NULL,
        at FLOAT NOT NULL,
        reached INTEGER NOT NULL,
        FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE)""",
)

_HEARD = (
    """CREATE TABLE heard_eids (
        identifier VARCHAR NOT NULL PRIMARY KEY,
        tag VARCHAR NOT NULL,
        until FLOAT NOT NULL)""",
    "CREATE INDEX heard_eids_by_end ON heard_eids (until)",
    """CREATE TABLE sealed_waiting (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        gateway VARCHAR NOT NULL,
        receiver VARCHAR NOT NULL,
        at FLOAT NOT NULL,
        came_at FLOAT NOT NULL,
        address VARCHAR NOT NULL,
        payload BLOB NOT NULL,
        rank INTEGER NOT NULL,
        UNIQUE (address, payload))""",
    "CREATE INDEX sealed_waiting_by_rank ON sealed_waiting (rank, id)",
    """CREATE TABLE tag_states (
        tag VARCHAR NOT NULL,
        name VARCHAR NOT NULL,
        value FLOAT NOT NULL,
        at FLOAT NOT NULL,
        receiver VARCHAR NOT NULL,
        PRIMARY KEY (tag, name)) WITHOUT ROWID""",
    """CREATE TABLE suspicions (
        id INTEGER NOT NULL PRIMARY KEY,
        tag VARCHAR NOT NULL,
        doubt VARCHAR NOT NULL,
        slot INTEGER NOT NULL,
        at FLOAT NOT NULL,
        receivers VARCHAR NOT NULL,
        UNIQUE (tag, doubt, slot))""",
    "CREATE INDEX suspicions_by_tag ON suspicions (tag, at)",
    "CREATE INDEX suspicions_by_time ON suspicions (at)",
)

_TABLES = ("suspicions", "tag_states", "sealed_waiting", "heard_eids", "tag_clocks", "tag_keys")


def upgrade() -> None:
    """Add what is new."""
    for statement in _COLUMNS + _KEYS + _HEARD:
        op.execute(statement)


def downgrade() -> None:
    """Take it away, with all that it holds."""
    for table in _TABLES:
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE tags DROP COLUMN disabled_at")
    op.execute("ALTER TABLE alerts DROP COLUMN suspect")
