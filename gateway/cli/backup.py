"""`machimori backup` and `machimori restore`: the hub's database, copied and put back."""

import time
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import ConfigFile
from gateway.clock import Clock
from gateway.settings import load_settings
from gateway.store.backup import Backup, back_up, default_name, prune
from gateway.store.backup import restore as put_back

_NOT_IN_IT = (
    "Not in it, keep copies of them elsewhere: /etc/machimori (settings, site, credentials), and "
    "above all the file of hub.key_file, without which no key of a tag can be opened again."
)


def backup(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="A file that is not there yet; without it, a new one in hub.backup.folder.",
        ),
    ] = None,
    *,
    config: ConfigFile,
    schema: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER", help="Take the copy down to that schema, for an older program."
        ),
    ] = None,
) -> None:
    """Copy the hub's database, in use or not, and check the copy. Nobody waits for it."""
    settings = load_settings(config)
    database = settings.state_path(settings.hub.database)
    folder = settings.state_path(settings.hub.backup.folder)
    at = Clock(**settings.clock.model_dump()).utc()
    began_at = time.monotonic()
    made = back_up(database, file or folder / default_name(database.stem, at), schema=schema)
    took_s = time.monotonic() - began_at
    typer.echo(f"{_described(made)}; copied and checked in {took_s:.1f} s")
    if file is None:
        for path in prune(made.path, database.stem, keep=settings.hub.backup.keep):
            typer.echo(f"{path}: deleted; {settings.hub.backup.keep} are kept")
    typer.echo(_NOT_IN_IT)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `machimori backup`.")],
    *,
    config: ConfigFile,
) -> None:
    """Put a backup in the place of the hub's database. The hub is stopped; the old file is kept."""
    settings = load_settings(config)
    clock = Clock(**settings.clock.model_dump())
    database = settings.state_path(settings.hub.database)
    done = put_back(file, database, site=settings.site_id, now=clock.utc(), rate=clock.rate)
    typer.echo(f"{_described(done.backup)}; now {database}")
    if done.aside is not None:
        typer.echo(f"{done.aside}: the database of before now; delete it when all is well")
    if done.gateways:
        typer.echo(
            "What came since that backup is gone. A gap says so for " + ", ".join(done.gateways)
        )
    typer.echo(
        "Whoever was deleted, or whose consent was withdrawn, since that backup is in it again: "
        "delete again. Everybody has to log in anew."
    )
    typer.echo("Start the hub: systemctl start machimori-hub")


def _described(made: Backup) -> str:
    newest = "nothing heard yet"
    if made.newest is not None:
        heard_until = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(made.newest))
        newest = f"heard until {heard_until} UTC"
    return f"{made.path}: {made.size_bytes / 1e6:,.1f} MB, schema {made.schema}, {newest}"
