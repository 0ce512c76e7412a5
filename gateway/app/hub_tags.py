"""The hub's parts for tags: whose an identifier is, what is sealed, what tags say of themselves."""

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from gateway.app.identities import Identities
from gateway.app.registry import Registry
from gateway.app.sos import Joined, Sos
from gateway.app.tag_intake import TagIntake
from gateway.clock import Clock
from gateway.model import Alert, Suspicion
from gateway.sealing import KeyFileError, SealingKey, read_sealing_key
from gateway.settings import HubSettings
from gateway.site import Site
from gateway.store.database import Database
from gateway.store.outgoing import Queue

_log = structlog.get_logger()


def hub_key(settings: HubSettings) -> SealingKey | None:
    """The hub's key, or None: then tags without keys are followed, and the others are not."""
    if settings.key_file is None:
        return None
    try:
        return read_sealing_key(settings.key_file)
    except KeyFileError as error:
        _log.error("the hub goes on without the tags that have keys", reason=str(error))
        return None


class HubTags:
    """`intake` is for `Intake`; `joined` and `announce` as there, `suspect` is told suspicions."""

    def __init__(
        self,
        settings: HubSettings,
        site: Site,
        *,
        database: Database,
        clock: Clock,
        registry: Registry,
        out: Queue,
        joined: Joined,
        announce: Callable[[Sequence[Alert]], None],
        suspect: Callable[[Sequence[Suspicion]], None],
    ) -> None:
        self.identities = Identities(
            database,
            clock,
            registry,
            keep_hours=settings.retention.sightings_hours,
            out=out,
            announce=announce,
            suspect=suspect,
        )
        self.sos = Sos(
            database,
            clock,
            registry,
            self.identities,
            out=out,
            joined=joined,
            announce=announce,
            suspect=suspect,
        )
        self.intake = TagIntake(
            registry,
            self.identities,
            self.sos,
            gateway_of={receiver.id: receiver.gateway for receiver in site.receivers},
            suspect=suspect,
        )

    @property
    def counts(self) -> Counter[str]:
        """Of frames that had waited."""
        return self.sos.counts

    def works(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """What is to run beside the intake."""
        return {"sealed frames": self.sos.run, "identities": self.identities.run}
