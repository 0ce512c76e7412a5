"""`machimori influx setup` against influxd 1.x: done once, done again, and who may then write."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli import run_command_line
from gateway.outputs.influx import may_write
from gateway.settings import InfluxSettings
from tests.integration.influx_server import InfluxServer

ADMIN = ("root", "it's \\ secret")


class Setup:
    """The command, with settings and secrets in a folder."""

    def __init__(self, folder: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.password = folder / "password"
        self.password.write_text("sink's own\n")
        self.admin = folder / "admin"
        self.admin.write_text(ADMIN[1])
        self._url = url
        self._capsys = capsys

    async def run(self, *arguments: str, user: str = "", days: int = 30) -> tuple[int, list[str]]:
        """Its exit code and what it said."""
        config = self.folder / "gateway.toml"
        config.write_text(
            f'[sink.influx]\nversion = 1\nurl = "{self._url}"\ndatabase = "the town"\n'
            f'retention_days = {days}\nusername = "{user}"\nsecret_file = "{self.password}"\n'
        )
        words = ["influx", "setup", "--config", str(config), *arguments]
        code = await asyncio.to_thread(run_command_line, words)
        said = self._capsys.readouterr()
        return code, (said.out + said.err).splitlines()

    async def as_admin(self, *arguments: str, days: int = 30) -> tuple[int, list[str]]:
        """The same with an administrator's password, for the sink's user."""
        admin = ("--admin-user", ADMIN[0], "--admin-secret-file", str(self.admin))
        return await self.run(*admin, *arguments, user="sink", days=days)


async def _kept(influxd: InfluxServer, *, login: tuple[str, str] | None = None) -> object:
    (policy,) = await influxd.query('SHOW RETENTION POLICIES ON "the town"', login=login)
    return policy["duration"]


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[InfluxServer]:
    """A server with logins, and an administrator."""
    async with InfluxServer(tmp_path / "influxd", auth=True) as influxd:
        await influxd.start()
        password = ADMIN[1].replace("\\", "\\\\").replace("'", "\\'")
        await influxd.query(f"CREATE USER root WITH PASSWORD '{password}' WITH ALL PRIVILEGES")
        yield influxd


async def test_the_database_is_made_with_its_retention_once(
    influxd: InfluxServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await influxd.start()
    setup = Setup(tmp_path, influxd.url, capsys)
    code, said = await setup.run()
    assert (code, said) == (
        0,
        ["database the town: made; points are kept for 30 days", "the sink may write"],
    )
    assert await _kept(influxd) == "720h0m0s"
    code, said = await setup.run()
    assert (code, said[0]) == (0, "database the town: there; points are kept for 30 days")
    assert await influxd.query("SELECT * FROM /.*/", database="the town") == []


async def test_a_retention_is_lengthened_at_once_and_shortened_only_when_it_is_said(
    influxd: InfluxServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await influxd.start()
    await influxd.create_database("the town")
    setup = Setup(tmp_path, influxd.url, capsys)
    code, said = await setup.run()
    assert code == 2
    assert "keeps points for ever" in said[0]
    assert "--shorten" in said[0]
    assert await _kept(influxd) == "0s"
    code, said = await setup.run("--shorten")
    assert code == 0
    assert said[0] == "database the town: points are kept for 30 days now, before for ever"
    assert await _kept(influxd) == "720h0m0s"
    code, said = await setup.run(days=60)
    assert (code, await _kept(influxd)) == (0, "1440h0m0s")


async def test_a_user_of_the_sinks_own_is_made_that_may_write_here_and_nothing_else(
    closed: InfluxServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = Setup(tmp_path, closed.url, capsys)
    code, said = await setup.as_admin()
    assert code == 0
    assert said[1] == (
        "user sink: made, with the password of sink.influx.secret_file; "
        "it was given the right to write"
    )
    grants = await closed.query("SHOW GRANTS FOR sink", login=ADMIN)
    assert grants == [{"database": "the town", "privilege": "WRITE"}]
    settings = InfluxSettings(version=1, url=closed.url, username="sink", database="the town")
    assert await asyncio.to_thread(may_write, settings, secret="sink's own") is None
    code, said = await setup.as_admin()
    assert (code, said[1:]) == (0, ["user sink: there", "the sink may write"])


async def test_who_is_no_administrator_is_told_and_no_secret_is_shown(
    closed: InfluxServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = Setup(tmp_path, closed.url, capsys)
    code, said = await setup.run(user="sink")
    assert code == 2
    assert "--admin-secret-file" in said[0]
    assert (await setup.as_admin())[0] == 0
    setup.password.write_text("another")
    code, said = await setup.as_admin()
    assert code == 2
    assert "the sink may not write" in said[-1]
    assert "another" not in str(said)
    assert ADMIN[1] not in str(said)


async def test_a_server_that_is_not_there_is_told(
    influxd: InfluxServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = await Setup(tmp_path, influxd.url, capsys).run()
    assert code == 2
    assert "Start InfluxDB" in said[0]
