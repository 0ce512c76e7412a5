"""What is known of a site's receivers beyond its file, as plain data: stored, applied, undone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import hypot
from typing import Any, NamedTuple

import msgspec
import numpy as np

from gateway.site import Receiver, Site
from gateway.tags.fitting import Belief
from gateway.tags.health import Verdict
from gateway.tags.propagation import Radio

LASTING_SD_DB = 3.0  # of a calibrated receiver, at a place and on a day


class Correction(NamedTuple):
    """A receiver that the site says to be at `stated` is at `actual`: east and north, metres."""

    stated: tuple[float, float]
    actual: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is known of a site's receivers at `at`, Unix seconds.

    `corrections` are of receivers that stand elsewhere than the site says; `left_out` must not be
    listened to. `before` and `after` are mean log likelihoods, nats a second, of what was held
    back, without and with the change that was tried. Where it is not `accepted`, `beliefs` and
    `corrections` are those of before; `left_out` and `verdicts` are new in any case. For a receiver
    that hears nothing does so with any radio: no score decides on it, and until it is left out
    its silence misleads.
    """

    at: float
    beliefs: Mapping[str, Belief] = field(default_factory=dict)
    corrections: Mapping[str, Correction] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    before: float = 0.0
    after: float = 0.0
    accepted: bool = False

    @property
    def radios(self) -> dict[str, Radio]:
        """For the tracker: how well each is known includes what a place and a day change."""
        return {
            one: replace(
                belief.radio, power_sd_db=round(hypot(belief.level_sd_db, LASTING_SD_DB), 2)
            )
            for one, belief in self.beliefs.items()
        }

    def corrected(self, site: Site) -> Site:
        """The site with its receivers where they are, without those that must be left out.

        A correction ends where the site's file was corrected. Where none would be left, none is
        left out: without any receiver nothing could be located, or learned again.
        """
        every = [replace(receiver, xy=self._spot(receiver)) for receiver in site.receivers]
        left = [receiver for receiver in every if receiver.id not in self.left_out]
        return replace(site, receivers=tuple(left or every))

    def tunes_as(self, other: "Calibration") -> bool:
        """Whether a tracker would be tuned just as by the `other`."""
        return (self.beliefs, self.corrections, self.left_out) == (
            other.beliefs,
            other.corrections,
            other.left_out,
        )

    def _spot(self, receiver: Receiver) -> tuple[float, float]:
        known = self.corrections.get(receiver.id)
        if known is None or not np.allclose(known.stated, receiver.xy, atol=0.5):
            return receiver.xy
        return known.actual

    def as_document(self) -> dict[str, Any]:
        """Plain data for JSON."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Calibration":
        """The calibration of `as_document`. Raises msgspec.ValidationError for anything else."""
        return msgspec.convert(document, cls)
