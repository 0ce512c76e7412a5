"""`machimori influx setup`: the database or bucket that the sink writes to."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import ConfigFile
from gateway.outputs.influx import read_secret, secret_of
from gateway.outputs.influx_ql import Admin
from gateway.outputs.influx_setup import by_hand, set_up
from gateway.settings import load_settings


def setup(
    *,
    config: ConfigFile,
    admin_secret_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A file with an operator's token (2.x) or an administrator's password (1.x). "
            "Needed once; the sink has its own secret.",
        ),
    ] = None,
    admin_user: Annotated[
        str, typer.Option(metavar="NAME", help="1.x with logins: that administrator.")
    ] = "",
    shorten: Annotated[
        bool,
        typer.Option("--shorten", help="Shorten a retention, which deletes what is older."),
    ] = False,
    only_print: Annotated[
        bool,
        typer.Option("--print", help="Print what it takes, for InfluxDB's own tool; do nothing."),
    ] = False,
) -> None:
    """Make what the sink writes to, and see that it may. It may be done again.

    Database (1.x) or organization and bucket (2.x), the retention of sink.influx.retention_days,
    the sink's user (1.x), and whether the sink's own secret may write.
    """
    influx = load_settings(config).sink.influx
    if only_print:
        typer.echo(by_hand(influx))
        return
    is_header = influx.version == 2
    secret = secret_of(influx)
    admin = Admin(influx.username, secret)
    if admin_secret_file is not None:
        given = read_secret(admin_secret_file, key="--admin-secret-file", is_header=is_header)
        admin = Admin(admin_user, given)
    for line in set_up(influx, secret=secret, admin=admin, shorten=shorten):
        typer.echo(line)
