"""The page's TypeScript passes the strict type check, which a missing text would not."""

import os
import subprocess
from pathlib import Path

import pytest

from gateway.web.build_hook import machine_npm, packaged_npm
from tests.needs import ROOT, missing

WEB = ROOT / "gateway" / "web"


def npm_exec(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the page's own tools."""
    npm = machine_npm(os.environ) or packaged_npm() or []
    if not npm or not (WEB / "node_modules").is_dir():
        missing("npm with the page's packages (gateway/web/node_modules)")
    path = f"{Path(npm[0]).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [*npm, "exec", "--offline", "--", *arguments],
        cwd=WEB,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_sources_pass_the_type_check() -> None:
    done = npm_exec("svelte-check", "--tsconfig", "./tsconfig.json", "--fail-on-warnings")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "lacks"),
    [("texts.ts", ', en: "Log out"'), ("staff/texts.ts", ', en: "Back"')],
)
def test_a_text_that_lacks_a_language_fails_the_type_check(
    module: str, lacks: str, tmp_path: Path
) -> None:
    whole = (WEB / "src" / module).read_text(encoding="utf-8")
    lacking = whole.replace(lacks, "")
    assert lacking != whole
    (tmp_path / "texts.ts").write_text(lacking, encoding="utf-8")
    options = ("--ignoreConfig", "--noEmit", "--strict", "--target", "es2022")
    done = npm_exec("tsc", *options, str(tmp_path / "texts.ts"))
    assert done.returncode != 0
    assert "Property 'en' is missing" in done.stdout
