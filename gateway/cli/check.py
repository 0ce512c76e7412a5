"""`machimori check`: settings and site, validated together before anything is started."""

import stat
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.lamp_checks import bus_findings, lamp_findings
from gateway.cli.options import ConfigFile
from gateway.cli.site_checks import site_findings
from gateway.geojson import Finding, read_document
from gateway.lights.profiles import ProfileError, load_profiles, load_types
from gateway.model import Role
from gateway.settings import EdgeSettings, Settings, SettingsError, load_settings
from gateway.site import Receiver, Site, SiteError, build_site

_OTHERS_MAY = stat.S_IROTH | stat.S_IWOTH | stat.S_IXOTH
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def check(
    *,
    config: ConfigFile,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
) -> None:
    """Validate the settings and the site: one line a finding, with what to do.

    Exits with 1 where something is wrong, with 0 where there are at most warnings.
    """
    report = inspect(config)
    for line in (*report.errors, *report.warnings, *report.facts):
        typer.echo(line)
    typer.echo(f"{config}: errors: {len(report.errors)}, warnings: {len(report.warnings)}")
    if report.errors or (strict and report.warnings):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Report:
    """Lines to print; `facts` say what was checked, so that a wrong file is noticed too."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


def inspect(config: Path) -> Report:
    """Everything that can be said of `config` and of the site that it names."""
    try:
        settings = load_settings(config)
    except SettingsError as error:
        return Report(tuple(str(error).splitlines()))
    found = [(config, finding) for finding in settings_findings(settings)]
    document = read_document(settings.site)
    broken: list[str] = []
    facts: list[str] = []
    try:
        site = build_site(document, settings.site)
    except SiteError as error:
        broken = str(error).splitlines()
    else:
        found += ((config, finding) for finding in wiring_findings(settings, site))
        found += ((settings.site, finding) for finding in site_findings(site, document))
        found += _lamp_findings(settings, site)
        facts = [f"{settings.site}: {_summary(site)}"]
    errors = [finding.line(file) for file, finding in found if not finding.warning]
    warnings = [finding.line(file) for file, finding in found if finding.warning]
    return Report((*errors, *broken), tuple(warnings), tuple(facts))


def _summary(site: Site) -> str:
    receivers = Counter(receiver.gateway or "no gateway" for receiver in site.receivers)
    lamps = Counter(
        f"{lamp.gateway} {lamp.bus}" if lamp.gateway else "no gateway" for lamp in site.lamps
    )
    return (
        f"site {site.name} in {site.crs}: {len(site.paths)} paths, {len(site.zones)} zones, "
        f"{len(site.receivers)} receivers{_shares(receivers)}, "
        f"{len(site.lamps)} lamps{_shares(lamps)}, {len(site.lots)} lots"
    )


def _shares(counts: Counter[str]) -> str:
    shares = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    return f" ({shares})" if shares else ""


def _lamp_findings(settings: Settings, site: Site) -> Iterator[tuple[Path, Finding]]:
    """Findings of the lamps and of the folder that says what they are, each with its file."""
    try:
        profiles, types = load_profiles(settings.lamps), load_types(settings.lamps)
    except ProfileError as error:
        yield settings.lamps, Finding("", str(error), "")
        return
    for finding in lamp_findings(site, profiles=profiles, types=types):
        yield settings.site, finding


def settings_findings(settings: Settings) -> Iterator[Finding]:
    """What the settings name on this machine: files, folders, and how the broker is reached."""
    for key, path, secret in _files(settings):
        yield from _file_findings(key, path, secret=secret)
    yield from _state_findings(settings.state_dir)
    if settings.broker.ca_file is None and settings.broker.host not in _THIS_MACHINE:
        yield Finding(
            "broker.host",
            f"{settings.broker.host} is another machine, and the link to it is not encrypted",
            "give ca_file, cert_file and key_file",
            warning=True,
        )
    if settings.clock.start is not None:
        yield Finding(
            "clock.start",
            "time is simulated",
            "remove [clock] where real people are watched over",
            warning=True,
        )


def _files(settings: Settings) -> Iterator[tuple[str, Path, bool]]:
    """Key, path, whether it holds a secret: the files that the roles of these settings read."""
    broker, influx = settings.broker, settings.sink.influx
    named = [
        ("broker.ca_file", broker.ca_file, False),
        ("broker.cert_file", broker.cert_file, False),
        ("broker.key_file", broker.key_file, True),
        ("broker.password_file", broker.password_file, True),
    ]
    if Role.SINK in settings.roles:
        named.append(("sink.influx.secret_file", influx.secret_file, True))
    return ((key, path, secret) for key, path, secret in named if path is not None)


def _file_findings(key: str, path: Path, *, secret: bool) -> Iterator[Finding]:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        yield Finding(key, f"{path} cannot be used ({error.strerror})", "put the file there")
        return
    if not stat.S_ISREG(mode):
        yield Finding(key, f"{path} is no file", "name the file itself")
    elif secret and mode & _OTHERS_MAY:
        yield Finding(key, f"{path} is open to every user", f"chmod 0600 {path}")


def _state_findings(state_dir: Path) -> Iterator[Finding]:
    """Try to write, as only that tells; a folder that is not there yet is made by the service."""
    folder = next(path for path in (state_dir, *state_dir.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        what = f"{folder} cannot be written ({error.strerror})"
    yield Finding("state_dir", what, "name a folder that the service's user may write")


def wiring_findings(settings: Settings, site: Site) -> Iterator[Finding]:
    """Ids that settings and site must share."""
    if Role.EDGE not in settings.roles:
        return
    yield from bus_findings(site, settings.edge)
    receivers = {receiver.id: receiver for receiver in site.receivers}
    for adapter, receiver_id in settings.edge.adapters.items():
        if receiver_id in receivers:
            faults = _adapter_faults(receivers[receiver_id], settings.edge)
        else:
            what = f"receiver {receiver_id} is not on the site"
            faults = iter([(what, "draw it there, or name one that is")])
        yield from (Finding(f"edge.adapters.{adapter}", *fault) for fault in faults)
    gateways = {receiver.gateway for receiver in site.receivers} - {""}
    if settings.edge.gateway not in gateways and not settings.edge.adapters:
        yield Finding(
            "edge.gateway",
            f"no receiver of the site belongs to {settings.edge.gateway} "
            f"(the site's gateways: {', '.join(sorted(gateways)) or 'none'})",
            "name one of those, or give its receivers this gateway",
        )


def _adapter_faults(receiver: Receiver, edge: EdgeSettings) -> Iterator[tuple[str, str]]:
    if receiver.gateway not in {"", edge.gateway}:
        yield (
            f"receiver {receiver.id} belongs to {receiver.gateway} on the site, "
            f"not to {edge.gateway}",
            "mend edge.gateway here, or the receiver's gateway there",
        )
    if receiver.source is not None:
        yield (
            f"receiver {receiver.id} has a topic on the site, so it would be heard twice",
            "remove its format and topic there, or the adapter here",
        )
    if list(edge.adapters.values()).count(receiver.id) > 1:
        yield f"receiver {receiver.id} has several adapters", "leave it one"
