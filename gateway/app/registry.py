"""Who sends what, as the hub holds it in memory; read anew when the database's registry changes."""

import asyncio
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

import structlog

from gateway.app.tag_keys import TagKeys, open_keys
from gateway.model import TagIdentifier
from gateway.sealing import SealingKey, UnsealError
from gateway.store import heard_eids, people, tag_keys
from gateway.store.database import Connection, Database
from gateway.store.heard_eids import Bound
from gateway.store.tag_keys import SealedKeys
from gateway.tags.identity import Directory
from gateway.tags.rotation import ClockState, RotatingKey, Rotation

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BindKeys:
    """The keys of the site's sealed frames: `tags` and `keys` in one order, and by tag."""

    tags: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        """Without the keys."""
        return f"BindKeys(tags={self.tags!r})"


class Registry:
    """The tags of the site; `directory` is replaced whole where the registered ones change.

    `key` is the hub's, under which the keys of tags are kept; without it (or where it is another)
    tags with keys are not known: `locked` is how many. `rotation` names rotating identifiers;
    those that were heard are in `directory`, too. `buttons` are the identifiers whose hearing is
    urgent, `allow` says which frames the edges are to look at: see `EdgeOrders`.
    """

    def __init__(self, database: Database, key: SealingKey | None = None) -> None:
        self._database = database
        self._key = key
        self._known: tuple[TagIdentifier, ...] | None = None
        self._stamp: tuple[int, ...] = ()
        self._bound: dict[str, Bound] = {}
        self._has_identities = self._has_binds = False
        self.directory = Directory(())
        self.rotation = Rotation()
        self.identities: Mapping[str, TagKeys] = {}
        self.binds = BindKeys()
        self.bind_of: Mapping[str, bytes] = {}
        self.locked = 0
        self.buttons: tuple[str, ...] = ()
        self.allow: tuple[str, ...] = ()

    async def refresh(self) -> bool:
        """Read the registry; true where it has changed (a tag added by another program, say)."""
        known, stamp = await self._database.read(_state)
        if known == self._known and stamp == self._stamp:
            return False
        if stamp != self._stamp:
            await self._take_keys(stamp)
        if self._known is None:
            self._bound = await self._database.read(heard_eids.known)
        self._known = known
        bound, owners = dict(self._bound), self.identities
        self.buttons = tuple(one.identifier for one in known if one.button)
        self.allow = await asyncio.to_thread(self._allowed, known)
        directory = await asyncio.to_thread(_directory, known, bound, owners)
        # What was bound meanwhile, on this loop, is only in the one that is replaced.
        missed = {one: self._bound[one] for one in self._bound.keys() - bound.keys()}
        directory.add(one for one in _told(missed) if one.tag in self.identities)
        self.directory = directory
        return True

    def bind(self, bound: Mapping[str, Bound]) -> None:
        """These identifiers are whose they are, as is committed."""
        if bound:
            self._bound.update(bound)
            self.directory.add(one for one in _told(bound) if one.tag in self.identities)

    def bound(self, identifier: str) -> Bound | None:
        """Whose a rotating identifier was when it was first heard, and until when."""
        return self._bound.get(identifier)

    def forget_before(self, at: float) -> None:
        """No window holds any more what nobody sends since `at`."""
        old = [identifier for identifier, bound in self._bound.items() if bound.until < at]
        self.directory.forget(old)
        for identifier in old:
            del self._bound[identifier]

    def _allowed(self, known: Iterable[TagIdentifier]) -> tuple[str, ...]:
        """What `allow` is to be."""
        beginnings = {_beginning(one.identifier) for one in known}
        if self._has_identities:
            beginnings.add("eid")
        if self._has_binds:
            beginnings.add("bthome")
        return tuple(sorted(beginnings))

    async def _take_keys(self, stamp: tuple[int, ...]) -> None:
        kept, clocks = await self._database.read(_keys)
        opened, refused = await asyncio.to_thread(self._opened, kept)
        self._has_identities = any(one.identity_key for one in kept)
        self._has_binds = any(one.bind_key for one in kept)
        self.identities = {tag: keys for tag, keys in opened.items() if keys.identity_key}
        self.bind_of = {tag: keys.bind_key for tag, keys in opened.items() if keys.bind_key}
        self.binds = BindKeys(tuple(self.bind_of), tuple(self.bind_of.values()))
        rotating = [
            RotatingKey(tag, keys.identity_key, keys.rotation_exponent, keys.zero_at)
            for tag, keys in self.identities.items()
        ]
        await asyncio.to_thread(self.rotation.replace, rotating, clocks)
        self.locked = len(kept) - len(opened)
        self._stamp = stamp
        if refused:
            _log.error(
                "the keys of tags cannot be read, so these tags are not heard. "
                "Mend hub.key_file, and start the hub again",
                tags=self.locked,
                reason=refused,
            )

    def _opened(self, kept: Iterable[SealedKeys]) -> tuple[dict[str, TagKeys], str]:
        """The keys that can be opened, and why one cannot."""
        opened: dict[str, TagKeys] = {}
        refused = ""
        for one in kept:
            if self._key is None:
                refused = "the hub has no key"
                continue
            try:
                opened[one.tag] = open_keys(self._key, one)
            except UnsealError as error:
                refused = str(error)
        return opened, refused


def _state(connection: Connection) -> tuple[tuple[TagIdentifier, ...], tuple[int, ...]]:
    return people.identifiers(connection), tag_keys.stamp(connection)


def _keys(connection: Connection) -> tuple[tuple[SealedKeys, ...], tuple[ClockState, ...]]:
    clocks = tuple(ClockState(*clock) for clock in tag_keys.clocks(connection))
    return tag_keys.in_use(connection), clocks


def _directory(
    known: Iterable[TagIdentifier], bound: Mapping[str, Bound], owners: Container[str]
) -> Directory:
    """Rotating identifiers of tags that are disabled, or gone, are nobody's."""
    heard = (one for one in _told(bound) if one.tag in owners)
    return Directory((*heard, *known))


def _told(bound: Mapping[str, Bound]) -> list[TagIdentifier]:
    return [TagIdentifier(one, whose.tag, button=False) for one, whose in bound.items()]


def _beginning(identifier: str) -> str:
    """How the frames of one kind and owner begin; all of it where they have nothing in common."""
    parts = identifier.split(":")
    if parts[0] in {"ibeacon", "uid"}:
        return ":".join(parts[:2])
    return identifier[: len("alt:") + 32] if parts[0] == "alt" else identifier
