"""What must be true of what a scan heard, whatever the BlueZ: the gateway's own (`listen.py`), and
bleak's alone (`alone.py`), which shows that this BlueZ has the habits of the real one."""

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.bluez.setups import ADVERTS_PER_S, BEACONS, Setup

OF_50 = 49.0
ONCE_OF_50 = 51.0
"""Adverts a second that no scan may exceed: then some would come twice."""

NEAR_REAL_SHARE, NEAR_REAL_PER_S = 0.06, 1.2
"""How far from what real BlueZ gave a rate may be: one run differs from the next."""
OF_ANOTHER = (0.75, 0.95)
"""The share of callbacks with another advert's RSSI where it is kept: 85 % with real BlueZ."""


class Row(NamedTuple):
    """One advert as it was passed on."""

    at_s: float
    address: str
    rssi_dbm: int
    truth_dbm: int | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What one adapter heard in `seconds` of its own clock."""

    seconds: float
    rows: tuple[Row, ...]

    def per_s(self, *, own_rssi: bool) -> float:
        """Adverts a second; only those with the RSSI that they came with, where `own_rssi`."""
        own = [row for row in self.rows if not own_rssi or row.rssi_dbm == row.truth_dbm]
        return len(own) / self.seconds


def read_heard(path: Path) -> dict[str, Heard]:
    """What each adapter heard, from the file that listen.py wrote."""
    said = json.loads(path.read_text(encoding="utf-8"))["adapters"]
    return {
        adapter: Heard(one["seconds"], tuple(Row(*row) for row in one["adverts"]))
        for adapter, one in said.items()
    }


def every_advert_has_its_own_rssi(heard: Heard) -> None:
    """At least 49 of 50 adverts a second, each with the RSSI that it came with; none twice."""
    own, all_of_them = heard.per_s(own_rssi=True), heard.per_s(own_rssi=False)
    assert own >= OF_50 / 50.0 * ADVERTS_PER_S, f"{own:.1f}/s with their own RSSI"
    assert all_of_them <= ONCE_OF_50 / 50.0 * ADVERTS_PER_S, f"{all_of_them:.1f}/s: some twice"


def every_tag_is_heard(heard: Heard) -> None:
    """No tag is missed or heard less than the others."""
    each = Counter(row.address for row in heard.rows)
    expected = ADVERTS_PER_S / len(BEACONS) * heard.seconds
    assert set(each) == {beacon.address for beacon in BEACONS}
    assert min(each.values()) >= 0.9 * expected - 1, dict(each)


def hardly_an_advert_is_lost(heard: Heard) -> None:
    """The counts in the adverts that count say so, whatever the clocks."""
    counts: dict[str, list[int]] = {}
    for row in heard.rows:
        if row.count is not None:
            counts.setdefault(row.address, []).append(row.count)
    sent = sum(most - least + 1 for c in counts.values() for least, most in [(min(c), max(c))])
    came = sum(len(set(some)) for some in counts.values())
    assert sent, "no tag counted"
    assert came >= OF_50 / 50.0 * sent, f"{came} of {sent}"


FACTS = (every_advert_has_its_own_rssi, every_tag_is_heard, hardly_an_advert_is_lost)
"""Each is a function of what one adapter heard, and asserts."""


def bleak_alone_hears_as_with_real_bluez(heard: Heard, setup: Setup, mode: str) -> None:
    """Of tags whose payload stays as it is, in one of the modes of alone.py."""
    real_per_s: float = getattr(setup, mode)
    per_s = heard.per_s(own_rssi=False)
    assert {row.address for row in heard.rows} == {beacon.address for beacon in BEACONS}
    assert math.isclose(per_s, real_per_s, rel_tol=NEAR_REAL_SHARE, abs_tol=NEAR_REAL_PER_S), (
        f"{per_s:.1f}/s; with real BlueZ {real_per_s}/s"
    )


def mostly_with_the_rssi_of_another(heard: Heard) -> None:
    """A passive scan of tags whose payload changes with each advert."""
    anothers = sum(row.rssi_dbm != row.truth_dbm for row in heard.rows)
    least, most = OF_ANOTHER
    assert heard.per_s(own_rssi=False) >= 0.8 * ADVERTS_PER_S
    assert least < anothers / len(heard.rows) < most, f"{anothers} of {len(heard.rows)}"
