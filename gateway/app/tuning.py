"""What is in force of the receivers' calibrations, as the hub holds it in memory.

Other programs may put another in force (a night's learning, `machimori calibration undo`, a
technician by the API): the database is looked at every few seconds. The alerts on receivers say
what the calibration in force found.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import structlog

from gateway.alerts.happenings import Happening, ReceiversJudged
from gateway.clock import Clock
from gateway.model import AlertKind
from gateway.site import Site
from gateway.store import calibrations
from gateway.store.calibrations import UnreadableError
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.tags.calibration import Calibration
from gateway.tags.health import Fault, Verdict
from gateway.tags.identity import Directory
from gateway.tags.pipeline import Pipeline
from gateway.tags.survey import Survey

LOOK_EVERY_S = 2.0
NOTHING_KNOWN = Calibration(at=0.0)
ALERTS = {
    Fault.DEAD: AlertKind.RECEIVER_DEAD,
    Fault.SILENT: AlertKind.RECEIVER_SILENT,
    Fault.DEAF: AlertKind.RECEIVER_DEAF,
    Fault.MOVED: AlertKind.RECEIVER_MOVED,
    Fault.SWAPPED: AlertKind.RECEIVER_SWAPPED,
}

_log = structlog.get_logger()


class InForce(NamedTuple):
    """A calibration and its id; NOTHING_KNOWN, and None, while none is in force."""

    id: int | None
    calibration: Calibration


def read_in_force(connection: Connection) -> InForce:
    """What is in force. One that cannot be read says nothing."""
    found = calibrations.in_force(connection)
    if found is None:
        return InForce(None, NOTHING_KNOWN)
    try:
        known = calibrations.get(connection, found)
    except UnreadableError as error:
        _log.error("receivers are taken as the site's file says", reason=str(error))
        known = None
    return InForce(found, known or NOTHING_KNOWN)


class Tuning:
    """Builds trackers by the calibration in force; `refresh` comes first."""

    def __init__(
        self, site: Site, database: Database, clock: Clock, *, survey: Survey | None = None
    ) -> None:
        self._site = site
        self._survey = survey
        self._database = database
        self._clock = clock
        self._now = InForce(None, NOTHING_KNOWN)

    async def refresh(self) -> bool:
        """Read what is in force; true where it has changed. Raises StoreError."""
        if await self._database.read(calibrations.in_force) == self._now.id:
            return False
        self._now = await self._database.read(read_in_force)
        return True

    def pipeline(self, directory: Directory) -> Pipeline:
        """A tracker by it, that has heard nothing yet."""
        known = self._now.calibration
        site = known.corrected(self._site)
        return Pipeline(site, directory, radios=known.radios, survey=self._survey)

    @property
    def judged(self) -> ReceiversJudged:
        """What it found wrong with receivers that the site has."""
        known = self._now.calibration
        here = {receiver.id for receiver in self._site.receivers}
        return ReceiversJudged(
            known.at, _faults(one for one in known.verdicts if one.receiver in here)
        )

    async def follow(
        self,
        retune: Callable[[], Awaitable[None]],
        record: Callable[[Happening], Awaitable[None]],
    ) -> None:
        """Until cancelled, `retune` when another comes into force, and `record` what it found."""
        to_retune, to_record = False, True
        while True:
            try:
                changed = await self.refresh()
                to_retune, to_record = to_retune or changed, to_record or changed
                if to_retune:
                    await retune()
                    to_retune = False
                    _log.info("another calibration is in force", calibration=self._now.id)
                if to_record:
                    await record(self.judged)
                    to_record = False
            except StoreError as error:
                _log.error("a calibration waits to be taken up", reason=str(error))
            await asyncio.sleep(LOOK_EVERY_S / self._clock.rate)


def _faults(verdicts: Iterable[Verdict]) -> frozenset[tuple[str, AlertKind]]:
    return frozenset((one.receiver, ALERTS[one.fault]) for one in verdicts)
