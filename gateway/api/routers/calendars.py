"""Calendars: which program holds in which night, and whose calendar it is."""

from fastapi import HTTPException, Response, status

from gateway.api import lamp_settings, light_documents
from gateway.api.answers import Json, told
from gateway.api.callers import Staff
from gateway.api.lamp_givers import giver_of
from gateway.api.lamp_map import ChoiceError
from gateway.api.lamp_settings import NoCalendarError
from gateway.api.lamp_wishes import Addressed
from gateway.api.light_documents import DocumentShape
from gateway.api.parts import PartsOf
from gateway.api.routers.light_documents import UNKNOWN, DocumentId, documents_router
from gateway.store.light_documents import DocumentKind

router = documents_router(DocumentKind.CALENDAR, "/calendars")


@router.put("/calendars/{document}/assigned", responses=told(DocumentShape))
async def assign(document: DocumentId, wish: Addressed, caller: Staff, parts: PartsOf) -> Response:
    """Give lamps this calendar; groups mean the lamps that are in them now."""
    giver, now = giver_of(caller.user), parts.clock.utc()
    try:
        chosen = parts.lights.map.choose(lamps=wish.lamps, groups=wish.groups, everyone=wish.all)
        await parts.database.write(lamp_settings.assign, document, chosen, giver, now=now)
    except ChoiceError as error:
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(error)) from error
    except NoCalendarError as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN) from error
    parts.lights.changed()
    kind = DocumentKind.CALENDAR
    return Json(await parts.database.read(light_documents.one, parts.lights, kind, document))
