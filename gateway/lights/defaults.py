"""The programs and calendars that a new hub begins with: `config/lights/` of the configuration."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway.lights.documents import Calendar, Program
from gateway.lights.validation import Severity, check
from gateway.model import UnusableError

DEFAULT_CALENDAR = "street"
"""What a lamp has that nobody gave a calendar, and that is in no group with one of its own."""

Document = TypeVar("Document", Program, Calendar)


class DefaultsError(UnusableError):
    """A file of defaults that is absent or wrong."""


def load_defaults(folder: Path) -> tuple[tuple[Program, ...], tuple[Calendar, ...]]:
    """From `programs.json` and `calendars.json`, each an array. Raises DefaultsError."""
    programs = _load(folder / "programs.json", msgspec.json.Decoder(tuple[Program, ...]))
    calendars = _load(folder / "calendars.json", msgspec.json.Decoder(tuple[Calendar, ...]))
    for problem in check(programs, calendars):
        if problem.severity is Severity.ERROR:
            raise DefaultsError(
                f"{folder}: {problem.document}, {problem.where}: {problem.what}; {problem.remedy}"
            )
    return programs, calendars


def default_calendar(groups: Sequence[str], calendars: Collection[str]) -> str:
    """The calendar of a lamp that nobody gave one: that which is called like one of its groups (the
    park's lamps follow "park"), the first of them, else DEFAULT_CALENDAR. `calendars` are the ids
    that there are.
    """
    return next((group for group in groups if group in calendars), DEFAULT_CALENDAR)


def _load(file: Path, decoder: msgspec.json.Decoder[tuple[Document, ...]]) -> tuple[Document, ...]:
    try:
        return decoder.decode(file.read_bytes())
    except OSError as error:
        raise DefaultsError(
            f"{file} cannot be read ({error.strerror}): put it back as Machimori ships it"
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DefaultsError(f"{file}: {error}: mend it as JSON, in TALQ's spelling") from error
