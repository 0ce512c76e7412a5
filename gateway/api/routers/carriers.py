"""Where own carriers are and were. Every look is in the access log before it is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Response, status

from gateway.api.answers import GeoJson, Json, told
from gateway.api.callers import Guardian
from gateway.api.parts import Parts, PartsOf
from gateway.api.shapes import (
    LookShape,
    OwnCarrier,
    PositionFeature,
    SaidState,
    position_feature,
)
from gateway.model import Doubt, Position
from gateway.store import access, people, positions, suspicions, tag_states
from gateway.store.access import Look
from gateway.store.database import Connection
from gateway.store.people import Tag, Ward
from gateway.store.sessions import Session
from gateway.store.suspicions import EVERY_S as DOUBTED_S
from gateway.store.tag_states import StoredState

router = APIRouter(prefix="/carriers", tags=["carriers"])

AS_GUARDIAN = "guardian of the carrier"
UNKNOWN = "There is no such carrier, or no position of it."

CarrierId = Annotated[str, Path(max_length=64)]


@dataclass(frozen=True, slots=True)
class _Known:
    """A ward, the tag that was last seen of it, and where."""

    ward: Ward
    tag: Tag | None = None
    position: Position | None = None
    heard_at: float | None = None
    doubts: tuple[Doubt, ...] = ()
    states: Mapping[str, StoredState] = field(default_factory=dict)

    @property
    def feature(self) -> PositionFeature | None:
        """The position as it is told."""
        if self.position is None:
            return None
        return position_feature(self.position, heard_at=self.heard_at, doubts=self.doubts)


@router.get("", responses=told(list[OwnCarrier]))
async def own_carriers(guardian: Guardian, parts: PartsOf) -> Response:
    """Own carriers, and where each was last."""
    found = await parts.database.read(_all_known, guardian.user.id, parts.clock.utc())
    seen = [known.ward.carrier.id for known in found if known.position is not None]
    await log_looks(parts, guardian, seen, "list")
    return Json([_own_carrier(known) for known in found])


@router.get("/{carrier}/position", responses=told(PositionFeature))
async def position(carrier: CarrierId, guardian: Guardian, parts: PartsOf) -> Response:
    """Where a carrier was last, as a GeoJSON Feature."""
    known = await parts.database.read(_one_known, guardian.user.id, carrier, parts.clock.utc())
    if known is None or known.position is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)
    await log_looks(parts, guardian, [carrier], "position")
    return GeoJson(known.feature)


@router.get("/{carrier}/looks", responses=told(list[LookShape]))
async def looks(
    carrier: CarrierId,
    guardian: Guardian,
    parts: PartsOf,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Who looked at this carrier's position when and why, newest first."""
    if await parts.database.read(people.ward, guardian.user.id, carrier) is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, UNKNOWN)
    found = await parts.database.read(access.looks, carrier, limit=limit)
    return Json([LookShape(look.at, look.who, look.what, look.why) for look in found])


async def log_looks(parts: Parts, caller: Session, carriers: Sequence[str], what: str) -> None:
    """Write down that `caller` is about to see `carriers`. Raises StoreError: then nobody sees."""
    if carriers:
        at, who = parts.clock.utc(), caller.user.login
        seen = [Look(at, who, carrier, what, AS_GUARDIAN) for carrier in carriers]
        await parts.database.write(access.add, seen)


def _own_carrier(known: _Known) -> OwnCarrier:
    carrier, tag = known.ward.carrier, known.tag
    return OwnCarrier(
        id=carrier.id,
        name=carrier.name,
        kind=carrier.kind,
        tag=None if tag is None else tag.id,
        trust=None if tag is None else tag.trust,
        position=known.feature,
        states={name: SaidState(one.value, one.at) for name, one in known.states.items()},
    )


# --- in a reader's thread -------------------------------------------------------------------------


def _all_known(connection: Connection, user_id: int, now: float) -> list[_Known]:
    return [_known(connection, ward, now) for ward in people.wards(connection, user_id)]


def _one_known(connection: Connection, user_id: int, carrier: str, now: float) -> _Known | None:
    ward = people.ward(connection, user_id, carrier)
    return None if ward is None else _known(connection, ward, now)


def _known(connection: Connection, ward: Ward, now: float) -> _Known:
    newest: Position | None = None
    newest_tag = next(iter(ward.tags), None)
    for tag in ward.tags:
        found = positions.latest(connection, tag.id, now=now)
        if found is not None and (newest is None or found.at > newest.at):
            newest, newest_tag = found, tag
    states = {} if newest_tag is None else tag_states.of(connection, newest_tag.id)
    if newest is None:
        return _Known(ward, newest_tag, states=states)
    at = newest.at
    doubted = suspicions.between(connection, newest.tag, since=at - DOUBTED_S, until=at + DOUBTED_S)
    heard_at = None if newest.n_heard else positions.heard_at(connection, newest.tag, now=now)
    doubts = tuple(sorted({one.doubt for one in doubted}))
    return _Known(ward, newest_tag, newest, heard_at, doubts, states)
