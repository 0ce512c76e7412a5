"""What each lamp took from the mains, by nights: what was metered and what was estimated apart."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.lights.energy import NightEnergy
from gateway.store.lamp_schema import lamp_energy

_SUMS = ("metered_kwh", "estimated_kwh", "baseline_kwh", "on_hours")


def add(connection: Connection, shares: Iterable[NightEnergy]) -> None:
    """Add to what those nights have by now: in the transaction of the meters."""
    rows = [asdict(one) | {"night": one.night.isoformat()} for one in shares]
    if rows:
        added = upsert(lamp_energy)
        sums = {name: lamp_energy.c[name] + added.excluded[name] for name in _SUMS}
        connection.execute(
            added.on_conflict_do_update(index_elements=["night", "lamp"], set_=sums), rows
        )


def between(connection: Connection, *, since: date, until: date) -> list[NightEnergy]:
    """Every lamp's nights of since … until, both with them, by night, then lamp."""
    kept = (
        select(lamp_energy.c.lamp, lamp_energy.c.night, *(lamp_energy.c[name] for name in _SUMS))
        .where(lamp_energy.c.night.between(since.isoformat(), until.isoformat()))
        .order_by(lamp_energy.c.night, lamp_energy.c.lamp)
    )
    return [
        NightEnergy(lamp, date.fromisoformat(night), *sums)
        for lamp, night, *sums in connection.execute(kept)
    ]


def remove(connection: Connection, lamp: str, *, since: date) -> None:
    """Forget a lamp's nights from `since` on: they are told anew."""
    connection.execute(
        delete(lamp_energy).where(
            lamp_energy.c.lamp == lamp, lamp_energy.c.night >= since.isoformat()
        )
    )
