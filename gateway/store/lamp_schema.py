"""The tables of lamps: the second half of schema.py, by the same rules.

No table here speaks of a person who is watched; `by` is a login.
"""

from sqlalchemy import (
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from gateway.store.columns import (
    blob,
    flag,
    maybe,
    metadata,
    number,
    of,
    row_id,
    text_column,
    whole,
)

# Every version of a program or calendar; an empty body says that it was deleted.
light_documents = Table(
    "light_documents",
    metadata,
    row_id(),
    text_column("kind"),
    text_column("document"),
    whole("version"),
    blob("body"),
    number("at"),
    text_column("by"),
    UniqueConstraint("kind", "document", "version"),
    sqlite_autoincrement=True,
)

# `change` is of one sequence for all lamps: it grows with each change of any.
lamp_settings = Table(
    "lamp_settings",
    metadata,
    Column("lamp", String, primary_key=True),
    text_column("calendar"),
    text_column("limits"),
    whole("change"),
)

overrides = Table(
    "overrides",
    metadata,
    Column("id", String, primary_key=True),
    text_column("lamps"),
    maybe("level"),
    text_column("authority"),
    text_column("scene"),
    flag("blink"),
    number("ramp_to_level_s"),
    number("ramp_from_level_s"),
    text_column("reason"),
    text_column("by"),
    number("made_at"),
    number("start"),
    number("expiration"),
    maybe("ended_at"),
    Index("overrides_by_time", "made_at"),
    Index("overrides_not_ended", "expiration", sqlite_where=text("ended_at IS NULL")),
)

override_lamps = Table(
    "override_lamps",
    metadata,
    of("override", "overrides.id"),
    text_column("lamp"),
    maybe("at"),
    text_column("state"),
    text_column("why"),
    PrimaryKeyConstraint("override", "lamp"),
    Index("override_lamps_by_lamp", "lamp"),
    sqlite_with_rowid=False,
)

# What each lamp said last, and how its energy stands by then; `no` is its number in the readings.
lamp_states = Table(
    "lamp_states",
    metadata,
    Column("no", Integer, primary_key=True),
    Column("lamp", String, nullable=False, unique=True),
    number("at"),
    blob("reading"),
    maybe("on_at"),
    maybe("off_at"),
    blob("meter"),
)

lamp_readings = Table(
    "lamp_readings",
    metadata,
    whole("lamp_no"),
    number("at"),
    maybe("target_level"),
    maybe("feedback_level"),
    maybe("actual_level"),
    maybe("active_power_w"),
    maybe("active_energy_kwh"),
    maybe("operating_hours_h"),
    maybe("supply_voltage_v"),
    maybe("power_factor"),
    maybe("temperature_c"),
    maybe("illuminance_lx"),
    maybe("meter_class"),
    PrimaryKeyConstraint("lamp_no", "at"),
    sqlite_with_rowid=False,
)

# Nights as ISO dates. The key keeps a night's lamps together: they grow together, each minute.
lamp_energy = Table(
    "lamp_energy",
    metadata,
    text_column("night"),
    text_column("lamp"),
    number("metered_kwh"),
    number("estimated_kwh"),
    number("baseline_kwh"),
    number("on_hours"),
    PrimaryKeyConstraint("night", "lamp"),
    sqlite_with_rowid=False,
)

# How a lamp's energy stood before the first reading of a night, at its last one before that: where
# late readings begin anew.
lamp_checkpoints = Table(
    "lamp_checkpoints",
    metadata,
    text_column("lamp"),
    text_column("night"),
    number("at"),
    blob("meter"),
    PrimaryKeyConstraint("lamp", "night"),
    sqlite_with_rowid=False,
)

# Lamps of which readings came late, with the time of the earliest: their energy is to be told anew.
lamp_amends = Table(
    "lamp_amends",
    metadata,
    Column("lamp", String, primary_key=True),
    number("since"),
)

lamp_events = Table(
    "lamp_events",
    metadata,
    row_id(),
    text_column("lamp"),
    text_column("kind"),
    number("start"),
    maybe("end"),
    text_column("evidence"),
    number("told_at"),
    UniqueConstraint("lamp", "kind", "start"),
    Index("lamp_events_open", "lamp", "kind", unique=True, sqlite_where=text('"end" IS NULL')),
    Index("lamp_events_by_start", "start"),
    Index("lamp_events_by_end", "end"),
    sqlite_autoincrement=True,
)

lamp_work = Table(
    "lamp_work",
    metadata,
    row_id(),
    of("event_id", "lamp_events.id"),
    text_column("state"),
    text_column("assignee"),
    text_column("note"),
    number("at"),
    text_column("by"),
    Index("lamp_work_by_event", "event_id"),
)

lamp_audit = Table(
    "lamp_audit",
    metadata,
    row_id(),
    number("at"),
    text_column("by"),
    text_column("authority"),
    text_column("action"),
    text_column("subject"),
    text_column("detail"),
    Index("lamp_audit_by_time", "at"),
    sqlite_autoincrement=True,
)
