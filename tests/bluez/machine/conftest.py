"""What the machines heard, as a table at the end."""

from collections.abc import Mapping

import pytest

from tests.bluez.alone import MODES
from tests.bluez.facts import Heard
from tests.bluez.machine.machine import Outcome
from tests.bluez.setups import ADVERTS_PER_S, Setup


class Table:
    """A line for each machine that ran."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(
        self, setup: Setup, gateway: Heard, alone: Mapping[str, Heard], outcome: Outcome
    ) -> None:
        """What was heard in a set-up: by the gateway's scanner, and by bleak alone."""
        rates = ", ".join(f"{mode} {alone[mode].per_s(own_rssi=False):.1f}" for mode in MODES)
        own = gateway.per_s(own_rssi=True)
        self.lines.append(
            f"{setup.name:18} {own:.1f} of {ADVERTS_PER_S:.0f} adverts/s with their own RSSI; "
            f"bleak alone: {rates}; {outcome.took_s:.0f} s, {outcome.versions}"
        )


_TABLE = pytest.StashKey[Table]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLE] = Table()


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Table:
    """The table that is printed at the end."""
    return request.config.stash[_TABLE]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    lines = config.stash[_TABLE].lines
    if lines:
        terminalreporter.section("real BlueZ")
    for line in lines:
        terminalreporter.write_line(line)
