"""What only a broker does: it dies behind its own word, and forgets what it was to keep."""

import asyncio
import contextlib
import signal
from dataclasses import dataclass
from random import Random

from tests.system.chaos.fault import Kind
from tests.system.chaos.faults.described import Described, anywhere, process
from tests.system.chaos.faults.kills import DOWN_S, Kill
from tests.system.chaos.frames import PUBACK, kind_of
from tests.system.chaos.ground import ROLES
from tests.system.chaos.proxy import Way
from tests.system.chaos.town import Town

ACKNOWLEDGED_WITHIN_S = 8.0
BROKER = "mosquitto"
PERSISTENCE = "mosquitto.db"
_AFTER_PUBACK = "broker killed after its PUBACK"
_FORGETS = "broker loses its persistence file"


@dataclass(slots=True, kw_only=True)
class KillAfterPuback(Described):
    """SIGKILL in the moment in which its PUBACK to `sender` passes."""

    sender: str

    async def strike(self, town: Town, random: Random) -> None:
        """Wait for a PUBACK; where none comes, it is killed as it is."""
        broker, proxy = town.process(BROKER), town.proxy(self.sender, BROKER)
        passed = asyncio.Event()

        def look(way: Way, packet: bytes) -> None:
            if way is Way.DOWN and kind_of(packet) == PUBACK:
                broker.signal(signal.SIGKILL)
                passed.set()

        proxy.watcher = look
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                await passed.wait()
        proxy.watcher = None
        await broker.kill()

    async def heal(self, town: Town) -> None:
        """Start it."""
        await town.process(BROKER).start()


@dataclass(slots=True, kw_only=True)
class Forget(Kill):
    """SIGKILL, and what it had written of messages and sessions is gone."""

    async def heal(self, town: Town) -> None:
        """Start it empty."""
        (town.state(BROKER) / PERSISTENCE).unlink(missing_ok=True)
        await town.process(BROKER).start()


def _after_puback(random: Random) -> KillAfterPuback:
    sender = random.choice(ROLES)
    return KillAfterPuback(
        kind=_AFTER_PUBACK,
        name=f"broker killed after a PUBACK to {sender}",
        touches=process(BROKER) | {f"net:{sender}"},
        hold_s=random.uniform(*DOWN_S),
        sender=sender,
    )


def _forgets(random: Random) -> Forget:
    return Forget(
        kind=_FORGETS,
        name=_FORGETS,
        touches=process(BROKER),
        hold_s=random.uniform(*DOWN_S),
        victims=(BROKER,),
    )


KINDS = (Kind(_AFTER_PUBACK, 3, _after_puback, anywhere), Kind(_FORGETS, 2, _forgets, anywhere))
