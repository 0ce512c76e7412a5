"""`machimori tag`: tags, the people who carry them, and who consented to it."""

import asyncio
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gateway.app.tag_keys import (
    LONGEST_FILE,
    TagKeys,
    TagKeysError,
    open_keys,
    read_tag_keys,
    seal_keys,
)
from gateway.cli.options import ConfigFile
from gateway.clock import Clock
from gateway.model import CarrierKind, TagIdentifier, Trust, UnusableError
from gateway.sealing import SealingKey, UnsealError, read_sealing_key
from gateway.settings import Settings, load_settings
from gateway.store import people, tag_keys
from gateway.store.database import Connection, Database
from gateway.store.people import Carrier, Tag, TakenError

# Static identifiers as the frames' decoders write them.
_FORMATS = {
    "ibeacon:{uuid}:{major}:{minor}": re.compile(
        r"ibeacon:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:\d{1,5}:\d{1,5}"
    ),
    "uid:{20 hex digits}:{12 hex digits}": re.compile(r"uid:[0-9a-f]{20}:[0-9a-f]{12}"),
    "alt:{40 hex digits}": re.compile(r"alt:[0-9a-f]{40}"),
    "bthome:{aa:bb:cc:dd:ee:ff}": re.compile(r"bthome:[0-9a-f]{2}(:[0-9a-f]{2}){5}"),
}
_STDIN = Path("-")


class TagError(UnusableError):
    """A tag that cannot be registered so; the message says what to do."""


@dataclass(frozen=True, slots=True)
class NewTag:
    """What must be known of a tag; `guardians` are logins.

    With an identity among its `keys` it is a native tag, and sends no fixed identifier.
    """

    name: str
    kind: CarrierKind
    identifiers: Sequence[str]
    guardians: Sequence[str]
    consent_by: str
    buttons: Sequence[str] = ()
    keys: TagKeys | None = None


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who carries the tag.")],
    *,
    kind: Annotated[CarrierKind, typer.Option(help="Who that is.")],
    guardian: Annotated[list[str], typer.Option(metavar="LOGIN", help="Who may see the tag.")],
    consent_by: Annotated[
        str, typer.Option(metavar="TEXT", help="Who consented: without consent there is no tag.")
    ],
    config: ConfigFile,
    identifier: Annotated[
        list[str] | None,
        typer.Option(help="What a bought tag sends, as ibeacon:{uuid}:{major}:{minor}."),
    ] = None,
    button: Annotated[
        list[str] | None, typer.Option(help="What the tag sends when its button is pressed.")
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The tag's keys, as JSON; - reads them from stdin."),
    ] = None,
) -> None:
    """Add a tag, and who carries it. The hub may be running: it takes the tag up by itself."""
    settings = load_settings(config)
    clock = Clock(**settings.clock.model_dump())
    own_keys = None if keys is None else read_tag_keys(_read(keys))
    new = NewTag(name, kind, identifier or (), guardian, consent_by, button or (), own_keys)
    key = _hub_key(settings) if own_keys else None

    async def work() -> Tag:
        async with Database(settings.state_path(settings.hub.database), owner=False) as database:
            return await register(database, new, at=clock.utc(), key=key)

    tag = asyncio.run(work())
    typer.echo(f"Tag {tag.id} (trust {tag.trust.value}) of carrier {tag.carrier} is registered.")


def disable(
    tag: Annotated[str, typer.Argument(metavar="TAG", help="The tag's id, as t-….")],
    *,
    config: ConfigFile,
) -> None:
    """Follow a tag no longer that is lost or stolen. The hub may be running: it obeys at once."""
    _switch(tag, config, disabled=True)
    typer.echo(f"Tag {tag} is followed no longer, and its button raises no alert in its name.")


def enable(
    tag: Annotated[str, typer.Argument(metavar="TAG", help="The tag's id, as t-….")],
    *,
    config: ConfigFile,
) -> None:
    """Follow a tag again that was disabled, or whose new battery lost its count."""
    _switch(tag, config, disabled=False)
    typer.echo(f"Tag {tag} is followed again.")


async def register(
    database: Database, new: NewTag, *, at: float, key: SealingKey | None = None
) -> Tag:
    """Register a tag whose consent is given at `at`: all of it, or nothing.

    `key` is the hub's, for a tag with keys. Raises TagError, TakenError, UnknownError and
    StoreError.
    """
    identifiers = {_checked(one): False for one in new.identifiers}
    buttons = {_checked(one): True for one in new.buttons}
    _check_keys(new, key)
    is_native = new.keys is not None and bool(new.keys.identity_key)
    if is_native and identifiers:
        raise TagError(
            "A tag whose identity changes has no other identifier: leave --identifier out, or the "
            "identity_key."
        )
    if not is_native and (not identifiers or identifiers.keys() & buttons.keys()):
        raise TagError("A tag needs an identifier, and its button another one.")
    if any(button.startswith("bthome:") for button in buttons):
        raise TagError(
            "A BTHome device tells its presses itself: give its address as --identifier alone."
        )
    if not new.name.strip() or not new.consent_by.strip() or not new.guardians:
        raise TagError("A tag needs who carries it, who consented to it, and a guardian.")
    return await database.write(_register, new, {**identifiers, **buttons}, key, at=at)


def _register(
    connection: Connection,
    new: NewTag,
    identifiers: dict[str, bool],
    key: SealingKey | None,
    *,
    at: float,
) -> Tag:
    carrier = Carrier(f"c-{secrets.token_hex(6)}", new.name.strip(), new.kind)
    trust = Trust.NATIVE if new.keys is not None and new.keys.identity_key else Trust.LOW
    tag = Tag(f"t-{secrets.token_hex(6)}", carrier.id, trust, at, new.consent_by.strip())
    people.add_carrier(connection, carrier)
    for login in dict.fromkeys(new.guardians):
        people.add_guardianship(connection, people.user(connection, login), carrier.id)
    people.add_tag(
        connection,
        tag,
        [TagIdentifier(sent, tag.id, button=button) for sent, button in identifiers.items()],
    )
    if new.keys is not None and key is not None:
        _refuse_known_keys(connection, new.keys, key)
        tag_keys.add(connection, seal_keys(key, tag.id, new.keys))
    return tag


def _check_keys(new: NewTag, key: SealingKey | None) -> None:
    if new.keys is not None and key is None:
        raise TagError(
            "The keys of a tag are kept under the hub's own: make that with `machimori key new "
            "FILE` and set hub.key_file to it."
        )


def _refuse_known_keys(connection: Connection, keys: TagKeys, key: SealingKey) -> None:
    """Raises TakenError: two tags of one key could not be told apart."""
    for kept in tag_keys.every(connection):
        try:
            known = open_keys(key, kept)
        except UnsealError as error:
            raise TagError(
                f"The keys of tag {kept.tag} cannot be read: {error}. Mend hub.key_file first."
            ) from error
        same_identity = keys.identity_key and keys.identity_key == known.identity_key
        if same_identity or (keys.bind_key and keys.bind_key == known.bind_key):
            raise TakenError(f"These keys are registered already, as those of tag {kept.tag}.")


def _switch(tag: str, config: Path, *, disabled: bool) -> None:
    settings = load_settings(config)
    at = Clock(**settings.clock.model_dump()).utc() if disabled else None

    async def work() -> None:
        async with Database(settings.state_path(settings.hub.database), owner=False) as database:
            await database.write(_set_disabled, tag, at)

    asyncio.run(work())


def _set_disabled(connection: Connection, tag: str, at: float | None) -> None:
    """Whoever enables a tag has it in hand: its counter begins anew, as after a new battery."""
    people.set_disabled(connection, tag, at)
    if at is None:
        tag_keys.set_counter(connection, tag, None)


def _hub_key(settings: Settings) -> SealingKey | None:
    return None if settings.hub.key_file is None else read_sealing_key(settings.hub.key_file)


def _read(file: Path) -> bytes:
    if file == _STDIN:
        return sys.stdin.buffer.read(LONGEST_FILE + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(LONGEST_FILE + 1)
    except OSError as error:
        raise TagKeysError(f"{file}: cannot be read ({error.strerror}).") from error


def _checked(identifier: str) -> str:
    plain = identifier.strip().lower()
    if not any(known.fullmatch(plain) for known in _FORMATS.values()):
        raise TagError(f"{identifier}: is no identifier. Give one of: {', '.join(_FORMATS)}.")
    return plain
