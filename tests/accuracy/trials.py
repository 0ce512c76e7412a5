"""Trials, located by the product and scored."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.cli.locate import Mode, run
from gateway.cli.recording import read_recording, windows_of
from gateway.model import TagIdentifier
from gateway.report.scoring import (
    Availability,
    EventScore,
    Score,
    availability,
    pooled,
    pooled_availability,
    pooled_events,
    score,
    score_events,
)
from gateway.report.truth import read_truths
from gateway.tags.calibration import Calibration
from gateway.tags.identity import Directory
from gateway.tags.learning import learn
from tests.accuracy.forecasts import (
    Forecasts,
    path_forecasts,
    pooled_forecasts,
    zone_forecasts,
)
from tests.accuracy.towns import Trial


@dataclass(frozen=True, slots=True)
class Outcome:
    """The score of all trials of a kind; `zones` of those events that were told live.

    `available` says how often a position was there, `inside` are the probabilities of zones that
    positions carry, `ways` those of the path named.
    """

    positions: Score
    available: Availability
    zones: dict[str, EventScore]
    inside: Forecasts
    ways: Forecasts

    @property
    def events(self) -> EventScore:
        return pooled_events(self.zones.values())


def outcome(trials: Iterable[Trial], mode: Mode = Mode.LIVE) -> Outcome:
    """What the product makes of `trials`."""
    positions: list[Score] = []
    available: list[Availability] = []
    events: list[EventScore] = []
    inside: list[Forecasts] = []
    ways: list[Forecasts] = []
    for trial in trials:
        site = trial.recording.site
        located = run(trial.recording, [mode], progress=_unseen, radios=trial.radios)
        for tag, truth in trial.truths.items():
            own = [one for one in located.positions[mode] if one.tag == tag]
            positions.append(score(own, truth, site))
            available.append(availability(own, truth))
            inside.append(zone_forecasts(own, truth, site))
            ways.append(path_forecasts(own, truth, site))
            told = [one for one in located.events if one.tag == tag]
            events += score_events(told, truth, site)
    names = dict.fromkeys(event.zone for event in events)
    by_zone = {name: pooled_events((e for e in events if e.zone == name), name) for name in names}
    return Outcome(
        pooled(positions),
        pooled_availability(available),
        by_zone,
        pooled_forecasts(inside),
        pooled_forecasts(ways),
    )


def learned(trial: Trial, previous: Calibration | None = None) -> Calibration:
    """What a night makes of the day of `trial`, without the truth."""
    recording = trial.recording
    names = Directory(TagIdentifier(tag, tag, button=False) for tag in recording.tags)
    windows = list(windows_of(recording, tail_s=0))
    calibration = learn(recording.site, names, windows, previous=previous)
    assert calibration is not None, "a day of walks says something"
    return calibration


def corrected(trial: Trial, calibration: Calibration) -> Trial:
    """The same day with what the night found out of the site and its receivers."""
    site = calibration.corrected(trial.recording.site)
    recording = replace(trial.recording, site=site)
    return replace(trial, recording=recording, radios=calibration.radios)


def recorded(folder: Path) -> Trial:
    """A real recording, whose folder has `truth.csv.gz`."""
    recording = read_recording(folder, progress=_unseen)
    truths = read_truths(folder, recording.site).tags
    return Trial(recording, truths, dict.fromkeys(truths, 0.0))


def _unseen(_done: int, _total: int) -> None:
    """Progress that nobody watches."""
