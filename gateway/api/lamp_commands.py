"""Commands to lamps, for the API and the command line: each is stored and audited in one go."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.lamps import Authority, Override
from gateway.model import UnusableError
from gateway.store import lamp_audit, overrides
from gateway.store.database import Connection
from gateway.store.lamp_audit import Act

Scene = Literal["evacuation", "search"]
SCENE_LEVELS: Mapping[Scene, float] = {"evacuation": 100.0, "search": 100.0}
_RANK = {authority: rank for rank, authority in enumerate(Authority)}


class CommandError(UnusableError):
    """What was asked of lamps cannot be done; the message says why, and what to do."""


class HeldError(CommandError):
    """Somebody of higher authority holds the lamps."""


class OverError(CommandError):
    """What was to be ended is over already."""


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives a command: a login, and with which authority."""

    by: str
    authority: Authority


@dataclass(frozen=True, slots=True)
class Order:
    """What lamps are to do from now until `expiration`; level None: go on with the program."""

    lamps: tuple[str, ...]
    level: float | None
    expiration: float
    reason: str = ""
    scene: str = ""
    blink: bool = False
    ramp_to_level_s: float = 0.0


def give(connection: Connection, order: Order, giver: Giver, *, now: float) -> str:
    """Store `order` as an override made now, and who gave it; its id. Raises CommandError."""
    if order.expiration <= now:
        raise CommandError("Its expiration is over already. Give a time to come.")
    if order.level is None and order.blink:
        raise CommandError("Lamps blink at a level. Give one, 100 for example.")
    override = Override(
        id=f"o-{secrets.token_hex(6)}",
        lamps=order.lamps,
        level=order.level,
        authority=giver.authority,
        made_at=now,
        start=now,
        expiration=order.expiration,
        scene=order.scene,
        blink=order.blink,
        ramp_to_level_s=order.ramp_to_level_s,
    )
    overrides.add(connection, override, reason=order.reason, by=giver.by)
    action = "scene" if order.scene else "override"
    note(connection, giver, action, override.id, _told(order, now), now=now)
    return override.id


def take_back(connection: Connection, override_id: str, giver: Giver, *, now: float) -> bool:
    """End an override now; False where there is none. Raises HeldError and OverError.

    A technician's word is a promise to somebody who works at the pole: staff does not break it.
    Scenes of safety are staff's and technicians' to end.
    """
    found = overrides.get(connection, override_id, now=now)
    if found is None:
        return False
    authority = found.override.authority
    if authority is not Authority.SAFETY and _RANK[authority] < _RANK[giver.authority]:
        raise HeldError("A technician at the pole holds these lamps, and ends that, or time does.")
    if not overrides.end(connection, override_id, at=now):
        raise OverError("That is over already.")
    note(connection, giver, "override_end", override_id, "", now=now)
    return True


def note(
    connection: Connection,
    giver: Giver,
    action: str,
    subject: str,
    detail: str,
    *,
    now: float,
) -> None:
    """Write down who did what, in the transaction of the deed."""
    lamp_audit.add(connection, Act(now, giver.by, giver.authority, action, subject, detail))


def _told(order: Order, now: float) -> str:
    level = "back to the program" if order.level is None else f"{order.level:g} %"
    parts = (
        order.scene,
        level,
        "blinking" if order.blink else "",
        f"{(order.expiration - now) / 60:.0f} min",
        f"{len(order.lamps)} lamps: {', '.join(order.lamps[:20])}",
        order.reason,
    )
    return "; ".join(part for part in parts if part)
