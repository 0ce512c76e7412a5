"""Programs and calendars as they are uploaded: read, and checked for what cannot have been meant.

An error is a document that does not do what it says: it is refused. A warning is one that may be
meant. Each names the document, the place in it, what is wrong, and what to do.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import msgspec

from gateway.lights.documents import Calendar, Program
from gateway.lights.sun import Sky
from gateway.lights.validation_calendar import calendar_findings
from gateway.lights.validation_program import program_findings
from gateway.lights.validation_values import Finding
from gateway.model import ID_PATTERN

_AT = re.compile(r" - at `\$\.?(?P<where>.*)`$")

Document = TypeVar("Document", Program, Calendar)


class Severity(StrEnum):
    """Of a problem: an error is refused, a warning told."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """`document` is "program night-street", `where` a place in it such as "rules[1].since"."""

    document: str
    where: str
    what: str
    remedy: str
    severity: Severity = Severity.ERROR


def parse_program(raw: bytes) -> Program | Problem:
    """A program from JSON, or the first thing that does not fit its shape."""
    return _parse(raw, Program)


def parse_calendar(raw: bytes) -> Calendar | Problem:
    """A calendar from JSON, or the first thing that does not fit its shape."""
    return _parse(raw, Calendar)


def check(
    programs: Sequence[Program],
    calendars: Sequence[Calendar],
    *,
    sky: Sky | None = None,
    sensors: Collection[str] | None = None,
) -> tuple[Problem, ...]:
    """Everything that is wrong with these documents together, errors first.

    `sky` is the site's: with it, what can never be dark is found, too. `sensors` are the ids of
    the lamps and groups that there are; without them, no sensor is unknown.
    """
    problems: list[Problem] = []
    for program in programs:
        name = f"program {program.id}"
        findings = program_findings(program, sky=sky, sensors=sensors)
        problems += (_problem(name, finding) for finding in _with_id(program.id, findings))
    known = {program.id for program in programs}
    for calendar in calendars:
        name = f"calendar {calendar.id}"
        findings = calendar_findings(calendar, programs=known)
        problems += (_problem(name, finding) for finding in _with_id(calendar.id, findings))
    problems += _doubles("program", [program.id for program in programs])
    problems += _doubles("calendar", [calendar.id for calendar in calendars])
    return tuple(sorted(problems, key=_severity))


def _parse(raw: bytes, kind: type[Document]) -> Document | Problem:
    name = kind.__name__.lower()
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        text = str(error)
        found = _AT.search(text)
        where = found["where"] if found else ""
        what = _AT.sub("", text)
        return Problem(name, where, what, f"write what a {name} has there, in TALQ's spelling")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Problem(name, "", f"it is no JSON: {error}", "upload one JSON object in UTF-8")


def _with_id(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    if not re.search(ID_PATTERN, name):
        yield Finding(
            "id",
            f"{name!r} is no id",
            "take at most 64 of A-Z a-z 0-9 . _ -, the first a letter or digit",
        )
    yield from findings


def _problem(document: str, finding: Finding) -> Problem:
    severity = Severity.WARNING if finding.warning else Severity.ERROR
    return Problem(document, finding.where, finding.what, finding.remedy, severity)


def _doubles(kind: str, names: Sequence[str]) -> Iterator[Problem]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem(
                f"{kind} {name}", "id", f"{count} {kind}s have this id", "give each its own"
            )


def _severity(problem: Problem) -> bool:
    return problem.severity is Severity.WARNING
