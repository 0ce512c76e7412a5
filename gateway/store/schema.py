"""The tables of the hub's database but the lamps', as the newest migration leaves them.

Times are Unix seconds, UTC. A name of a person stands in `carriers` (and `users.login`) only: every
other table speaks of pseudonyms. Histories (positions, zone events, alerts) point to tags without a
foreign key: they are written by a hub whose registry may be a moment old, and that must never stop
the site's step.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from gateway.store.columns import blob, flag, maybe, number, of, row_id, text_column, whole
from gateway.store.columns import metadata as metadata

# --- people ---------------------------------------------------------------------------------------

users = Table(
    "users",
    metadata,
    row_id(),
    Column("login", String, nullable=False, unique=True),
    text_column("audience"),
    text_column("password_hash"),
    text_column("language"),
    number("created_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    of("user_id", "users.id"),
    text_column("kind"),
    number("created_at"),
    number("expires_at"),
    Index("sessions_by_expiry", "expires_at"),
)

carriers = Table(
    "carriers",
    metadata,
    Column("id", String, primary_key=True),
    text_column("name"),
    text_column("kind"),
)

guardianships = Table(
    "guardianships",
    metadata,
    of("user_id", "users.id"),
    of("carrier_id", "carriers.id"),
    PrimaryKeyConstraint("user_id", "carrier_id"),
    Index("guardianships_by_carrier", "carrier_id"),
)

tags = Table(
    "tags",
    metadata,
    Column("id", String, primary_key=True),
    of("carrier_id", "carriers.id"),
    text_column("trust"),
    number("consent_at"),
    text_column("consent_by"),
    maybe("disabled_at"),
    Index("tags_by_carrier", "carrier_id"),
)

tag_identifiers = Table(
    "tag_identifiers",
    metadata,
    Column("identifier", String, primary_key=True),
    of("tag_id", "tags.id"),
    flag("button"),
    Index("tag_identifiers_by_tag", "tag_id"),
)

# --- what the gateways sent -----------------------------------------------------------------------

windows = Table(
    "windows",
    metadata,
    row_id(),
    text_column("gateway"),
    text_column("epoch"),
    text_column("lane"),
    whole("seq"),
    whole("second"),
    number("skew_s"),
    flag("late"),
    flag("amended"),
    blob("body"),
    UniqueConstraint("gateway", "epoch", "lane", "seq"),
    Index("windows_by_second", "second"),
    Index("windows_by_gateway", "gateway", "second"),
    Index("windows_to_amend", "second", sqlite_where=text("late AND NOT amended")),
)

gaps = Table(
    "gaps",
    metadata,
    row_id(),
    text_column("gateway"),
    number("since"),
    number("until"),
    text_column("reason"),
    whole("from_seq"),
    whole("to_seq"),
    Index("gaps_by_until", "until"),
)

marks = Table(
    "marks",
    metadata,
    text_column("sender"),
    text_column("epoch"),
    text_column("lane"),
    whole("mark"),
    PrimaryKeyConstraint("sender", "epoch", "lane"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("site", String, primary_key=True),
    whole("stepped_to"),
)

# One row: by which time what is old was last deleted.
sweeps = Table("sweeps", metadata, row_id(), number("at"))

# --- what the hub made of it ----------------------------------------------------------------------

positions = Table(
    "positions",
    metadata,
    row_id(),
    text_column("tag"),
    number("at"),
    number("lon"),
    number("lat"),
    number("radius68_m"),
    number("radius95_m"),
    whole("n_heard"),
    text_column("presence"),
    text_column("zones"),
    flag("late"),
    text_column("path"),
    number("path_probability"),
    UniqueConstraint("tag", "at"),
    Index("positions_by_time", "at"),
)

zone_events = Table(
    "zone_events",
    metadata,
    row_id(),
    text_column("tag"),
    number("at"),
    text_column("zone"),
    text_column("event"),
    number("probability"),
    UniqueConstraint("tag", "at", "zone", "event"),
    Index("zone_events_by_time", "at"),
)

# A point a tag and 5 s (a slot), of the second `at` in it; the key keeps a tag's points together.
route_points = Table(
    "route_points",
    metadata,
    text_column("tag"),
    whole("slot"),
    number("at"),
    number("lon"),
    number("lat"),
    number("radius68_m"),
    text_column("zone"),
    PrimaryKeyConstraint("tag", "slot"),
    sqlite_with_rowid=False,
)

outings = Table(
    "outings",
    metadata,
    text_column("tag"),
    number("opened_at"),
    number("heard_until"),
    PrimaryKeyConstraint("tag", "opened_at"),
    Index("outings_by_end", "heard_until"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String, primary_key=True),
    text_column("kind"),
    text_column("state"),
    number("at"),
    number("raised_at"),
    text_column("tag"),
    text_column("zone"),
    text_column("gateway"),
    text_column("receiver"),
    Column("suspect", String, nullable=False, server_default=""),
    Index("alerts_by_tag", "tag", "raised_at"),
    Index("alerts_by_kind", "kind", "raised_at"),
    Index("alerts_by_time", "raised_at"),
)

alert_changes = Table(
    "alert_changes",
    metadata,
    row_id(),
    of("alert_id", "alerts.id"),
    text_column("state"),
    number("at"),
    text_column("by"),
    Index("alert_changes_by_alert", "alert_id"),
)

# What the last change put in force is in force; `upon` is the calibration that it was learned upon.
calibrations = Table(
    "calibrations",
    metadata,
    row_id(),
    number("learned_at"),
    Column("upon", ForeignKey("calibrations.id")),
    number("before"),
    number("after"),
    flag("accepted"),
    text_column("document"),
    sqlite_autoincrement=True,
)

calibration_changes = Table(
    "calibration_changes",
    metadata,
    row_id(),
    Column("calibration_id", ForeignKey("calibrations.id"), nullable=False),
    text_column("state"),
    number("at"),
    text_column("by"),
    Index("calibration_changes_by_calibration", "calibration_id"),
)

# --- the hub's own rows for the link --------------------------------------------------------------

link_epochs = Table(
    "link_epochs",
    metadata,
    row_id(),
    text_column("direction"),
    text_column("destination"),
    blob("body"),
)

link_rows = Table(
    "link_rows",
    metadata,
    text_column("direction"),
    text_column("destination"),
    text_column("lane"),
    whole("seq"),
    text_column("kind"),
    blob("body"),
    number("at"),
    PrimaryKeyConstraint("direction", "destination", "lane", "seq"),
)

link_counters = Table(
    "link_counters",
    metadata,
    text_column("direction"),
    text_column("destination"),
    text_column("lane"),
    whole("last_seq"),
    PrimaryKeyConstraint("direction", "destination", "lane"),
)

# --- who looked -----------------------------------------------------------------------------------

access_log = Table(
    "access_log",
    metadata,
    row_id(),
    number("at"),
    text_column("who"),
    text_column("carrier"),
    text_column("what"),
    text_column("why"),
    blob("previous"),
    blob("hash"),
    Index("access_log_by_carrier", "carrier", "id"),
    sqlite_autoincrement=True,
)

# The one row says where the chain now begins: retention may delete up to `last_id`, no further.
access_anchor = Table(
    "access_anchor",
    metadata,
    row_id(),
    whole("last_id"),
    blob("hash"),
)
