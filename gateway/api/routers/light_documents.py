"""What programs and calendars share: staff uploads TALQ's JSON, technicians read."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response, status

from gateway.api import light_documents
from gateway.api.answers import Json, told
from gateway.api.callers import Staff, StaffOrTechnician
from gateway.api.lamp_givers import giver_of
from gateway.api.light_documents import DocumentShape, Refusal, UsedError
from gateway.api.parts import PartsOf
from gateway.model import ID_PATTERN
from gateway.store.light_documents import DocumentKind

UNKNOWN = "There is no such document."

DocumentId = Annotated[str, Path(max_length=64)]
_NewId = Annotated[str, Path(max_length=64, pattern=ID_PATTERN)]

_shared = APIRouter()


def documents_router(kind: DocumentKind, prefix: str) -> APIRouter:
    """The routes of all documents, for one kind, below `prefix`."""
    router = APIRouter(tags=["programs"], dependencies=[Depends(_note_kind(kind))])
    router.include_router(_shared, prefix=prefix)
    return router


def _note_kind(kind: DocumentKind) -> Callable[[Request], Awaitable[None]]:
    async def note(request: Request) -> None:
        request.state.kind = kind

    return note


async def _kind(request: Request) -> DocumentKind:
    kind: DocumentKind = request.state.kind
    return kind


Kind = Annotated[DocumentKind, Depends(_kind)]


@_shared.get("", responses=told(list[DocumentShape]))
async def every_one(_: StaffOrTechnician, parts: PartsOf, kind: Kind) -> Response:
    """Every one as it stands."""
    return Json(await parts.database.read(light_documents.newest, parts.lights, kind))


@_shared.get("/{document}", responses=told(DocumentShape))
async def one(document: DocumentId, _: StaffOrTechnician, parts: PartsOf, kind: Kind) -> Response:
    """One, with what is odd about it."""
    found = await parts.database.read(light_documents.one, parts.lights, kind, document)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)
    return Json(found)


@_shared.get("/{document}/versions", responses=told(list[DocumentShape]))
async def versions(
    document: DocumentId, _: StaffOrTechnician, parts: PartsOf, kind: Kind
) -> Response:
    """Every version that there was, newest first, deletions too."""
    found = await parts.database.read(light_documents.versions, kind, document)
    if not found:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)
    return Json(found)


@_shared.put("/{document}", responses={**told(DocumentShape), 422: {"model": Refusal}})
async def put(
    document: _NewId, request: Request, caller: Staff, parts: PartsOf, kind: Kind
) -> Response:
    """Store TALQ's JSON; the lamps follow within seconds. 422 says each problem."""
    stored = await parts.database.write(
        light_documents.put,
        parts.lights,
        kind,
        document,
        await request.body(),
        giver_of(caller.user),
        now=parts.clock.utc(),
    )
    if isinstance(stored, Refusal):
        return Json(stored, status.HTTP_422_UNPROCESSABLE_CONTENT)
    parts.lights.changed()
    return Json(stored)


@_shared.delete("/{document}", status_code=204)
async def delete(document: DocumentId, caller: Staff, parts: PartsOf, kind: Kind) -> Response:
    """Delete it; its versions stay. 409 where a calendar, or a lamp, uses it."""
    giver, now = giver_of(caller.user), parts.clock.utc()
    try:
        deleted = await parts.database.write(
            light_documents.delete, parts.lights, kind, document, giver, now=now
        )
    except UsedError as error:
        raise HTTPException(status.HTTP_409_CONFLICT, str(error)) from error
    if not deleted:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)
    parts.lights.changed()
    return Response(status_code=status.HTTP_204_NO_CONTENT)
