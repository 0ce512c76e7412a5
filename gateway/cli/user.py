"""`machimori user add`: a person who may log in."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.api.passwords import Passwords
from gateway.cli.options import ConfigFile
from gateway.clock import Clock
from gateway.model import Audience, UnusableError
from gateway.settings import load_settings
from gateway.store import people
from gateway.store.database import Database
from gateway.store.people import User

SHORTEST_PASSWORD = 10
LONGEST_LOGIN = 64


class PasswordError(UnusableError):
    """A password, or the file of one, that cannot be used; the message says why."""


def add(
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="What the person logs in with.")],
    *,
    audience: Annotated[Audience, typer.Option(help="What the person may see.")],
    config: ConfigFile,
    language: Annotated[str, typer.Option(help="ja or en.")] = "ja",
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file with the password; asked for where not given."),
    ] = None,
) -> None:
    """Add a person who may log in. The hub may be running."""
    settings = load_settings(config)
    clock = Clock(**settings.clock.model_dump())
    password = _ask() if password_file is None else _read(password_file)

    async def work() -> None:
        async with Database(settings.state_path(settings.hub.database), owner=False) as database:
            await create(
                database,
                login=login,
                audience=audience,
                password=password,
                at=clock.utc(),
                language=language,
            )

    asyncio.run(work())
    typer.echo(f"{login} may log in now, as {audience.value}.")


async def create(
    database: Database,
    *,
    login: str,
    audience: Audience,
    password: str,
    at: float,
    language: str = "ja",
) -> User:
    """Add a user. Raises TakenError, StoreError, and PasswordError for one that is too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise PasswordError(f"A password has at least {SHORTEST_PASSWORD} characters.")
    if not 0 < len(login) <= LONGEST_LOGIN or not login.isprintable() or login != login.strip():
        raise UnusableError(f"A login has 1 to {LONGEST_LOGIN} characters, without a margin.")
    if language not in {"ja", "en"}:
        raise UnusableError(f"{language}: there is no such language here. Give ja or en.")
    password_hash = await asyncio.to_thread(Passwords().hash, password)
    return await database.write(
        people.add_user,
        login=login,
        audience=audience,
        password_hash=password_hash,
        language=language,
        at=at,
    )


def _ask() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PasswordError(f"{file}: cannot be read ({error}).") from error
