"""What a hub does while it does not know what time it is.

Presses and other urgent rows are taken, by the gateways' clocks. The rest stays where it is: in the
gateways' outboxes, until the hub can tell when it was.
"""

from collections import Counter

import structlog

from gateway.clock import Clock
from gateway.link.envelope import Status
from gateway.model import Lane
from gateway.store import sightings
from gateway.store.database import Database

_log = structlog.get_logger()


class HubTime:
    """`counts`: rows_before_time, that were not taken."""

    def __init__(self, clock: Clock) -> None:
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._refusing = False

    async def begin(self, database: Database, site_id: str) -> None:
        """A clock well behind the site's last step was not set. Raises StoreError."""
        stepped_to = await database.read(sightings.stepped_to, site_id)
        if stepped_to is not None:
            self._clock.not_before(stepped_to)

    def note(self, gateway: str, status: Status) -> None:
        """What `gateway` says of itself now: a clock that is believed is better than one that was
        not set."""
        if status.synced:
            self._clock.agree(gateway, status.at)

    def takes(self, lane: Lane) -> bool:
        """Whether a row of `lane` is taken now."""
        if self._clock.synced():
            if self._refusing:
                _log.info("the hub knows the time; all rows are taken again")
            self._refusing = False
            return True
        if not self._refusing:
            _log.error(
                "the hub's clock is not set: only presses and other urgent rows are taken, the "
                "gateways keep the rest. Give it a time server (timedatectl set-ntp true)"
            )
        self._refusing = True
        if lane is not Lane.URGENT:
            self.counts["rows_before_time"] += 1
        return lane is Lane.URGENT
