"""What the product makes of each world, found out once and judged by many tests."""

from pathlib import Path

import pytest

from gateway.cli.locate import Mode
from tests.accuracy.towns import Trial
from tests.accuracy.trials import Outcome, outcome, recorded
from tests.accuracy.worlds import WORLDS


class Found:
    """`found(world, mode)`: the outcome, remembered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._trials: dict[str, list[Trial]] = {}
        self._outcomes: dict[tuple[str, Mode], Outcome] = {}

    def __call__(self, world: str, mode: Mode = Mode.LIVE) -> Outcome:
        if (world, mode) not in self._outcomes:
            self._outcomes[world, mode] = outcome(self._trials_of(world), mode)
        return self._outcomes[world, mode]

    def _trials_of(self, world: str) -> list[Trial]:
        if world not in self._trials:
            folder = self._folder / world
            folder.mkdir()
            self._trials[world] = WORLDS[world](folder)
        return self._trials[world]


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Outcomes of the simulated worlds."""
    return Found(tmp_path_factory.mktemp("worlds"))


@pytest.fixture(scope="session")
def office(shared: Path) -> dict[Mode, Outcome]:
    """One beacon carried through a furnished office, heard by twelve receivers; six sessions."""
    trial = recorded(shared / "data" / "recordings" / "danis-dev")
    return {mode: outcome([trial], mode) for mode in Mode}
