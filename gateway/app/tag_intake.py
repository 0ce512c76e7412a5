"""What the edges say beyond readings: sealed frames, tags' states, receivers' conditions.

`window` and `take` fill a `TagNews` in the transaction of the link's marks, `settle` is for after
the commit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.alerts.happenings import ReceiverTold
from gateway.app.identities import ROTATING, Identities
from gateway.app.plausible import (
    LONGEST_IDENTIFIER,
    believed,
    is_address,
    is_name,
    is_value,
)
from gateway.app.registry import Registry
from gateway.app.sos import SealedHeard, Sos
from gateway.app.tag_news import TagNews
from gateway.model import Doubt, ReceiverEvent, Rejected, Sealed, Suspicion, TagState, Window
from gateway.store.database import Connection
from gateway.store.tag_states import StoredState
from gateway.tags.frames import bthome, eddystone
from gateway.tags.frames.bthome import SealedBthome
from gateway.tags.frames.eddystone import EncryptedTlm

LONGEST_PAYLOAD = 255  # bytes, of an extended advert
MOST_VALUES = 32


class TagIntake:
    """Judges items; `identities` and `sos` do the work.

    `gateway_of` has the site's receivers; a gateway speaks for its own, and for those that are
    nobody's (""). `suspect` is told suspicions, after the commit.

    Counts of `TagNews`, besides theirs: sealed, sealed_malformed, tag_states, tag_states_strange
    (of nobody here, or a recording), tag_values_implausible, tag_states_locked (no key opened what
    is in it, or it came unsealed of one that has a key), receiver_events, receiver_events_strange
    (of a receiver that is not on the site, or another gateway's).
    """

    def __init__(
        self,
        registry: Registry,
        identities: Identities,
        sos: Sos,
        *,
        gateway_of: Mapping[str, str],
        suspect: Callable[[Sequence[Suspicion]], None],
    ) -> None:
        self._registry = registry
        self._gateway_of = gateway_of
        self._suspect = suspect
        self._identities = identities
        self._sos = sos

    def window(self, gateway: str, window: Window, second: int, news: TagNews) -> Window:
        """`window` as it is to be kept, of `second` by the hub's clock."""
        own = self._identities.read(window, second, news)
        self._sos.note_heard(gateway, own, second)
        return own

    def take(
        self,
        connection: Connection,
        gateway: str,
        item: Sealed | TagState | ReceiverEvent,
        *,
        skew_s: float,
        now: float,
        news: TagNews,
    ) -> None:
        """Judge one item that `gateway` sent, whose clock is `skew_s` ahead of ours."""
        at = believed(item.at - skew_s, now)
        match item:
            case Sealed():
                self._take_sealed(connection, gateway, replace(item, at=at), news)
            case TagState():
                self._take_state(replace(item, at=min(at, now)), news)
            case ReceiverEvent():
                if self._gateway_of.get(item.receiver) not in {gateway, ""}:
                    news.counts["receiver_events_strange"] += 1
                    return
                news.counts["receiver_events"] += 1
                news.happenings.append(ReceiverTold(gateway, replace(item, at=at)))

    def settle(self, news: TagNews) -> None:
        """What `news` holds is committed."""
        self._registry.bind(news.bound)
        self._suspect(news.told)
        if news.waiting:
            self._sos.wake()

    def is_downgrade(self, identifier: str, tag: str) -> bool:
        """Whether a device that seals what it says has said this unsealed: anybody can do that."""
        return identifier.startswith("bthome:") and tag in self._registry.bind_of

    def _take_sealed(
        self, connection: Connection, gateway: str, item: Sealed, news: TagNews
    ) -> None:
        payload = _bytes(item.payload)
        frame = bthome.decode(payload, item.address)
        named = is_name(item.receiver) and is_address(item.address)
        if not (named and isinstance(frame, SealedBthome)):
            news.counts["sealed_malformed"] += 1
            return
        news.counts["sealed"] += 1
        near = item.near if len(item.near) <= LONGEST_IDENTIFIER else ""
        heard = SealedHeard(gateway, item.receiver, item.at, item.address, payload, near)
        self._sos.take(connection, heard, news)

    def _take_state(self, item: TagState, news: TagNews) -> None:
        tag = self._owner(item, news)
        if not tag or not is_name(item.receiver):
            news.counts["tag_states_strange"] += 1
            return
        if self.is_downgrade(item.identifier, tag):
            news.counts["tag_states_locked"] += 1
            news.doubt(item.at, tag, Doubt.COUNTER, item.receiver)
            return
        news.counts["tag_states"] += 1
        values = dict(item.values)
        if item.sealed:
            told = self._unsealed(tag, item)
            news.counts["tag_states_locked"] += not told
            values.update(told)
        news.states += self._states(tag, item, values, news)

    def _states(
        self, tag: str, item: TagState, values: Mapping[str, float], news: TagNews
    ) -> Iterator[StoredState]:
        for number, (name, value) in enumerate(values.items()):
            if number < MOST_VALUES and is_value(name, value):
                yield StoredState(tag, name, value, item.at, item.receiver)
            else:
                news.counts["tag_values_implausible"] += 1

    def _owner(self, item: TagState, news: TagNews) -> str:
        """The tag that says it; "" where nobody's, or where it is a recording."""
        if len(item.identifier) > LONGEST_IDENTIFIER:
            return ""
        if item.identifier.startswith(ROTATING):
            heard = self._identities.hear_lately(item.identifier, int(item.at), news)
            return heard.tag if heard is not None and heard.use else ""
        known = self._registry.directory.find(item.identifier)
        return "" if known is None else known.tag

    def _unsealed(self, tag: str, item: TagState) -> Mapping[str, float]:
        """What an encrypted TLM frame says; {} where the tag's key does not open it."""
        frame = eddystone.decode(_bytes(item.sealed))
        keys = self._registry.identities.get(tag)
        if not isinstance(frame, EncryptedTlm) or keys is None:
            return {}
        for beacon_time in self._registry.rotation.beacon_times(tag, item.at):
            told = eddystone.open_etlm(
                frame,
                identity_key=keys.identity_key,
                exponent=keys.rotation_exponent,
                beacon_time=beacon_time,
            )
            if not isinstance(told, Rejected):
                return told.values
        return {}


def _bytes(digits: str) -> bytes:
    """What hex digits say; b"" where they are none, or too many."""
    if len(digits) > 2 * LONGEST_PAYLOAD:
        return b""
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""
