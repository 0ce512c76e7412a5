"""`machimori user add`."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.api.passwords import Passwords
from gateway.cli import build, run_command_line
from gateway.model import Audience
from gateway.store import people
from gateway.store.database import Database
from gateway.store.people import User

PASSWORD = "correct horse battery"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a hub that has not yet run."""
    file = tmp_path / "gateway.toml"
    file.write_text(f'state_dir = "{tmp_path / "state"}"\n', encoding="utf-8")
    return file


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    """A password, with the line end that an editor leaves."""
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return file


def database_of(config: Path) -> Database:
    return Database(config.parent / "state" / "hub.sqlite", owner=False)


def stored(config: Path, login: str) -> tuple[User, str] | None:
    async def found() -> tuple[User, str] | None:
        async with database_of(config) as database:
            return await database.read(people.user_and_hash, login)

    return asyncio.run(found())


def add(config: Path, *arguments: str) -> int:
    return run_command_line(["user", "add", *arguments, "--config", str(config)])


def test_a_user_is_added_with_an_argon2id_hash(config: Path, password_file: Path) -> None:
    code = add(config, "sato", "--audience", "guardian", "--password-file", str(password_file))
    assert code == 0
    found = stored(config, "sato")
    assert found is not None
    user, password_hash = found
    assert (user.login, user.audience, user.language) == ("sato", Audience.GUARDIAN, "ja")
    assert password_hash.startswith("$argon2id$")
    assert asyncio.run(Passwords().fits(password_hash, PASSWORD))


def test_a_password_is_asked_for_twice_and_not_shown(config: Path) -> None:
    command = ["user", "add", "sato", "--audience", "staff", "--config", str(config)]
    done = CliRunner().invoke(build(command), command, input=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    assert PASSWORD not in done.output
    assert "sato may log in now, as staff." in done.output


@pytest.mark.parametrize(
    ("login", "options", "told"),
    [
        ("sato", ["--password-file", "{short}"], "at least 10 characters"),
        ("sato", ["--password-file", "{missing}"], "cannot be read"),
        (" sato", ["--password-file", "{good}"], "A login has"),
        ("sato", ["--password-file", "{good}", "--language", "fr"], "fr: there is no such"),
    ],
)
def test_what_cannot_be_is_said_and_adds_nobody(
    config: Path,
    password_file: Path,
    capsys: pytest.CaptureFixture[str],
    login: str,
    options: list[str],
    told: str,
) -> None:
    short = config.parent / "short"
    short.write_text("123456789", encoding="utf-8")
    files = {"short": short, "missing": config.parent / "nothing", "good": password_file}
    given = [option.format(**files) for option in options]
    assert add(config, login, "--audience", "guardian", *given) == 2
    assert told in capsys.readouterr().err
    assert stored(config, login) is None


def test_a_login_is_taken_once(
    config: Path, password_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("sato", "--audience", "guardian", "--password-file", str(password_file))
    assert add(config, *arguments) == 0
    assert add(config, *arguments) == 2
    assert "There is a user sato already." in capsys.readouterr().err


def test_an_audience_is_one_of_five(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(config, "sato", "--audience", "king") == 2
    assert "guardian" in capsys.readouterr().err


async def test_a_user_is_added_beside_a_running_hub(config: Path, password_file: Path) -> None:
    arguments = ("sato", "--audience", "guardian", "--password-file", str(password_file))
    async with Database(config.parent / "state" / "hub.sqlite") as hub:
        assert await asyncio.to_thread(add, config, *arguments) == 0
        assert (await hub.read(people.user, "sato")).audience is Audience.GUARDIAN
