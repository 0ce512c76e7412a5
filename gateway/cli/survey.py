"""`machimori survey`: a technician's walk becomes a survey, and what a survey is worth."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from gateway.app.survey_file import (
    SurveyFile,
    SurveyLine,
    load_survey,
    metres_between,
    on_site,
    points_on_ways,
    read_lines,
    write_lines,
)
from gateway.app.tables import RecordingError
from gateway.cli.recording import Recording, read_recording
from gateway.cli.survey_track import Track, read_track
from gateway.site import Site, load_site
from gateway.tags.survey import Survey, SurveyRow, fit_survey

NEAR_M = 5.0
ENOUGH_COVERED = 0.9
WIDE = 110


def walk(
    recording: Annotated[Path, typer.Argument(help="A folder: site.geojson, sightings.csv.gz.")],
    *,
    tag: Annotated[str, typer.Option(help="The tag that was carried, as the sightings name it.")],
    track: Annotated[Path, typer.Option(help="The phone's track: .csv (at, lon, lat), .geojson.")],
    out: Annotated[Path, typer.Option(help="The survey.csv.gz to write, or to add to.")],
) -> None:
    """Make a survey of a walk with a tag and a phone, or add the walk to an earlier survey.

    To add the same walk again changes nothing.
    """
    known = read_recording(recording, progress=_quiet)
    lines = surveyed(known, tag, read_track(track, known.site), where=str(track))
    fitting = on_site(track, lines, known.site)
    before = read_lines(out, progress=_quiet) if out.exists() else []
    write_lines(out, (Counter(before) | Counter(lines)).elements())
    _tell(track, fitting)
    receivers = len({line.receiver for line in lines})
    typer.echo(f"{out}: {len(lines)} packets at {receivers} receivers; {len(before)} before.")


def show(
    survey: Annotated[Path, typer.Argument(help="A survey.csv.gz.")],
    *,
    site: Annotated[Path, typer.Option(help="The site's GeoJSON file.")],
) -> None:
    """Say what a survey is worth: how much of the site it covers, and how well it foretells."""
    ground = load_site(site)
    known = load_survey(survey, ground, progress=_quiet)
    _tell(survey, known)
    fitted = fit_survey(ground.receivers, known.rows)
    Console(width=WIDE).print(table_of(fitted, known.rows, ground))
    for line in verdicts(fitted, known.rows, ground):
        typer.echo(line)


def _quiet(_done: int, _total: int) -> None:
    """A survey is read in a moment."""


def _tell(file: Path, known: SurveyFile) -> None:
    for line in known.remarks(file):
        typer.echo(line, err=True)


def surveyed(recording: Recording, tag: str, track: Track, *, where: str) -> list[SurveyLine]:
    """The tag's packets, each at its place; those while nobody knows the place are left out.

    Days are those of UTC. Raises RecordingError where nothing is left.
    """
    rows = [row for row in recording.rows if row.tag == tag]
    if not rows:
        names = ", ".join(recording.tags[:5])
        raise RecordingError(f"{tag} was not heard in the recording. It has: {names}.")
    places = track.where(np.array([row.at for row in rows]))
    known = ~np.isnan(places[:, 0])
    if not known.any():
        raise RecordingError(
            f"{where}: was recorded from {_moment(track.at[0])} to {_moment(track.at[-1])}, "
            f"the tag heard from {_moment(rows[0].at)} to {_moment(rows[-1].at)}: "
            "no packet has a place. "
            "Compare the clocks and time zones of the phone and the gateway."
        )
    lonlat = recording.site.to_lonlat(places[known]).round(8).tolist()
    heard = [row for row, placed in zip(rows, known.tolist(), strict=True) if placed]
    return [
        SurveyLine(lon, lat, row.receiver, row.rssi_dbm, _moment(row.at)[:10])
        for row, (lon, lat) in zip(heard, lonlat, strict=True)
    ]


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def table_of(survey: Survey, rows: Sequence[SurveyRow], site: Site) -> Table:
    """A line for every receiver of the site."""
    table = Table(box=None)
    for heading in ("receiver", "spots", "packets", "days", "law dBm", "law dB", "map dB"):
        table.add_column(heading, justify="left" if heading == "receiver" else "right")
    packets = Counter(row.receiver for row in rows)
    for receiver in sorted(one.id for one in site.receivers):
        layer = survey.layers.get(receiver)
        if layer is None:
            table.add_row(receiver, "0", str(packets[receiver]), "0", "-", "-", "-")
            continue
        law_db, map_db = survey.errors(receiver)
        table.add_row(
            receiver,
            str(len(np.unique(layer.spots.xy, axis=0))),
            str(packets[receiver]),
            str(len(np.unique(layer.spots.day))),
            f"{layer.radio.power_dbm:.0f} - {10 * layer.radio.exponent:.0f} lg d",
            f"{law_db:.1f}",
            f"{map_db:.1f}",
        )
    return table


def verdicts(survey: Survey, rows: Sequence[SurveyRow], site: Site) -> list[str]:
    """What the table does not say, and what to do about it."""
    kernel = survey.kernel
    lines = [
        "law dB, map dB: how far a spot's mean level is off the law of distance, and off the map "
        "of all other spots.",
        f"Levels persist over {kernel.length_m:g} m ({kernel.place_sd_db:g} dB), differ by "
        f"{kernel.spot_sd_db:g} dB from spot to spot and by {kernel.day_sd_db:g} dB from day to "
        "day.",
    ]
    share = covered(rows, site)
    lines.append(f"{share:.0%} of the paths and areas lie within {NEAR_M:g} m of a surveyed spot.")
    if share < ENOUGH_COVERED:
        lines.append("Walk the rest too: elsewhere the map is the law of distance.")
    absent = sorted({one.id for one in site.receivers} - survey.layers.keys())
    if absent:
        lines.append(f"Heard at too few spots, so without a map: {', '.join(absent)}.")
    if len({row.day for row in rows}) == 1:
        lines.append("All of one day: a walk on another day shows what was peculiar to this one.")
    return lines


def covered(rows: Sequence[SurveyRow], site: Site) -> float:
    """The share of the site's paths and areas that is within NEAR_M of a row's place."""
    spots = np.unique(np.round([row.xy for row in rows]), axis=0)
    return float((metres_between(points_on_ways(site), spots) <= NEAR_M).mean())
