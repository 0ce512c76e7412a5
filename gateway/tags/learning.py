"""Receivers calibrated by themselves: what a day of unlabelled walks changes.

Expectation–maximisation: the tracker says where the tags were, the radios are fitted to that, and
the tracker is run anew. Receivers that are out of order or do not stand where they are said to are
found on the way. A change is kept only where it predicts better what was held back.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from gateway.model import Window
from gateway.site import Receiver, Site
from gateway.tags import health
from gateway.tags.blocks import choose_blocks
from gateway.tags.calibration import Calibration, Correction
from gateway.tags.evidence import Evidence, Indexes, gather
from gateway.tags.fitting import Belief, Fitting, looks_of, pivot_of
from gateway.tags.health import Fault, Verdict
from gateway.tags.identity import Directory
from gateway.tags.placing import Search
from gateway.tags.propagation import Radio
from gateway.tags.surroundings import surroundings_of

LEAST_ROWS = 40
MOST_LOOKS = 3  # without those that are doubted

POWER_SD_DB = 4.0  # between receivers of one make
EXPONENT_SD = 0.3
COMMON_SD_DB = 10.0  # of a site against generic constants
DRIFT_DB = 1.5  # of a receiver, from day to day
COMMON_DRIFT_DB = 0.5
EXPONENT_DRIFT = 0.05
MOST_CHANGE_DB = 6.0  # in a day, once calibrated


def learn(
    site: Site,
    directory: Directory,
    windows: Iterable[Window],
    *,
    previous: Calibration | None = None,
) -> Calibration | None:
    """What `windows`, by time, change of the `previous` calibration; None where they say nothing.

    `windows` are gone through several times, so they must not be an iterator; they are not those
    that `previous` was learned from, which would count twice. Where the change does not predict
    better, the calibration returned is the previous one with new scores and verdicts.
    """
    if not site.receivers:
        return None
    return _Night(site, directory, windows, previous or Calibration(at=0.0)).learn()


@dataclass(frozen=True, slots=True)
class _View:
    """What the tracker made of the windows with a calibration."""

    calibration: Calibration
    learned: Evidence
    held_back: Evidence


class _Night:
    """One stretch of windows, and the calibration that it changes."""

    def __init__(
        self, site: Site, directory: Directory, windows: Iterable[Window], previous: Calibration
    ) -> None:
        self._site, self._directory, self._windows = site, directory, windows
        self._previous = previous
        self._surroundings = surroundings_of(site.receivers)
        self._pivot_m = pivot_of(site.receivers)
        self._names = [receiver.id for receiver in site.receivers]
        self._prior = {name: self._expected(previous.beliefs.get(name)) for name in self._names}
        self._blocks = choose_blocks(windows, directory, frozenset(self._names))

    def learn(self) -> Calibration | None:
        """Runs of the tracker: as it was, without those that are doubted, and with the change."""
        first = self._look(self._previous)
        if len(first.learned.tag) < LEAST_ROWS or not len(first.held_back.tag):
            return None
        trial, unheard, misplaced = self._judge(*self._without_doubted(first))
        before, after = self._scores(first, self._look(trial))
        if after > before:
            kept, elsewhere = trial, [*misplaced, *self._deaf(trial, first)]
        else:
            elsewhere = self._still_elsewhere(self._previous.corrections.keys())
            lost = _named(verdict for verdict in elsewhere if verdict.place is None)
            kept = replace(self._previous, left_out=tuple(sorted(_named(unheard) | lost)))
        return replace(
            kept,
            at=float(first.learned.second.max() + 1),
            verdicts=(*unheard, *elsewhere),
            before=before,
            after=after,
            accepted=after > before,
        )

    def _without_doubted(self, view: _View) -> tuple[_View, set[str]]:
        """What is seen without those that may stand elsewhere, and those suspected themselves.

        Without one that misleads, more may come to light.
        """
        standing = self._standing(self._previous)
        suspected: set[str] = set()
        doubted: set[str] = set()
        for _ in range(MOST_LOOKS):
            fitting = self._fit(view.learned, [one for one in standing if one.id not in doubted])
            found = self._search(view.learned, fitting, standing)
            suspected |= set(self._previous.left_out) & found.keys()
            suspected |= health.suspects(found, standing, self._pivot_m)
            beside = health.accomplices(found, standing, self._pivot_m, suspected=suspected)
            if doubted and suspected | beside <= doubted:
                break
            doubted |= suspected | beside
            unheard = _named(self._unheard(view.learned, fitting, standing))
            without = self._calibrated(self._previous, fitting, left_out=unheard | doubted)
            view = self._look(without)
            if not doubted:
                break
        return view, suspected

    def _still_elsewhere(self, corrected: Set[str]) -> list[Verdict]:
        """What was said before of those that are `corrected`, or that stand nobody knows where."""
        return [
            verdict
            for verdict in self._previous.verdicts
            if verdict.fault in (Fault.MOVED, Fault.SWAPPED)
            and (verdict.receiver in corrected or verdict.place is None)
            and verdict.receiver in self._names
        ]

    def _expected(self, before: Belief | None) -> Belief:
        """What is believed of a receiver before today."""
        if before is None:
            return Belief(self._surroundings.radio, POWER_SD_DB, EXPONENT_SD)
        level_sd_db = float(np.hypot(before.level_sd_db, DRIFT_DB))
        return Belief(
            before.radio, level_sd_db, float(np.hypot(before.exponent_sd, EXPONENT_DRIFT))
        )

    def _standing(self, calibration: Calibration) -> tuple[Receiver, ...]:
        """All receivers, where they are, also those left out."""
        return replace(calibration, left_out=()).corrected(self._site).receivers

    def _look(self, calibration: Calibration) -> _View:
        learned, held_back = gather(
            calibration.corrected(self._site),
            self._directory,
            self._windows,
            receivers=self._names,
            blocks=self._blocks,
            radios=calibration.radios,
        )
        return _View(calibration, learned, held_back)

    def _fit(self, evidence: Evidence, receivers: Iterable[Receiver]) -> Fitting:
        """Radios of `receivers`; what they missed after they were last heard is not theirs."""
        looks = {
            one.id: looks_of(evidence, one, until=health.last_heard(evidence, one.id))
            for one in receivers
        }
        fitting = Fitting(
            looks,
            self._prior,
            tags=evidence.tags,
            pivot_m=self._pivot_m,
            packet_sd_db=self._surroundings.packet_sd_db,
            common_sd_db=COMMON_DRIFT_DB if self._previous.beliefs else COMMON_SD_DB,
        )
        fitting.run()
        return fitting

    def _unheard(
        self, evidence: Evidence, fitting: Fitting, standing: Iterable[Receiver]
    ) -> list[Verdict]:
        """Who is dead or silent, or was and could not show since that it is not."""
        found = health.unheard(evidence, standing, fitting.radios, fitting.offsets_db)
        known = _named(found)
        still = (
            verdict
            for verdict in self._previous.verdicts
            if verdict.fault in (Fault.DEAD, Fault.SILENT)
            and verdict.receiver in self._names
            and verdict.receiver not in known
            and health.last_heard(evidence, verdict.receiver) < 0
        )
        return [*found, *still]

    def _search(
        self, evidence: Evidence, fitting: Fitting, receivers: Sequence[Receiver]
    ) -> dict[str, Search]:
        return health.searches(
            evidence,
            receivers,
            self._usual(fitting),
            offsets_db=fitting.offsets_db,
            pivot_m=self._pivot_m,
            packet_sd_db=self._surroundings.packet_sd_db,
        )

    def _usual(self, fitting: Fitting) -> Belief:
        """A receiver of this site of which nothing else is known."""
        radios = list(fitting.radios.values())
        reach = 10 * float(np.log10(self._pivot_m))
        exponent = median(radio.exponent for radio in radios)
        radio = Radio(
            power_dbm=median(one.power_dbm - reach * one.exponent for one in radios)
            + reach * exponent,
            exponent=exponent,
            threshold_dbm=median(one.threshold_dbm for one in radios),
            detection=median(one.detection for one in radios),
        )
        return Belief(radio, POWER_SD_DB, EXPONENT_SD)

    def _judge(
        self, view: _View, suspected: Set[str]
    ) -> tuple[Calibration, list[Verdict], list[Verdict]]:
        """What to try, who is unheard, and who stands elsewhere.

        Those left out of the `view` had no say in where it has the tags.
        """
        without, evidence = view.calibration, view.learned
        fitting = self._fit(evidence, without.corrected(self._site).receivers)
        accused = [one for one in self._standing(without) if one.id in without.left_out]
        found = self._search(evidence, fitting, accused)
        verdicts = health.misplaced(found, accused, self._pivot_m, suspected=suspected)
        corrections = self._corrections(verdicts)
        known = _named(verdicts)
        verdicts = [one for one in verdicts if one.place is None or one.receiver in corrections]
        lost = _named(one for one in verdicts if one.place is None)
        verdicts += [
            one
            for one in self._still_elsewhere(corrections.keys())
            if one.receiver not in known and one.place is not None
        ]
        placed = replace(without, corrections=corrections, left_out=())
        standing = [one for one in self._standing(placed) if one.id not in lost]
        fitting = self._fit(evidence, standing)
        unheard = self._unheard(evidence, fitting, standing)
        trial = self._calibrated(placed, fitting, left_out=lost | _named(unheard))
        return trial, unheard, verdicts

    def _corrections(self, verdicts: Iterable[Verdict]) -> dict[str, Correction]:
        """The previous ones and those of `verdicts`; none of a receiver that was put right."""
        stated = {receiver.id: receiver.xy for receiver in self._site.receivers}
        corrections = {
            one: known
            for one, known in self._previous.corrections.items()
            if one in stated and np.allclose(known.stated, stated[one], atol=0.5)
        }
        for verdict in verdicts:
            corrections.pop(verdict.receiver, None)
            spot, place = stated[verdict.receiver], verdict.place
            if place is None:
                continue
            if np.hypot(*np.subtract(place, spot)) > health.MOVED_PIVOTS * self._pivot_m:
                corrections[verdict.receiver] = Correction(spot, place)
        return corrections

    def _calibrated(
        self, calibration: Calibration, fitting: Fitting, *, left_out: Set[str]
    ) -> Calibration:
        """With what was fitted, no receiver changed by more than a day may."""
        beliefs = dict(self._prior)
        for receiver, belief in fitting.beliefs.items():
            before = self._previous.beliefs.get(receiver)
            beliefs[receiver] = belief if before is None else self._capped(belief, before)
        return replace(calibration, beliefs=beliefs, left_out=tuple(sorted(left_out)))

    def _capped(self, belief: Belief, before: Belief) -> Belief:
        reach = 10 * np.log10(self._pivot_m)
        new, old = (one.radio.power_dbm - reach * one.radio.exponent for one in (belief, before))
        excess = float(new - np.clip(new, old - MOST_CHANGE_DB, old + MOST_CHANGE_DB))
        radio = replace(belief.radio, power_dbm=belief.radio.power_dbm - excess)
        return replace(belief, radio=radio)

    def _deaf(self, trial: Calibration, view: _View) -> list[Verdict]:
        heard = [one for one in trial.beliefs if len(view.learned.hearings[one].rows)]
        return health.deaf(trial.beliefs, heard=heard, pivot_m=self._pivot_m)

    def _scores(self, first: _View, last: _View) -> tuple[float, float]:
        """How well either predicts what was held back: the same seconds and receivers in both."""
        keys = np.intersect1d(first.held_back.keys, last.held_back.keys)
        silent = set(last.calibration.left_out) | set(first.calibration.left_out)
        before, after = (self._score(view, keys, silent) for view in (first, last))
        return before, after

    def _score(self, view: _View, keys: Indexes, silent: Set[str]) -> float:
        evidence = view.held_back.among(keys)
        looks = {
            one.id: looks_of(evidence, one)
            for one in view.calibration.corrected(self._site).receivers
            if one.id not in silent
        }
        beliefs = {one: view.calibration.beliefs.get(one, self._prior[one]) for one in looks}
        fitting = Fitting(
            looks,
            beliefs,
            tags=evidence.tags,
            pivot_m=self._pivot_m,
            packet_sd_db=self._surroundings.packet_sd_db,
            common_sd_db=COMMON_SD_DB,
        )
        return round(fitting.score() / max(len(evidence.tag), 1), 4)


def _named(verdicts: Iterable[Verdict]) -> set[str]:
    return {verdict.receiver for verdict in verdicts}
