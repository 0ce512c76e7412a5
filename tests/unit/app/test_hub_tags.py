"""A hub without its key goes on with what needs none."""

from pathlib import Path

import pytest
import structlog

from gateway.app.hub_tags import hub_key
from gateway.sealing import write_new_key
from gateway.settings import HubSettings


def test_a_hub_that_was_given_a_key_reads_it(tmp_path: Path) -> None:
    made = write_new_key(tmp_path / "tags.key")
    read = hub_key(HubSettings(key_file=tmp_path / "tags.key"))
    assert read is not None
    assert read.id == made.id


def test_a_hub_that_was_given_none_says_nothing() -> None:
    with structlog.testing.capture_logs() as told:
        assert hub_key(HubSettings()) is None
    assert told == []


@pytest.mark.parametrize("text", [None, "00" * 31])
def test_a_key_that_cannot_be_read_is_told_and_the_hub_goes_on(
    tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "tags.key"
    if text is not None:
        file.write_text(text)
    with structlog.testing.capture_logs() as told:
        assert hub_key(HubSettings(key_file=file)) is None
    (line,) = told
    assert str(file) in line["reason"]
    assert "00000000" not in str(line)
