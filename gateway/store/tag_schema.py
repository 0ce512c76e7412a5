"""The tables of what tags are known by, and what they said: the third part of schema.py.

Keys and clocks go with their tag. What was heard points to it without a foreign key: it is written
by a hub whose registry may be a moment old, and that must never stop the intake.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from gateway.store.columns import blob, maybe, metadata, number, of, row_id, text_column, whole

# Keys are sealed under the hub's key; an empty one is none. `counter` is the highest that came with
# a frame sealed by the bind key, `counter_at` when that frame was first captured.
tag_keys = Table(
    "tag_keys",
    metadata,
    row_id(),
    of("tag_id", "tags.id"),
    blob("identity_key"),
    whole("rotation_exponent"),
    number("zero_at"),
    blob("bind_key"),
    Column("counter", Integer),
    maybe("counter_at"),
    UniqueConstraint("tag_id"),
    sqlite_autoincrement=True,
)

tag_clocks = Table(
    "tag_clocks",
    metadata,
    Column("tag_id", ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True),
    number("ahead_lo_s"),
    number("ahead_hi_s"),
    number("at"),
    whole("reached"),
)

# Which rotating identifier was whose; `until` is when its slot is over for certain.
heard_eids = Table(
    "heard_eids",
    metadata,
    Column("identifier", String, primary_key=True),
    text_column("tag"),
    number("until"),
    Index("heard_eids_by_end", "until"),
)

# Sealed frames that no key at hand opened, until every key of the site was tried.
sealed_waiting = Table(
    "sealed_waiting",
    metadata,
    row_id(),
    text_column("gateway"),
    text_column("receiver"),
    number("at"),
    number("came_at"),
    text_column("address"),
    blob("payload"),
    whole("rank"),
    UniqueConstraint("address", "payload"),
    Index("sealed_waiting_by_rank", "rank", "id"),
    sqlite_autoincrement=True,
)

tag_states = Table(
    "tag_states",
    metadata,
    text_column("tag"),
    text_column("name"),
    number("value"),
    number("at"),
    text_column("receiver"),
    PrimaryKeyConstraint("tag", "name"),
    sqlite_with_rowid=False,
)

suspicions = Table(
    "suspicions",
    metadata,
    row_id(),
    text_column("tag"),
    text_column("doubt"),
    whole("slot"),
    number("at"),
    text_column("receivers"),
    UniqueConstraint("tag", "doubt", "slot"),
    Index("suspicions_by_tag", "tag", "at"),
    Index("suspicions_by_time", "at"),
)
