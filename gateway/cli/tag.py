"""`machimori tag add`: a bought tag, the person who carries it, and who consented to it."""

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from gateway.cli.options import ConfigFile
from gateway.clock import Clock
from gateway.model import CarrierKind, TagIdentifier, Trust, UnusableError
from gateway.settings import load_settings
from gateway.store import people
from gateway.store.database import Connection, Database
from gateway.store.people import Carrier, Tag

# Static identifiers as the frames' decoders write them.
_FORMATS = {
    "ibeacon:{uuid}:{major}:{minor}": re.compile(
        r"ibeacon:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:\d{1,5}:\d{1,5}"
    ),
    "uid:{20 hex digits}:{12 hex digits}": re.compile(r"uid:[0-9a-f]{20}:[0-9a-f]{12}"),
    "alt:{40 hex digits}": re.compile(r"alt:[0-9a-f]{40}"),
}


class TagError(UnusableError):
    """A tag that cannot be registered so; the message says what to do."""


@dataclass(frozen=True, slots=True)
class NewTag:
    """What must be known of a tag; `guardians` are logins."""

    name: str
    kind: CarrierKind
    identifiers: Sequence[str]
    guardians: Sequence[str]
    consent_by: str
    buttons: Sequence[str] = ()


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who carries the tag.")],
    *,
    kind: Annotated[CarrierKind, typer.Option(help="Who that is.")],
    identifier: Annotated[
        list[str], typer.Option(help="What the tag sends, as ibeacon:{uuid}:{major}:{minor}.")
    ],
    guardian: Annotated[list[str], typer.Option(metavar="LOGIN", help="Who may see the tag.")],
    consent_by: Annotated[
        str, typer.Option(metavar="TEXT", help="Who consented: without consent there is no tag.")
    ],
    config: ConfigFile,
    button: Annotated[
        list[str] | None, typer.Option(help="What the tag sends when its button is pressed.")
    ] = None,
) -> None:
    """Add a tag, and who carries it. The hub may be running: it takes the tag up by itself."""
    settings = load_settings(config)
    clock = Clock(**settings.clock.model_dump())
    new = NewTag(name, kind, identifier, guardian, consent_by, button or ())

    async def work() -> Tag:
        async with Database(settings.state_path(settings.hub.database), owner=False) as database:
            return await register(database, new, at=clock.utc())

    tag = asyncio.run(work())
    typer.echo(f"Tag {tag.id} (trust {tag.trust.value}) of carrier {tag.carrier} is registered.")


async def register(database: Database, new: NewTag, *, at: float) -> Tag:
    """Register a tag whose consent is given at `at`: all of it, or nothing.

    Raises TagError, TakenError, UnknownError and StoreError.
    """
    identifiers = {_checked(one): False for one in new.identifiers}
    buttons = {_checked(one): True for one in new.buttons}
    if not identifiers or identifiers.keys() & buttons.keys():
        raise TagError("A tag needs an identifier, and its button another one.")
    if not new.name.strip() or not new.consent_by.strip() or not new.guardians:
        raise TagError("A tag needs who carries it, who consented to it, and a guardian.")
    return await database.write(_register, new, {**identifiers, **buttons}, at=at)


def _register(
    connection: Connection, new: NewTag, identifiers: dict[str, bool], *, at: float
) -> Tag:
    carrier = Carrier(f"c-{secrets.token_hex(6)}", new.name.strip(), new.kind)
    tag = Tag(f"t-{secrets.token_hex(6)}", carrier.id, Trust.LOW, at, new.consent_by.strip())
    people.add_carrier(connection, carrier)
    for login in dict.fromkeys(new.guardians):
        people.add_guardianship(connection, people.user(connection, login), carrier.id)
    people.add_tag(
        connection,
        tag,
        [TagIdentifier(sent, tag.id, button=button) for sent, button in identifiers.items()],
    )
    return tag


def _checked(identifier: str) -> str:
    plain = identifier.strip().lower()
    if not any(known.fullmatch(plain) for known in _FORMATS.values()):
        raise TagError(f"{identifier}: is no identifier. Give one of: {', '.join(_FORMATS)}.")
    return plain
