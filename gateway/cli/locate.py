"""`machimori locate`: the hub's own code over a recording; positions and zone events as CSV."""

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from gateway.app.survey_file import SURVEY, load_survey
from gateway.app.tables import RecordingError
from gateway.cli.recording import Recording, read_recording, seconds_of, windows_of
from gateway.model import Position, Presence, TagIdentifier, Window, ZoneEvent
from gateway.site import Site
from gateway.tags.calibration import Calibration
from gateway.tags.fix import fix_of
from gateway.tags.identity import Directory
from gateway.tags.learning import learn
from gateway.tags.pipeline import Pipeline, Step
from gateway.tags.propagation import Radio
from gateway.tags.route import CONFIRMED, ROUTE, Hindsight, Lag, Smoothed
from gateway.tags.survey import Survey, fit_survey
from gateway.tags.tracker import LONGEST_PATIENCE_S

FIRST_LEARNED_AFTER = 600  # seconds with something heard; then at twice as many, and so on

LIVE_PRESENCES = (Presence.TRACKED, Presence.UNCERTAIN)


class Mode(StrEnum):
    """How much a position may know of what came after it."""

    LIVE = "live"
    CONFIRMED = "confirmed"
    ROUTE = "route"


_LAGS: dict[Mode, Lag] = {Mode.CONFIRMED: CONFIRMED, Mode.ROUTE: ROUTE}


UseSurvey = Annotated[
    bool, typer.Option("--survey/--no-survey", help="Whether to use survey.csv.gz if it is there.")
]


def _picture(file: Path | None) -> Path | None:
    """Refuse an unfit name before the work, not after it."""
    if file is not None and file.suffix.lower() not in {".png", ".svg"}:
        raise typer.BadParameter(f"{file} is no picture: name it .png or .svg.")
    return file


def locate(
    recording: Annotated[Path, typer.Argument(help="A folder: site.geojson, sightings.csv.gz.")],
    *,
    out: Annotated[Path, typer.Option(help="The CSV file of positions to write.")],
    mode: Annotated[
        Mode,
        typer.Option(
            help="live: by what was heard until then; confirmed: and 8 s more; route: all."
        ),
    ] = Mode.LIVE,
    events: Annotated[Path | None, typer.Option(help="The CSV file of zone events.")] = None,
    use_survey: UseSurvey = True,
    plot: Annotated[
        Path | None,
        typer.Option(help="A picture (.png or .svg) of the ways.", callback=_picture),
    ] = None,
) -> None:
    """Locate the tags of a recording, second by second, with the code that the hub runs.

    Zone events are always those of the live run: `at` is when each was announced.
    """
    progress = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())
    with progress:
        known = read_recording(recording, progress=progress_bar(progress, "Reading"))
        for receiver, count in sorted(known.strangers.items()):
            typer.echo(f"{receiver} is not on the site: {count} sightings left out.", err=True)
        survey = survey_beside(recording, known.site) if use_survey else None
        found = run(known, [mode], progress=progress_bar(progress, "Locating"), survey=survey)
    positions = found.positions[mode]
    write_positions(out, positions, known.site)
    if events is not None:
        write_events(events, found.events)
    if plot is not None:
        from gateway.cli.plot import plot_positions  # loading matplotlib takes a second

        plot_positions(plot, positions, known.site, recording)


def survey_beside(recording: Path, site: Site) -> Survey | None:
    """The radio map of the survey in the recording's folder, if there is one."""
    file = recording / SURVEY
    if not file.exists():
        return None
    found = load_survey(file, site, progress=lambda _done, _total: None)
    for line in found.remarks(file):
        typer.echo(line, err=True)
    return fit_survey(site.receivers, found.rows)


def progress_bar(progress: Progress, what: str) -> Callable[[int, int], None]:
    """A new bar; what is returned is told how much is done, and of how much."""
    bar: TaskID = progress.add_task(what, start=False)

    def show(done: int, total: int) -> None:
        progress.start_task(bar)
        progress.update(bar, completed=done, total=total)

    return show


class Located(NamedTuple):
    """Positions by mode, by time and tag, and the zone events of the live run.

    `calibration` is what was known of the receivers in the end.
    """

    positions: Mapping[Mode, list[Position]]
    events: list[ZoneEvent]
    calibration: Calibration


def run(
    recording: Recording,
    modes: Sequence[Mode],
    *,
    progress: Callable[[int, int], None],
    radios: Mapping[str, Radio] | None = None,
    survey: Survey | None = None,
) -> Located:
    """Locate the tags of a recording.

    `radios` are those of receivers that were calibrated. Where there are none, and no survey, the
    receivers are calibrated on the way, by what was heard until then.
    """
    own_names = Directory(TagIdentifier(tag, tag, button=False) for tag in recording.tags)
    pipeline = Pipeline(recording.site, own_names, radios=radios, survey=survey)
    walk = _Walk(recording, pipeline, learns=not radios and survey is None)
    events: list[ZoneEvent] = []
    positions: dict[Mode, list[Position]] = {mode: [] for mode in modes}
    hindsight = {
        (mode, tag): Hindsight(_LAGS[mode])
        for mode in modes
        if mode in _LAGS
        for tag in recording.tags
    }
    for step in walk.steps(progress):
        events += step.events
        if Mode.LIVE in positions:
            live = (one for one in step.positions if one.presence in LIVE_PRESENCES)
            positions[Mode.LIVE] += live
        for mode in positions.keys() & _LAGS.keys():
            for tag, estimate in step.estimates:
                late = hindsight[mode, tag].update(estimate)
                positions[mode] += _positions(pipeline, tag, late)
    for (mode, tag), waiting in hindsight.items():
        positions[mode] += _positions(pipeline, tag, waiting.end())
    for found in positions.values():
        found.sort(key=lambda one: (one.at, one.tag))
    return Located(positions, events, walk.calibration)


class _Walk:
    """One way through a recording; what it teaches of the receivers is used from then on."""

    def __init__(self, recording: Recording, pipeline: Pipeline, *, learns: bool) -> None:
        self.calibration = Calibration(at=0.0)
        self._recording = recording
        self._pipeline = pipeline
        self._learns = learns

    def steps(self, progress: Callable[[int, int], None]) -> Iterator[Step]:
        total = seconds_of(self._recording)
        past: list[Window] = []
        due = FIRST_LEARNED_AFTER if self._learns else inf
        for done, window in enumerate(windows_of(self._recording, tail_s=LONGEST_PATIENCE_S)):
            progress(min(done, total), total)
            yield self._pipeline.step(window.second, [window])
            if window.readings:
                past.append(window)
            if due <= len(past) < total:
                due *= 2
                self._learn(past)

    def _learn(self, past: Sequence[Window]) -> None:
        """Calibrate the receivers by all that was heard so far, as if nothing had been learned.

        A tracker is retuned only where something changes: it forgets how each tag sounds at each
        receiver.
        """
        site = self._recording.site
        found = learn(site, self._pipeline.directory, past)
        if found is None:
            return
        if not found.tunes_as(self.calibration):
            self._pipeline.retune(found.corrected(site), found.radios)
        self.calibration = found


def _positions(pipeline: Pipeline, tag: str, found: Iterable[Smoothed]) -> list[Position]:
    return pipeline.positions(
        (tag, one.estimate, fix_of(one.estimate.tile, one.mass), Presence.TRACKED) for one in found
    )


def write_positions(file: Path, positions: Sequence[Position], site: Site) -> None:
    """One row a position; a zone that a position does not name has probability 0."""
    zones = [zone.id for zone in site.zones]
    header = ["at", "tag", "lon", "lat", "radius68_m", "radius95_m", *(f"p_{z}" for z in zones)]
    rows = (
        [
            f"{one.at:.1f}",
            one.tag,
            f"{one.lon:.8f}",
            f"{one.lat:.8f}",
            f"{one.radius68_m:.2f}",
            f"{one.radius95_m:.2f}",
            *(f"{dict(one.zones).get(zone, 0.0):.3f}" for zone in zones),
        ]
        for one in positions
    )
    _write(file, header, rows)


def write_events(file: Path, events: Sequence[ZoneEvent]) -> None:
    """One row an event, by the time of its announcement."""
    rows = ([f"{one.at:.1f}", one.tag, one.zone, one.event.value] for one in events)
    _write(file, ["at", "tag", "zone", "event"], rows)


def _write(file: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Whole or not at all: a file that is there is complete."""
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as text:
            lines = csv.writer(text)
            lines.writerow(header)
            lines.writerows(rows)
        part.replace(file)
    except OSError as error:
        raise RecordingError(
            f"{file}: cannot be written ({error.strerror}). Name a file in a folder that is yours."
        ) from error
