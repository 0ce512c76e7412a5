"""What a test needs from the machine: absent means a skip that says why, or a failure in CI."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = os.environ.get("REQUIRE_ALL") == "1"


def missing(what: str) -> None:
    """Skip this test (or module) because `what` is not here; fail where everything is required."""
    if REQUIRED:
        pytest.fail(f"{what}: required here (REQUIRE_ALL=1), and not found", pytrace=False)
    pytest.skip(f"{what} not found", allow_module_level=True)


def need(tool: str) -> str:
    """The path of a command on this machine."""
    found = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        missing(f"command {tool} (make test as root on Debian installs it)")
    return str(found)


def shared_dir() -> Path:
    """The folder of shared recordings and vectors: MACHIMORI_SHARED, or `../shared`."""
    folder = Path(os.environ.get("MACHIMORI_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        missing(f"shared data (set MACHIMORI_SHARED; looked in {folder})")
    return folder
