"""What each answer of a server means, in both versions of the protocol."""

import base64
import socket
from collections.abc import AsyncIterator
from typing import Literal

import pytest

from gateway.outputs.delivery import Accepted, Outcome, Refused, Unavailable
from gateway.outputs.influx import influx_writer
from gateway.settings import InfluxSettings
from tests.unit.outputs.fake_influx import Answer, FakeInflux, error

LINES = ["m,t=a x=1.0 1", "m,t=b x=2.0 1"]


@pytest.fixture(params=[1, 2])
def version(request: pytest.FixtureRequest) -> Literal[1, 2]:
    """Both protocols give the same outcomes."""
    return 1 if request.param == 1 else 2


@pytest.fixture
async def server() -> AsyncIterator[FakeInflux]:
    """A fake InfluxDB that takes good lines."""
    async with FakeInflux() as fake:
        yield fake


def _settings(url: str, version: Literal[1, 2]) -> InfluxSettings:
    return InfluxSettings(version=version, url=url, database="town", username="sink", bucket="town")


async def _write(
    url: str, version: Literal[1, 2], *, answer_timeout_s: float = 10.0, tries: int = 1
) -> list[Outcome]:
    settings = _settings(url, version)
    async with influx_writer(
        settings, secret="s3cret", answer_timeout_s=answer_timeout_s
    ) as writer:
        return [await writer.write(LINES) for _ in range(tries)]


async def test_accepted_lines_arrive_as_they_were_sent(
    server: FakeInflux, version: Literal[1, 2]
) -> None:
    assert await _write(server.url, version) == [Accepted()]
    assert server.requests[0].lines == LINES


async def test_version_1_names_the_database_the_precision_and_the_user(server: FakeInflux) -> None:
    async with influx_writer(_settings(server.url, 1), secret="sécret") as writer:
        await writer.write(LINES)
    request = server.requests[0]
    assert request.target == "/write?db=town&precision=ms"
    scheme, _, login = request.headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(login).decode()) == ("Basic", "sink:sécret")


async def test_version_2_names_the_bucket_the_precision_and_the_token(server: FakeInflux) -> None:
    settings = _settings(server.url, 2)
    async with influx_writer(settings, secret="token") as writer:
        await writer.write(LINES)
    request = server.requests[0]
    assert request.target == "/api/v2/write?org=machimori&bucket=town&precision=ms"
    assert request.headers["authorization"] == "Token token"


@pytest.mark.parametrize("status", [400, 422])
async def test_a_refusal_in_influxdbs_words_is_the_lines_fault(
    server: FakeInflux, version: Literal[1, 2], status: int
) -> None:
    server.script.append(error(status, "partial write: field type conflict dropped=1"))
    assert await _write(server.url, version) == [
        Refused("partial write: field type conflict dropped=1", dropped=1)
    ]


async def test_too_large_a_batch_is_the_lines_fault_whoever_says_so(
    server: FakeInflux, version: Literal[1, 2]
) -> None:
    server.script.append(Answer(413, "<html>nginx</html>"))
    assert await _write(server.url, version) == [Refused("request too large")]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (error(401, "unauthorized access"), "not_allowed"),
        (error(403, "forbidden"), "not_allowed"),
        (error(404, 'database not found: "town"'), "no_database"),
        (error(429, "slow down"), "busy"),
        (error(500, "engine: cache maximum memory size exceeded"), "server_error"),
        (Answer(502, "<html>bad gateway</html>"), "server_error"),
        (error(503, "starting"), "busy"),
        (Answer(200, "<html>hotel portal</html>"), "unexpected_answer"),
        (Answer(302, headers=(("Location", "http://127.0.0.1:1/"),)), "unexpected_answer"),
        (Answer(400, "Client sent an HTTP request to an HTTPS server."), "unexpected_answer"),
        (Answer(405), "unexpected_answer"),
    ],
)
async def test_every_other_answer_leaves_the_lines_with_the_sender(
    server: FakeInflux, version: Literal[1, 2], answer: Answer, problem: str
) -> None:
    server.script.append(answer)
    refused, accepted = await _write(server.url, version, tries=2)
    assert isinstance(refused, Unavailable)
    assert refused.problem == problem
    assert "s3cret" not in refused.advice
    assert accepted == Accepted()


async def test_a_missing_database_comes_with_the_command_that_makes_it(server: FakeInflux) -> None:
    server.script += [error(404, "database not found"), error(404, "bucket not found")]
    names: dict[Literal[1, 2], str] = {1: "database", 2: "bucket"}
    for version, what in names.items():
        (outcome,) = await _write(server.url, version)
        assert isinstance(outcome, Unavailable)
        assert f"Make the {what} (machimori influx setup)" in outcome.advice


NOON = ("Date", "Wed, 21 Oct 2026 12:00:00 GMT")


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ([("Retry-After", "7")], 7.0),
        ([("Retry-After", "Wed, 21 Oct 2026 12:00:40 GMT"), NOON], 40.0),
        ([("Retry-After", "Wed, 21 Oct 2026 11:59:00 GMT"), NOON], 0.0),
        ([("Retry-After", "Wed, 21 Oct 2026 12:00:40 GMT")], 0.0),
        ([("Retry-After", "Wed, 99 Oct 99999999999999 12:00:40 GMT"), NOON], 0.0),
        ([("Retry-After", "soon"), NOON], 0.0),
        ([("Retry-After", "-1")], 0.0),
        ([], 0.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_the_patience_that_a_server_asks_for_is_told_in_seconds_or_until_a_date(
    server: FakeInflux,
    version: Literal[1, 2],
    status: int,
    headers: list[tuple[str, str]],
    expected_s: float,
) -> None:
    server.script.append(Answer(status, headers=tuple(headers)))
    (outcome,) = await _write(server.url, version)
    assert isinstance(outcome, Unavailable)
    assert outcome.retry_after_s == expected_s


@pytest.mark.parametrize("cut", ["request", "before", "answer"])
@pytest.mark.parametrize("answer", [Answer(204), error(400, "partial write"), error(500, "engine")])
async def test_a_connection_cut_in_its_middle_leaves_the_lines_with_the_sender(
    server: FakeInflux,
    version: Literal[1, 2],
    answer: Answer,
    cut: Literal["request", "before", "answer"],
) -> None:
    server.script.append(answer._replace(cut=cut))
    cut_off, accepted = await _write(server.url, version, tries=2)
    assert isinstance(cut_off, Unavailable)
    assert cut_off.problem == "unreachable"
    assert accepted == Accepted()


async def test_a_slow_answer_is_awaited(server: FakeInflux, version: Literal[1, 2]) -> None:
    server.script.append(Answer(204, delay_s=0.3))
    assert await _write(server.url, version) == [Accepted()]


async def test_a_server_that_hangs_is_left_after_the_time_out(
    server: FakeInflux, version: Literal[1, 2]
) -> None:
    server.script.append(Answer(204, hang=True))
    hung, accepted = await _write(server.url, version, answer_timeout_s=0.2, tries=2)
    assert isinstance(hung, Unavailable)
    assert hung.problem == "unreachable"
    assert accepted == Accepted()


async def test_a_server_that_is_not_there_is_unreachable(version: Literal[1, 2]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (outcome,) = await _write(f"http://127.0.0.1:{port}", version)
    assert isinstance(outcome, Unavailable)
    assert outcome.problem == "unreachable"
    assert str(port) in outcome.advice


async def test_an_address_that_is_none_is_told_not_raised(version: Literal[1, 2]) -> None:
    (outcome,) = await _write("http://[::1", version)
    assert isinstance(outcome, Unavailable)


async def test_a_connection_cut_between_two_writes_is_opened_again(
    server: FakeInflux, version: Literal[1, 2]
) -> None:
    async with influx_writer(_settings(server.url, version), secret="x") as writer:
        assert await writer.write(LINES) == Accepted()
        await server.stop()
        assert isinstance(await writer.write(LINES), Unavailable)
        await server.start()
        assert await writer.write(LINES) == Accepted()
