"""`machimori doctor`: what is wrong with this machine and what it works with, and what to do.

It may run while the services do, and while they do not: it writes nothing, publishes nothing, and
leaves adapters and serial lines alone.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from gateway.cli.check import inspect
from gateway.cli.doctor_influx import influx_verdicts
from gateway.cli.doctor_link import broker_verdicts
from gateway.cli.doctor_machine import machine_verdicts
from gateway.cli.doctor_radio import adapter_verdicts
from gateway.cli.doctor_words import Mark, Verdict, ill, well
from gateway.cli.options import ConfigFile
from gateway.clock import Clock
from gateway.model import ReceiverSource, Role
from gateway.settings import SERVICE_CONFIG, Settings, SettingsError, load_settings
from gateway.site import SiteError, load_site

CREDENTIALS = SERVICE_CONFIG.parent / "credentials"
_SIGNS = {
    Mark.WELL: "[green]✔[/green]",
    Mark.WORRYING: "[yellow]![/yellow]",
    Mark.ILL: "[red]✘[/red]",
}


def doctor(
    *,
    config: ConfigFile,
    role: Annotated[
        list[Role] | None,
        typer.Option("--role", help="Look at this role only; may be given several times."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, no table.")] = False,
) -> None:
    """Look at settings, clock, disk, files, adapters, lines, broker, hub and receivers.

    Exits with 1 where something is ill. The services may run, or not.
    """
    settings = load_settings(config)
    if role:
        settings = settings.model_copy(update={"roles": tuple(role)})
    verdicts = asyncio.run(examine(with_credentials(settings, CREDENTIALS), config))
    is_ill = any(verdict.mark is Mark.ILL for verdict in verdicts)
    if as_json:
        document = {"well": not is_ill, "verdicts": [asdict(verdict) for verdict in verdicts]}
        typer.echo(json.dumps(document, ensure_ascii=False))
    else:
        _print(verdicts)
    if is_ill:
        raise typer.Exit(1)


async def examine(settings: Settings, config: Path) -> list[Verdict]:
    """Everything that concerns the roles of `settings`, in the order in which it is mended."""
    clock = Clock(**settings.clock.model_dump())
    verdicts = [*settings_verdicts(config), *machine_verdicts(settings, clock)]
    if Role.EDGE in settings.roles:
        verdicts += await adapter_verdicts(settings.edge.adapters)
    try:
        verdicts += await broker_verdicts(settings, _sources(settings), now=clock.utc())
    except SettingsError as error:
        verdicts.append(ill("broker", str(error), "run as root, or as the service's user"))
    if Role.SINK in settings.roles:
        verdicts += influx_verdicts(settings.sink.influx)
    return verdicts


def settings_verdicts(config: Path) -> Iterator[Verdict]:
    """What `machimori check` finds, in a line."""
    report = inspect(config)
    if report.errors:
        for line in report.errors:
            yield ill("settings and site", line, "mend it; `machimori check` says all")
    else:
        yield well("settings and site", f"{config}: warnings: {len(report.warnings)}")


def with_credentials(settings: Settings, folder: Path) -> Settings:
    """The settings as a service has them: systemd hands it certificates and token of `folder`."""
    token = folder / "influx.token"
    if settings.sink.influx.secret_file is None and token.is_file():
        influx = settings.sink.influx.model_copy(update={"secret_file": token})
        sink = settings.sink.model_copy(update={"influx": influx})
        settings = settings.model_copy(update={"sink": sink})
    if settings.broker.ca_file is not None:
        return settings
    for role in settings.roles:
        files = [folder / name for name in ("ca.crt", f"{role}.crt", f"{role}.key")]
        if all(file.is_file() for file in files):
            named = dict(zip(("ca_file", "cert_file", "key_file"), files, strict=True))
            broker = settings.broker.model_copy(update=named)
            return settings.model_copy(update={"broker": broker})
    return settings


def _sources(settings: Settings) -> tuple[ReceiverSource, ...]:
    """The remote receivers of this gateway; where the site cannot be read, `check` says so."""
    if Role.EDGE not in settings.roles:
        return ()
    try:
        site = load_site(settings.site)
    except SiteError:
        return ()
    return tuple(
        receiver.source
        for receiver in site.receivers
        if receiver.source is not None and receiver.gateway == settings.edge.gateway
    )


def _print(verdicts: Sequence[Verdict]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for verdict in verdicts:
        console.print(f"{_SIGNS[verdict.mark]} {escape(f'{verdict.part}: {verdict.what}')}")
        if verdict.remedy:
            console.print(f"    → {escape(verdict.remedy)}")
    ills = sum(verdict.mark is Mark.ILL for verdict in verdicts)
    worries = sum(verdict.mark is Mark.WORRYING for verdict in verdicts)
    console.print(f"ill: {ills}, worrying: {worries}, well: {len(verdicts) - ills - worries}")
