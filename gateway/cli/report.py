"""`machimori report`: one HTML page by which a technician judges an installation."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from gateway.cli.locate import Mode, UseSurvey, progress_bar, run, survey_beside
from gateway.cli.recording import SITE, Recording, read_recording, windows_of
from gateway.cli.site_checks import site_findings
from gateway.geojson import read_document
from gateway.report.drawing import write_whole
from gateway.report.judgement import Material
from gateway.report.page import render
from gateway.report.truth import read_truths
from gateway.site import Site
from gateway.tags.propagation import Radio
from gateway.tags.surroundings import surroundings_of


def report(
    recording: Annotated[Path, typer.Argument(help="A folder: site.geojson, sightings.csv.gz.")],
    *,
    out: Annotated[Path, typer.Option(help="The HTML page to write.")] = Path("report.html"),
    use_survey: UseSurvey = True,
) -> None:
    """Judge an installation by a recording of it, with its truth where the folder has one.

    The page is one file that needs no network: ways on the plan, errors, receivers, zones.
    """
    progress = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())
    with progress:
        known = read_recording(recording, progress=progress_bar(progress, "Reading"))
        truths = read_truths(recording, known.site)
        survey = survey_beside(recording, known.site) if use_survey else None
        bar = progress_bar(progress, "Locating")
        located = run(known, list(Mode), progress=bar, survey=survey)
    material = Material(
        name=recording.resolve().name,
        site=known.site,
        windows=list(windows_of(known, tail_s=0)),
        positions={mode.value: found for mode, found in located.positions.items()},
        events=sorted(located.events, key=lambda event: event.at),
        radios=_radios(known.site, survey.radios if survey else located.calibration.radios),
        truths=truths,
        remarks=_remarks(recording, known),
    )
    write_whole(out, render(material).encode())
    typer.echo(f"{out}: written. Open it in a browser; it can be printed.")


def _radios(site: Site, known: Mapping[str, Radio]) -> list[Radio]:
    """What the tracker took the receivers for in the end."""
    usual = surroundings_of(site.receivers).radio
    return [known.get(receiver.id, usual) for receiver in site.receivers]


def _remarks(folder: Path, recording: Recording) -> list[str]:
    """What the site and the sightings say before anything is located."""
    document = read_document(folder / SITE)
    return [
        *(
            f"{finding.where or 'site'}: {finding.what}; {finding.remedy}"
            for finding in site_findings(recording.site, document)
        ),
        *(
            f"receiver {name}: is heard and not on the site; {count} sightings left out"
            for name, count in sorted(recording.strangers.items())
        ),
    ]
