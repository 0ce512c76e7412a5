"""An SOS reaches the hub past a crowd of strangers and hours of backlog; `make bench` times it."""

import logging
from pathlib import Path
from statistics import median

import pytest

from tests.system.siren import rig_of, sirens

TAGS = 16
BACKLOG_ROWS = 40_000  # minutes of sending
STRANGERS_PER_S = 300.0
KNOWN_WITHIN_S = 5.0  # `make bench` measures; this guards the order, on a busy machine too

_log = logging.getLogger(__name__)


@pytest.mark.timeout(180)
async def test_every_sos_comes_through_before_the_backlog_and_the_crowd(tmp_path: Path) -> None:
    async with rig_of(tmp_path / "rig") as rig:
        crowd = sirens(rig, TAGS)
        await crowd.register()
        await crowd.fill_outbox(BACKLOG_ROWS)
        await crowd.start()
        await crowd.cry(every_s=0.3, strangers_per_s=STRANGERS_PER_S)
        delays_s = crowd.delays_s()
        _log.info("SOS to alert: median %.0f ms", 1_000 * median(delays_s.values()))
        assert sorted(delays_s) == [tag.number for tag in crowd.tags]
        assert crowd.backlog() > 0
        assert median(delays_s.values()) < KNOWN_WITHIN_S
