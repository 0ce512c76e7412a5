"""What a rule may look at: facts of the hub, each a type of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.model import Alert, AlertKind, ReceiverEvent, Suspicion, ZoneEvent


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """A tag's button was heard at `at`; `tag` is "" where nobody knows the identifier any more.

    `doubt` says why it may be a replay, or "".
    """

    at: float
    tag: str
    receiver: str
    gateway: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class ClockSkew:
    """A gateway's clock runs `skew_s` ahead of the hub's (negative: behind it)."""

    at: float
    gateway: str
    skew_s: float


@dataclass(frozen=True, slots=True)
class TwinSeen:
    """Two programs speak as one gateway."""

    at: float
    gateway: str


@dataclass(frozen=True, slots=True)
class ReceiversJudged:
    """All that is wrong with the site's receivers by what is known at `at`: (receiver, kind)."""

    at: float
    faults: frozenset[tuple[str, AlertKind]]


@dataclass(frozen=True, slots=True)
class CrossingRetracted:
    """What was told of a zone's border had not happened after all."""

    event: ZoneEvent


@dataclass(frozen=True, slots=True)
class TagSuspected:
    """A hearing of a tag is doubted."""

    suspicion: Suspicion


@dataclass(frozen=True, slots=True)
class ReceiverTold:
    """A gateway says that a condition of one of its receivers began, or is over."""

    gateway: str
    event: ReceiverEvent


@dataclass(frozen=True, slots=True)
class StoreDamaged:
    """A part of the hub's database cannot be read."""

    at: float


@dataclass(frozen=True, slots=True)
class SinkLag:
    """What waits longest for the sink waits for `oldest_s`; 0 where nothing waits."""

    at: float
    oldest_s: float


Happening = (
    ZoneEvent
    | CrossingRetracted
    | ButtonPressed
    | ClockSkew
    | TwinSeen
    | ReceiversJudged
    | TagSuspected
    | ReceiverTold
    | SinkLag
    | StoreDamaged
)


@dataclass(frozen=True, slots=True)
class Context:
    """`now` is the hub's time; `open_alerts` are those that may join or end (not yet resolved).

    `new_id` names a new alert. It must be random: ids go to integrators, and one that followed from
    the tag would tell the tag to whoever tries a few hundred.
    """

    now: float
    open_alerts: tuple[Alert, ...]
    new_id: Callable[[], str]
