"""A clock that a test turns, and somebody who writes down what an adapter tells."""

import pytest


class Clock:
    """Monotonic seconds, from 1,000."""

    def __init__(self):
        self.now_s = 1_000.0

    def __call__(self):
        return self.now_s


class Told:
    """What was told, as (what, path, …)."""

    def __init__(self):
        self.signals = []

    def added(self, path, interfaces):
        self.signals.append(("added", path, sorted(interfaces)))

    def removed(self, path, interfaces):
        self.signals.append(("removed", path, sorted(interfaces)))

    def changed(self, path, interface, changed, gone):
        said = {name: value.value for name, value in changed.items()}
        self.signals.append(("changed", path, interface, said, gone))

    def release(self, client, path):
        self.signals.append(("release", client, path))

    def take(self):
        """What was told since last asked."""
        signals, self.signals = self.signals, []
        return signals


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told():
    return Told()
