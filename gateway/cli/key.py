"""`machimori key new`: the key under which the hub keeps those of the tags."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.sealing import write_new_key


def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that is not there yet.")],
) -> None:
    """Make a new key of the hub. Keep a copy elsewhere: nothing else opens the keys of tags."""
    key = write_new_key(file)
    typer.echo(
        f"{file} holds key {key.id.hex()}. Set hub.key_file to it, and keep a copy elsewhere."
    )
