"""What a fault is: struck, held, healed; and what the judge must know of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from tests.system.chaos.town import Town


@dataclass(frozen=True, slots=True)
class Effects:
    """What a fault may do without being a defect of the product.

    `loses` are gateways whose outbox loses committed rows on purpose (torn or removed): these must
    lie in a gap. `twins` are gateways of whom two processes capture for a while. `quarantines`: the
    sink's quarantine may hold lines of now. `explains` are texts that may stand in a traceback.
    """

    loses: frozenset[str] = field(default_factory=frozenset)
    twins: frozenset[str] = field(default_factory=frozenset)
    quarantines: bool = False
    explains: tuple[str, ...] = ()


class Fault(Protocol):
    """One fault. `touches` are what no other fault that stands at the same time may touch."""

    @property
    def kind(self) -> str:
        """The row of the table that it is counted in."""
        ...

    @property
    def name(self) -> str:
        """This one, in a few words."""
        ...

    @property
    def touches(self) -> frozenset[str]:
        """As `process:hub`, `net:gw-01`, `disk:hub`, `clock:sink`."""
        ...

    @property
    def hold_s(self) -> float:
        """How long it stands between `strike` and `heal`."""
        ...

    @property
    def effects(self) -> Effects:
        """What it may do."""
        ...

    async def strike(self, town: "Town", random: Random) -> None:
        """Do it."""
        ...

    async def heal(self, town: "Town") -> None:
        """Undo it: what it touched is started and joined again; not waited for."""
        ...


class Kind(NamedTuple):
    """A family of faults. `needs` says why it cannot be struck here; "" where it can."""

    name: str
    weight: int
    draw: Callable[[Random], Fault]
    needs: Callable[["Town"], str]
