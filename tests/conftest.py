"""Fixtures that every folder of tests may use."""

from pathlib import Path

import pytest

from tests.needs import shared_dir


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared recordings, adverts and vectors."""
    return shared_dir()
