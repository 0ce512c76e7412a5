"""Programs and calendars: uploading, and what keeps one from being stored or deleted."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

from gateway.api.lamp_commands import CommandError, Giver, note
from gateway.api.lights import Lights
from gateway.lights.documents import Calendar, Program
from gateway.lights.validation import Problem, Severity, check, parse_calendar, parse_program
from gateway.store import light_documents
from gateway.store.database import Connection
from gateway.store.light_documents import DocumentKind, Stored
from gateway.store.light_orders import followed

Document = TypeVar("Document", Program, Calendar)


class UsedError(CommandError):
    """A document that others need cannot be deleted."""


@dataclass(frozen=True, slots=True)
class ProblemShape:
    """One thing wrong with a document: where in it, what, and what to do."""

    document: str
    where: str
    what: str
    remedy: str
    severity: Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a document was not stored: every problem that it has."""

    detail: str
    problems: tuple[ProblemShape, ...]


@dataclass(frozen=True, slots=True)
class DocumentShape:
    """A program or calendar by TALQ's names (`document`, null in a version that deleted it).

    `by` is who stored this version `at` then. `used_by` are calendars of a program, or lamps of a
    calendar. `warnings` are what is odd and may be meant.
    """

    id: str
    version: int
    at: float
    by: str
    document: Mapping[str, Any] | None
    used_by: tuple[str, ...] = ()
    warnings: tuple[ProblemShape, ...] = ()


def newest(connection: Connection, lights: Lights, kind: DocumentKind) -> list[DocumentShape]:
    """Every document of a kind, as it stands."""
    used_by = _uses(connection, lights, kind)
    return [
        _shape(stored, used_by=used_by.get(stored.id, ()))
        for stored in light_documents.newest(connection, kind)
    ]


def one(
    connection: Connection, lights: Lights, kind: DocumentKind, document_id: str
) -> DocumentShape | None:
    """The document of that id, as it stands."""
    stored = light_documents.get(connection, kind, document_id)
    if stored is None:
        return None
    problems = _problems(*_all(connection), lights)
    return _shape(
        stored,
        used_by=_uses(connection, lights, kind).get(document_id, ()),
        warnings=[found for found in problems if _is_about(found, kind, document_id)],
    )


def versions(connection: Connection, kind: DocumentKind, document_id: str) -> list[DocumentShape]:
    """Every version of a document, newest first; empty where there never was one."""
    return [_shape(stored) for stored in light_documents.versions(connection, kind, document_id)]


def put(
    connection: Connection,
    lights: Lights,
    kind: DocumentKind,
    document_id: str,
    body: bytes,
    giver: Giver,
    *,
    now: float,
) -> DocumentShape | Refusal:
    """Store a document, or say everything that is wrong with it.

    It is refused for its own errors and for those that it makes elsewhere, not for those that were
    there before.
    """
    parsed = parse_program(body) if kind is DocumentKind.PROGRAM else parse_calendar(body)
    if isinstance(parsed, Problem):
        return _refusal([parsed])
    if parsed.id != document_id:
        what = f"the document calls itself {parsed.id!r}, and was sent to {document_id!r}"
        remedy = "give both the same id"
        return _refusal([Problem(document_id, "id", what, remedy, Severity.ERROR)])
    found = _judged(connection, lights, parsed, kind)
    if any(problem.severity is Severity.ERROR for problem in found):
        return _refusal(found)
    known = light_documents.get(connection, kind, document_id)
    version = light_documents.put(connection, kind, document_id, body, at=now, by=giver.by)
    if known is None or known.version != version:
        note(connection, giver, kind, document_id, f"version {version}", now=now)
        known = Stored(kind, document_id, version, body, now, giver.by)
    return _shape(
        known, used_by=_uses(connection, lights, kind).get(document_id, ()), warnings=found
    )


def delete(
    connection: Connection,
    lights: Lights,
    kind: DocumentKind,
    document_id: str,
    giver: Giver,
    *,
    now: float,
) -> bool:
    """Delete a document; its versions stay. False where there is none. Raises UsedError."""
    users = _uses(connection, lights, kind).get(document_id, ())
    if light_documents.get(connection, kind, document_id) is not None and users:
        others = "calendars" if kind is DocumentKind.PROGRAM else "lamps"
        few = ", ".join(users[:5]) + (", …" if users[5:] else "")
        raise UsedError(f"{len(users)} {others} use it ({few}). Give them another one first.")
    if not light_documents.delete(connection, kind, document_id, at=now, by=giver.by):
        return False
    note(connection, giver, f"{kind}_delete", document_id, "", now=now)
    return True


def _uses(
    connection: Connection, lights: Lights, kind: DocumentKind
) -> Mapping[str, tuple[str, ...]]:
    """Who uses which document of a kind."""
    if kind is DocumentKind.PROGRAM:
        _, calendars = _all(connection)
        pairs = [
            (program, calendar.id)
            for calendar in calendars
            for program in {calendar.default_program, *(rule.program for rule in calendar.rules)}
        ]
    else:
        calendar_of = followed(connection, lights.map.lamps.values())
        pairs = [(calendar, lamp) for lamp, calendar in calendar_of.items()]
    used_by: dict[str, list[str]] = defaultdict(list)
    for document, user in pairs:
        used_by[document].append(user)
    return {document: tuple(users) for document, users in used_by.items()}


def _all(connection: Connection) -> tuple[list[Program], list[Calendar]]:
    programs = light_documents.newest(connection, DocumentKind.PROGRAM)
    calendars = light_documents.newest(connection, DocumentKind.CALENDAR)
    return (
        [msgspec.json.decode(stored.body, type=Program) for stored in programs],
        [msgspec.json.decode(stored.body, type=Calendar) for stored in calendars],
    )


def _judged(
    connection: Connection, lights: Lights, new: Program | Calendar, kind: DocumentKind
) -> list[Problem]:
    """What is wrong with `new` among the others, or with the others because of it."""
    programs, calendars = _all(connection)
    before = _problems(programs, calendars, lights)
    after = _problems(
        _with(programs, new) if isinstance(new, Program) else programs,
        _with(calendars, new) if isinstance(new, Calendar) else calendars,
        lights,
    )
    return [one for one in after if _is_about(one, kind, new.id) or one not in before]


def _with(documents: Sequence[Document], new: Document) -> list[Document]:
    """`documents` with `new` in the place of the one of its id."""
    kept: list[Document] = [one for one in documents if one.id != new.id]
    kept.append(new)
    return kept


def _problems(
    programs: Sequence[Program], calendars: Sequence[Calendar], lights: Lights
) -> Collection[Problem]:
    sensors = {*lights.map.lamps, *lights.map.groups}
    return check(programs, calendars, sky=lights.sky, sensors=sensors)


def _is_about(problem: Problem, kind: DocumentKind, document_id: str) -> bool:
    return problem.document == f"{kind} {document_id}"


def _refusal(problems: Sequence[Problem]) -> Refusal:
    shapes = _told(problems)
    errors = [one for one in shapes if one.severity == "error"]
    said = (
        ": ".join(part for part in (one.document, one.where, one.what, one.remedy) if part)
        for one in errors
    )
    return Refusal("; ".join(said), shapes)


def _told(problems: Sequence[Problem]) -> tuple[ProblemShape, ...]:
    return msgspec.convert(tuple(problems), tuple[ProblemShape, ...], from_attributes=True)


def _shape(
    stored: Stored, *, used_by: tuple[str, ...] = (), warnings: Sequence[Problem] = ()
) -> DocumentShape:
    return DocumentShape(
        id=stored.id,
        version=stored.version,
        at=stored.at,
        by=stored.by,
        document=msgspec.json.decode(stored.body) if stored.body else None,
        used_by=used_by,
        warnings=_told(warnings),
    )
