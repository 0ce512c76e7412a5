"""Options that several commands take, said once."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.settings import default_config_file

ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config",
        metavar="FILE",
        default_factory=default_config_file,
        show_default=False,
        help="The settings: /etc/machimori/gateway.toml, or the file that ships, where not given.",
    ),
]
"""`def command(*, config: ConfigFile) -> None`: the settings file that a command works with."""
