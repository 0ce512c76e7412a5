"""Programs and calendars: every version is kept, the newest holds; a deletion is a version."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select

from gateway.store.lamp_schema import light_documents


class DocumentKind(StrEnum):
    """What a document is."""

    PROGRAM = "program"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of a document: `body` is its JSON as it was uploaded, empty where it was deleted.

    `by` is a login, or what else put it there.
    """

    kind: DocumentKind
    id: str
    version: int
    body: bytes
    at: float
    by: str


def put(
    connection: Connection, kind: DocumentKind, document_id: str, body: bytes, *, at: float, by: str
) -> int:
    """Keep a document; gives its version. One that says what the newest says is that version."""
    last = _last(connection, kind, document_id)
    if last is not None and last.body == body:
        return last.version
    version = 1 if last is None else last.version + 1
    connection.execute(
        insert(light_documents).values(
            kind=kind, document=document_id, version=version, body=body, at=at, by=by
        )
    )
    return version


def begin_with(
    connection: Connection, kind: DocumentKind, bodies: Mapping[str, bytes], *, at: float
) -> None:
    """Keep what a new hub has, by id; nothing where a document of the kind ever was."""
    if connection.scalar(select(light_documents.c.id).where(light_documents.c.kind == kind)):
        return
    for document_id, body in bodies.items():
        put(connection, kind, document_id, body, at=at, by="")


def delete(
    connection: Connection, kind: DocumentKind, document_id: str, *, at: float, by: str
) -> bool:
    """Say that a document is no more; False where there is none. Its versions stay."""
    if get(connection, kind, document_id) is None:
        return False
    put(connection, kind, document_id, b"", at=at, by=by)
    return True


def get(
    connection: Connection, kind: DocumentKind, document_id: str, *, version: int | None = None
) -> Stored | None:
    """A version of a document, or the newest; None where that is a deletion, or never was."""
    if version is None:
        found = _last(connection, kind, document_id)
    else:
        own = _of(kind, document_id)
        found = next(iter(_stored(connection, *own, light_documents.c.version == version)), None)
    return None if found is None or not found.body else found


def newest(connection: Connection, kind: DocumentKind) -> list[Stored]:
    """The documents that there are, each as it stands, by id."""
    last = (
        select(func.max(light_documents.c.id))
        .where(light_documents.c.kind == kind)
        .group_by(light_documents.c.document)
    )
    kept = _stored(connection, light_documents.c.id.in_(last), light_documents.c.body != b"")
    return sorted(kept, key=lambda one: one.id)


def versions(connection: Connection, kind: DocumentKind, document_id: str) -> list[Stored]:
    """Every version of a document, deletions too, newest first."""
    return _stored(connection, *_of(kind, document_id))


def changes(connection: Connection) -> int:
    """A number that grows with each version of any document."""
    return connection.scalar(select(func.max(light_documents.c.id))) or 0


def _last(connection: Connection, kind: DocumentKind, document_id: str) -> Stored | None:
    return next(iter(_stored(connection, *_of(kind, document_id), limit=1)), None)


def _of(kind: DocumentKind, document_id: str) -> tuple[ColumnElement[bool], ...]:
    return light_documents.c.kind == kind, light_documents.c.document == document_id


def _stored(
    connection: Connection, *where: ColumnElement[bool], limit: int | None = None
) -> list[Stored]:
    kept = select(*_COLUMNS).where(*where).order_by(light_documents.c.id.desc()).limit(limit)
    return [_document(row) for row in connection.execute(kept)]


_COLUMNS = (
    light_documents.c.kind,
    light_documents.c.document,
    light_documents.c.version,
    light_documents.c.body,
    light_documents.c.at,
    light_documents.c.by,
)


def _document(row: Row[*tuple[Any, ...]]) -> Stored:
    kind, document, version, body, at, by = row
    return Stored(DocumentKind(kind), document, version, body, at, by)
