"""Columns by what they hold, for the tables of schema.py and lamp_schema.py."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, LargeBinary, MetaData, String

metadata = MetaData()


def row_id() -> Column[int]:
    """An integer key of its own."""
    return Column("id", Integer, primary_key=True)


def text_column(name: str) -> Column[str]:
    """Text, which may be empty."""
    return Column(name, String, nullable=False)


def number(name: str) -> Column[float]:
    """A number."""
    return Column(name, Float, nullable=False)


def maybe(name: str) -> Column[float | None]:
    """A number that may not be known."""
    return Column(name, Float)


def whole(name: str) -> Column[int]:
    """A whole number."""
    return Column(name, Integer, nullable=False)


def flag(name: str) -> Column[bool]:
    """Yes or no."""
    return Column(name, Boolean, nullable=False)


def blob(name: str) -> Column[bytes]:
    """Bytes that only its module reads."""
    return Column(name, LargeBinary, nullable=False)


def of(name: str, target: str) -> Column[str]:
    """The key of a row of another table, with which this one goes."""
    return Column(name, ForeignKey(target, ondelete="CASCADE"), nullable=False)
