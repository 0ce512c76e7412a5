import os
from pathlib import Path

import pytest

from gateway.store.errors import StoreError
from gateway.store.locks import held

NOBODY = 65_534


def test_a_lock_that_is_held_is_not_had(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    with (
        held(lock, else_say="x"),
        pytest.raises(StoreError, match="busy"),
        held(lock, else_say="busy"),
    ):
        pass
    with held(lock, else_say="busy"):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what is another's")
def test_what_root_locks_first_belongs_to_the_folders_owner(tmp_path: Path) -> None:
    """Else the service, which is not root, could never open it."""
    os.chown(tmp_path, NOBODY, NOBODY)
    with held(tmp_path / "a.lock", else_say="busy"):
        found = (tmp_path / "a.lock").stat()
    assert (found.st_uid, found.st_gid) == (NOBODY, NOBODY)
