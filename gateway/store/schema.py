"""The tables of the hub's database, as the newest migration leaves them.

Times are Unix seconds, UTC. A name of a person stands in `carriers` (and `users.login`) only: every
other table speaks of pseudonyms. Histories (positions, zone events, alerts) point to tags without a
foreign key: they are written by a hub whose registry may be a moment old, and that must never stop
the site's step.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

metadata = MetaData()


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, String, nullable=False)


def _number(name: str) -> Column[float]:
    return Column(name, Float, nullable=False)


def _whole(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _of(name: str, target: str) -> Column[str]:
    return Column(name, ForeignKey(target, ondelete="CASCADE"), nullable=False)


# --- people ---------------------------------------------------------------------------------------

users = Table(
    "users",
    metadata,
    _id(),
    Column("login", String, nullable=False, unique=True),
    _text("audience"),
    _text("password_hash"),
    _text("language"),
    _number("created_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    _of("user_id", "users.id"),
    _text("kind"),
    _number("created_at"),
    _number("expires_at"),
    Index("sessions_by_expiry", "expires_at"),
)

carriers = Table(
    "carriers",
    metadata,
    Column("id", String, primary_key=True),
    _text("name"),
    _text("kind"),
)

guardianships = Table(
    "guardianships",
    metadata,
    _of("user_id", "users.id"),
    _of("carrier_id", "carriers.id"),
    PrimaryKeyConstraint("user_id", "carrier_id"),
    Index("guardianships_by_carrier", "carrier_id"),
)

tags = Table(
    "tags",
    metadata,
    Column("id", String, primary_key=True),
    _of("carrier_id", "carriers.id"),
    _text("trust"),
    _number("consent_at"),
    _text("consent_by"),
    Index("tags_by_carrier", "carrier_id"),
)

tag_identifiers = Table(
    "tag_identifiers",
    metadata,
    Column("identifier", String, primary_key=True),
    _of("tag_id", "tags.id"),
    _flag("button"),
    Index("tag_identifiers_by_tag", "tag_id"),
)

# --- what the gateways sent -----------------------------------------------------------------------

windows = Table(
    "windows",
    metadata,
    _id(),
    _text("gateway"),
    _text("epoch"),
    _text("lane"),
    _whole("seq"),
    _whole("second"),
    _number("skew_s"),
    _flag("late"),
    _flag("amended"),
    _bytes("body"),
    UniqueConstraint("gateway", "epoch", "lane", "seq"),
    Index("windows_by_second", "second"),
    Index("windows_to_amend", "second", sqlite_where=text("late AND NOT amended")),
)

gaps = Table(
    "gaps",
    metadata,
    _id(),
    _text("gateway"),
    _number("since"),
    _number("until"),
    _text("reason"),
    _whole("from_seq"),
    _whole("to_seq"),
    Index("gaps_by_until", "until"),
)

marks = Table(
    "marks",
    metadata,
    _text("sender"),
    _text("epoch"),
    _text("lane"),
    _whole("mark"),
    PrimaryKeyConstraint("sender", "epoch", "lane"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("site", String, primary_key=True),
    _whole("stepped_to"),
)

# --- what the hub made of it ----------------------------------------------------------------------

positions = Table(
    "positions",
    metadata,
    _id(),
    _text("tag"),
    _number("at"),
    _number("lon"),
    _number("lat"),
    _number("radius68_m"),
    _number("radius95_m"),
    _whole("n_heard"),
    _text("presence"),
    _text("zones"),
    _flag("late"),
    _text("path"),
    _number("path_probability"),
    UniqueConstraint("tag", "at"),
    Index("positions_by_time", "at"),
)

zone_events = Table(
    "zone_events",
    metadata,
    _id(),
    _text("tag"),
    _number("at"),
    _text("zone"),
    _text("event"),
    _number("probability"),
    UniqueConstraint("tag", "at", "zone", "event"),
    Index("zone_events_by_time", "at"),
)

# A point a tag and 5 s (a slot), of the second `at` in it; the key keeps a tag's points together.
route_points = Table(
    "route_points",
    metadata,
    _text("tag"),
    _whole("slot"),
    _number("at"),
    _number("lon"),
    _number("lat"),
    _number("radius68_m"),
    _text("zone"),
    PrimaryKeyConstraint("tag", "slot"),
    sqlite_with_rowid=False,
)

outings = Table(
    "outings",
    metadata,
    _text("tag"),
    _number("opened_at"),
    _number("heard_until"),
    PrimaryKeyConstraint("tag", "opened_at"),
    Index("outings_by_end", "heard_until"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String, primary_key=True),
    _text("kind"),
    _text("state"),
    _number("at"),
    _number("raised_at"),
    _text("tag"),
    _text("zone"),
    _text("gateway"),
    _text("receiver"),
    Index("alerts_by_tag", "tag", "raised_at"),
    Index("alerts_by_kind", "kind", "raised_at"),
    Index("alerts_by_time", "raised_at"),
)

alert_changes = Table(
    "alert_changes",
    metadata,
    _id(),
    _of("alert_id", "alerts.id"),
    _text("state"),
    _number("at"),
    _text("by"),
    Index("alert_changes_by_alert", "alert_id"),
)

# What the last change put in force is in force; `upon` is the calibration that it was learned upon.
calibrations = Table(
    "calibrations",
    metadata,
    _id(),
    _number("learned_at"),
    Column("upon", ForeignKey("calibrations.id")),
    _number("before"),
    _number("after"),
    _flag("accepted"),
    _text("document"),
    sqlite_autoincrement=True,
)

calibration_changes = Table(
    "calibration_changes",
    metadata,
    _id(),
    Column("calibration_id", ForeignKey("calibrations.id"), nullable=False),
    _text("state"),
    _number("at"),
    _text("by"),
    Index("calibration_changes_by_calibration", "calibration_id"),
)

# --- the hub's own rows for the link --------------------------------------------------------------

link_epochs = Table(
    "link_epochs",
    metadata,
    _text("direction"),
    _text("destination"),
    _text("epoch"),
    PrimaryKeyConstraint("direction", "destination"),
)

link_rows = Table(
    "link_rows",
    metadata,
    _text("direction"),
    _text("destination"),
    _text("lane"),
    _whole("seq"),
    _text("kind"),
    _bytes("body"),
    _number("at"),
    PrimaryKeyConstraint("direction", "destination", "lane", "seq"),
)

link_counters = Table(
    "link_counters",
    metadata,
    _text("direction"),
    _text("destination"),
    _text("lane"),
    _whole("last_seq"),
    PrimaryKeyConstraint("direction", "destination", "lane"),
)

# --- who looked -----------------------------------------------------------------------------------

access_log = Table(
    "access_log",
    metadata,
    _id(),
    _number("at"),
    _text("who"),
    _text("carrier"),
    _text("what"),
    _text("why"),
    _bytes("previous"),
    _bytes("hash"),
    Index("access_log_by_carrier", "carrier", "id"),
    sqlite_autoincrement=True,
)

# The one row says where the chain now begins: retention may delete up to `last_id`, no further.
access_anchor = Table(
    "access_anchor",
    metadata,
    _id(),
    _whole("last_id"),
    _bytes("hash"),
)
