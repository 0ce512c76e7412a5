"""The first schema. Frozen: a later change is a later migration."""

from alembic import op

revision = "0001"
down_revision = None

_PEOPLE = (
    """CREATE TABLE users (
        id INTEGER NOT NULL PRIMARY KEY,
        login VARCHAR NOT NULL UNIQUE,
        audience VARCHAR NOT NULL,
        password_hash VARCHAR NOT NULL,
        language VARCHAR NOT NULL,
        created_at FLOAT NOT NULL)""",
    """CREATE TABLE sessions (
        token_hash BLOB NOT NULL PRIMARY KEY,
        user_id INTEGER NOT NULL,
        kind VARCHAR NOT NULL,
        created_at FLOAT NOT NULL,
        expires_at FLOAT NOT NULL,
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)""",
    "CREATE INDEX sessions_by_expiry ON sessions (expires_at)",
    """CREATE TABLE carriers (
        id VARCHAR NOT NULL PRIMARY KEY,
        name VARCHAR NOT NULL,
        kind VARCHAR NOT NULL)""",
    """CREATE TABLE guardianships (
        user_id INTEGER NOT NULL,
        carrier_id VARCHAR NOT NULL,
        PRIMARY KEY (user_id, carrier_id),
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        FOREIGN KEY (carrier_id) REFERENCES carriers (id) ON DELETE CASCADE)""",
    "CREATE INDEX guardianships_by_carrier ON guardianships (carrier_id)",
    """CREATE TABLE tags (
        id VARCHAR NOT NULL PRIMARY KEY,
        carrier_id VARCHAR NOT NULL,
        trust VARCHAR NOT NULL,
        consent_at FLOAT NOT NULL,
        consent_by VARCHAR NOT NULL,
        FOREIGN KEY (carrier_id) REFERENCES carriers (id) ON DELETE CASCADE)""",
    "CREATE INDEX tags_by_carrier ON tags (carrier_id)",
    """CREATE TABLE tag_identifiers (
        identifier VARCHAR NOT NULL PRIMARY KEY,
        tag_id VARCHAR NOT NULL,
        button BOOLEAN NOT NULL,
        FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE)""",
    "CREATE INDEX tag_identifiers_by_tag ON tag_identifiers (tag_id)",
)

_SIGHTINGS = (
    """CREATE TABLE windows (
        id INTEGER NOT NULL PRIMARY KEY,
        gateway VARCHAR NOT NULL,
        epoch VARCHAR NOT NULL,
        lane VARCHAR NOT NULL,
        seq INTEGER NOT NULL,
        second INTEGER NOT NULL,
        skew_s FLOAT NOT NULL,
        late BOOLEAN NOT NULL,
        amended BOOLEAN NOT NULL,
        body BLOB NOT NULL,
        UNIQUE (gateway, epoch, lane, seq))""",
    "CREATE INDEX windows_by_second ON windows (second)",
    "CREATE INDEX windows_to_amend ON windows (second) WHERE late AND NOT amended",
    """CREATE TABLE gaps (
        id INTEGER NOT NULL PRIMARY KEY,
        gateway VARCHAR NOT NULL,
        since FLOAT NOT NULL,
        until FLOAT NOT NULL,
        reason VARCHAR NOT NULL,
        from_seq INTEGER NOT NULL,
        to_seq INTEGER NOT NULL)""",
    "CREATE INDEX gaps_by_until ON gaps (until)",
    """CREATE TABLE marks (
        sender VARCHAR NOT NULL,
        epoch VARCHAR NOT NULL,
        lane VARCHAR NOT NULL,
        mark INTEGER NOT NULL,
        PRIMARY KEY (sender, epoch, lane))""",
    """CREATE TABLE cursors (
        site VARCHAR NOT NULL PRIMARY KEY,
        stepped_to INTEGER NOT NULL)""",
)

_POSITIONS = (
    """CREATE TABLE positions (
        id INTEGER NOT NULL PRIMARY KEY,
        tag VARCHAR NOT NULL,
        at FLOAT NOT NULL,
        lon FLOAT NOT NULL,
        lat FLOAT NOT NULL,
        radius68_m FLOAT NOT NULL,
        radius95_m FLOAT NOT NULL,
        n_heard INTEGER NOT NULL,
        presence VARCHAR NOT NULL,
        zones VARCHAR NOT NULL,
        late BOOLEAN NOT NULL,
        UNIQUE (tag, at))""",
    "CREATE INDEX positions_by_time ON positions (at)",
    """CREATE TABLE zone_events (
        id INTEGER NOT NULL PRIMARY KEY,
        tag VARCHAR NOT NULL,
        at FLOAT NOT NULL,
        zone VARCHAR NOT NULL,
        event VARCHAR NOT NULL,
        probability FLOAT NOT NULL,
        UNIQUE (tag, at, zone, event))""",
    "CREATE INDEX zone_events_by_time ON zone_events (at)",
    """CREATE TABLE alerts (
        id VARCHAR NOT NULL PRIMARY KEY,
        kind VARCHAR NOT NULL,
        state VARCHAR NOT NULL,
        at FLOAT NOT NULL,
        raised_at FLOAT NOT NULL,
        tag VARCHAR NOT NULL,
        zone VARCHAR NOT NULL,
        gateway VARCHAR NOT NULL,
        receiver VARCHAR NOT NULL)""",
    "CREATE INDEX alerts_by_tag ON alerts (tag, raised_at)",
    "CREATE INDEX alerts_by_kind ON alerts (kind, raised_at)",
    "CREATE INDEX alerts_by_time ON alerts (raised_at)",
    """CREATE TABLE alert_changes (
        id INTEGER NOT NULL PRIMARY KEY,
        alert_id VARCHAR NOT NULL,
        state VARCHAR NOT NULL,
        at FLOAT NOT NULL,
        "by" VARCHAR NOT NULL,
        FOREIGN KEY (alert_id) REFERENCES alerts (id) ON DELETE CASCADE)""",
    "CREATE INDEX alert_changes_by_alert ON alert_changes (alert_id)",
)

_LINK = (
    """CREATE TABLE link_epochs (
        direction VARCHAR NOT NULL,
        destination VARCHAR NOT NULL,
        epoch VARCHAR NOT NULL,
        PRIMARY KEY (direction, destination))""",
    """CREATE TABLE link_rows (
        direction VARCHAR NOT NULL,
        destination VARCHAR NOT NULL,
        lane VARCHAR NOT NULL,
        seq INTEGER NOT NULL,
        kind VARCHAR NOT NULL,
        body BLOB NOT NULL,
        at FLOAT NOT NULL,
        PRIMARY KEY (direction, destination, lane, seq))""",
    """CREATE TABLE link_counters (
        direction VARCHAR NOT NULL,
        destination VARCHAR NOT NULL,
        lane VARCHAR NOT NULL,
        last_seq INTEGER NOT NULL,
        PRIMARY KEY (direction, destination, lane))""",
)

# The log only grows at its end, and every row carries the hash of the one before. Retention moves
# the anchor forward, onto a row that is there, and then deletes up to it; nothing else deletes.
_ACCESS = (
    """CREATE TABLE access_log (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        at FLOAT NOT NULL,
        who VARCHAR NOT NULL,
        carrier VARCHAR NOT NULL,
        what VARCHAR NOT NULL,
        why VARCHAR NOT NULL,
        previous BLOB NOT NULL,
        hash BLOB NOT NULL)""",
    "CREATE INDEX access_log_by_carrier ON access_log (carrier, id)",
    """CREATE TABLE access_anchor (
        id INTEGER NOT NULL PRIMARY KEY,
        last_id INTEGER NOT NULL,
        hash BLOB NOT NULL)""",
    "INSERT INTO access_anchor (id, last_id, hash) VALUES (1, 0, zeroblob(32))",
    """CREATE TRIGGER access_log_keeps_rows BEFORE UPDATE ON access_log
        BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END""",
    """CREATE TRIGGER access_log_keeps_its_tail BEFORE DELETE ON access_log
        WHEN OLD.id > (SELECT last_id FROM access_anchor)
        BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END""",
    """CREATE TRIGGER access_log_is_a_chain BEFORE INSERT ON access_log
        WHEN NEW.previous IS NOT coalesce(
                (SELECT hash FROM access_log ORDER BY id DESC LIMIT 1),
                (SELECT hash FROM access_anchor))
            OR EXISTS (SELECT 1 FROM access_log WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'the access log is a chain'); END""",
    """CREATE TRIGGER access_anchor_goes_forward BEFORE UPDATE ON access_anchor
        WHEN NEW.last_id < OLD.last_id OR NOT EXISTS (
            SELECT 1 FROM access_log WHERE id = NEW.last_id AND hash = NEW.hash)
        BEGIN SELECT RAISE(ABORT, 'the anchor goes forward, along the log'); END""",
    """CREATE TRIGGER access_anchor_is_one BEFORE INSERT ON access_anchor
        BEGIN SELECT RAISE(ABORT, 'there is one anchor'); END""",
    """CREATE TRIGGER access_anchor_stays BEFORE DELETE ON access_anchor
        BEGIN SELECT RAISE(ABORT, 'there is one anchor'); END""",
)

_TABLES = (
    *("access_log", "access_anchor"),
    *("link_counters", "link_rows", "link_epochs"),
    *("alert_changes", "alerts", "zone_events", "positions"),
    *("cursors", "marks", "gaps", "windows"),
    *("tag_identifiers", "tags", "guardianships", "carriers", "sessions", "users"),
)


def upgrade() -> None:
    """Make every table."""
    for statement in _PEOPLE + _SIGHTINGS + _POSITIONS + _LINK + _ACCESS:
        op.execute(statement)


def downgrade() -> None:
    """Take every table away; those that point to others go first."""
    for table in _TABLES:
        op.execute(f"DROP TABLE {table}")
