"""Lamps: programs and calendars, overrides, readings, energy, faults and who did what."""

from alembic import op

revision = "0004"
down_revision = "0003"

_TOLD = (
    """CREATE TABLE light_documents (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        kind VARCHAR NOT NULL,
        document VARCHAR NOT NULL,
        version INTEGER NOT NULL,
        body BLOB NOT NULL,
        at FLOAT NOT NULL,
        by VARCHAR NOT NULL,
        UNIQUE (kind, document, version))""",
    """CREATE TABLE lamp_settings (
        lamp VARCHAR NOT NULL PRIMARY KEY,
        calendar VARCHAR NOT NULL,
        limits VARCHAR NOT NULL,
        change INTEGER NOT NULL)""",
    """CREATE TABLE overrides (
        id VARCHAR NOT NULL PRIMARY KEY,
        lamps VARCHAR NOT NULL,
        level FLOAT,
        authority VARCHAR NOT NULL,
        scene VARCHAR NOT NULL,
        blink BOOLEAN NOT NULL,
        ramp_to_level_s FLOAT NOT NULL,
        ramp_from_level_s FLOAT NOT NULL,
        reason VARCHAR NOT NULL,
        by VARCHAR NOT NULL,
        made_at FLOAT NOT NULL,
        start FLOAT NOT NULL,
        expiration FLOAT NOT NULL,
        ended_at FLOAT)""",
    "CREATE INDEX overrides_by_time ON overrides (made_at)",
    "CREATE INDEX overrides_not_ended ON overrides (expiration) WHERE ended_at IS NULL",
    """CREATE TABLE override_lamps (
        override VARCHAR NOT NULL,
        lamp VARCHAR NOT NULL,
        at FLOAT,
        state VARCHAR NOT NULL,
        why VARCHAR NOT NULL,
        PRIMARY KEY (override, lamp),
        FOREIGN KEY (override) REFERENCES overrides (id) ON DELETE CASCADE) WITHOUT ROWID""",
    "CREATE INDEX override_lamps_by_lamp ON override_lamps (lamp)",
)

_HEARD = (
    """CREATE TABLE lamp_states (
        no INTEGER NOT NULL PRIMARY KEY,
        lamp VARCHAR NOT NULL UNIQUE,
        at FLOAT NOT NULL,
        reading BLOB NOT NULL,
        on_at FLOAT,
        off_at FLOAT,
        meter BLOB NOT NULL)""",
    """CREATE TABLE lamp_readings (
        lamp_no INTEGER NOT NULL,
        at FLOAT NOT NULL,
        target_level FLOAT,
        feedback_level FLOAT,
        actual_level FLOAT,
        active_power_w FLOAT,
        active_energy_kwh FLOAT,
        operating_hours_h FLOAT,
        supply_voltage_v FLOAT,
        power_factor FLOAT,
        temperature_c FLOAT,
        illuminance_lx FLOAT,
        meter_class FLOAT,
        PRIMARY KEY (lamp_no, at)) WITHOUT ROWID""",
    """CREATE TABLE lamp_energy (
        night VARCHAR NOT NULL,
        lamp VARCHAR NOT NULL,
        metered_kwh FLOAT NOT NULL,
        estimated_kwh FLOAT NOT NULL,
        baseline_kwh FLOAT NOT NULL,
        on_hours FLOAT NOT NULL,
        PRIMARY KEY (night, lamp)) WITHOUT ROWID""",
    """CREATE TABLE lamp_checkpoints (
        lamp VARCHAR NOT NULL,
        night VARCHAR NOT NULL,
        at FLOAT NOT NULL,
        meter BLOB NOT NULL,
        PRIMARY KEY (lamp, night)) WITHOUT ROWID""",
    """CREATE TABLE lamp_amends (
        lamp VARCHAR NOT NULL PRIMARY KEY,
        since FLOAT NOT NULL)""",
)

_FAULTS = (
    """CREATE TABLE lamp_events (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        lamp VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,
        start FLOAT NOT NULL,
        "end" FLOAT,
        evidence VARCHAR NOT NULL,
        told_at FLOAT NOT NULL,
        UNIQUE (lamp, kind, start))""",
    'CREATE UNIQUE INDEX lamp_events_open ON lamp_events (lamp, kind) WHERE "end" IS NULL',
    "CREATE INDEX lamp_events_by_start ON lamp_events (start)",
    'CREATE INDEX lamp_events_by_end ON lamp_events ("end")',
    """CREATE TABLE lamp_work (
        id INTEGER NOT NULL PRIMARY KEY,
        event_id INTEGER NOT NULL,
        state VARCHAR NOT NULL,
        assignee VARCHAR NOT NULL,
        note VARCHAR NOT NULL,
        at FLOAT NOT NULL,
        by VARCHAR NOT NULL,
        FOREIGN KEY (event_id) REFERENCES lamp_events (id) ON DELETE CASCADE)""",
    "CREATE INDEX lamp_work_by_event ON lamp_work (event_id)",
    """CREATE TABLE lamp_audit (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        at FLOAT NOT NULL,
        by VARCHAR NOT NULL,
        authority VARCHAR NOT NULL,
        action VARCHAR NOT NULL,
        subject VARCHAR NOT NULL,
        detail VARCHAR NOT NULL)""",
    "CREATE INDEX lamp_audit_by_time ON lamp_audit (at)",
)

_TABLES = (
    "lamp_audit",
    "lamp_work",
    "lamp_events",
    "lamp_amends",
    "lamp_checkpoints",
    "lamp_energy",
    "lamp_readings",
    "lamp_states",
    "override_lamps",
    "overrides",
    "lamp_settings",
    "light_documents",
)


def upgrade() -> None:
    """Add what is new."""
    for statement in _TOLD + _HEARD + _FAULTS:
        op.execute(statement)


def downgrade() -> None:
    """Take it away, with all that it holds."""
    for table in _TABLES:
        op.execute(f"DROP TABLE {table}")
