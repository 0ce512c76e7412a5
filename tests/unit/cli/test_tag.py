"""`machimori tag add`."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from gateway.cli import run_command_line
from gateway.model import Audience, CarrierKind, TagIdentifier, Trust
from gateway.store import people
from gateway.store.database import Connection, Database
from gateway.store.people import Ward
from tests.unit.cli.test_user import config, database_of

__all__ = ["config"]

UUID = "00112233-4455-6677-8899-AABBCCDDEEFF"
PLACE, BUTTON = f"ibeacon:{UUID}:1:7", f"ibeacon:{UUID}:1:8"
UID = "uid:00112233445566778899:aabbccddeeff"


@pytest.fixture
def families(config: Path) -> Path:
    """The settings of a hub that knows two guardians and a member of staff."""

    def settle(connection: Connection) -> None:
        for login, audience in (
            ("sato", Audience.GUARDIAN),
            ("kato", Audience.GUARDIAN),
            ("suzuki", Audience.STAFF),
        ):
            people.add_user(
                connection,
                login=login,
                audience=audience,
                password_hash="x",
                language="ja",
                at=1.0,
            )

    async def work() -> None:
        async with database_of(config) as database:
            await database.write(settle)

    asyncio.run(work())
    return config


def add(config: Path, *arguments: str, guardian: str = "sato", consent: str = "mother") -> int:
    given = ["--guardian", guardian, "--consent-by", consent, "--config", str(config)]
    return run_command_line(["tag", "add", "Hanako", "--kind", "child", *arguments, *given])


def registered(config: Path, login: str) -> tuple[list[Ward], tuple[TagIdentifier, ...]]:
    async def found() -> tuple[list[Ward], tuple[TagIdentifier, ...]]:
        async with database_of(config) as database:
            user = await database.read(people.user, login)
            wards = await database.read(people.wards, user.id)
            return wards, await database.read(people.identifiers)

    return asyncio.run(found())


def test_a_tag_is_added_with_its_carrier_its_button_and_the_consent(
    families: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(families, "--identifier", PLACE, "--button", BUTTON) == 0
    wards, identifiers = registered(families, "sato")
    assert [(one.carrier.name, one.carrier.kind) for one in wards] == [
        ("Hanako", CarrierKind.CHILD)
    ]
    (tag,) = wards[0].tags
    assert tag.trust is Trust.LOW
    assert tag.consent_by == "mother"
    assert abs(tag.consent_at - time.time()) < 60.0
    assert identifiers == (
        TagIdentifier(PLACE.lower(), tag.id, button=False),
        TagIdentifier(BUTTON.lower(), tag.id, button=True),
    )
    told = capsys.readouterr().out
    assert re.search(rf"Tag {tag.id} \(trust low\) of carrier c-[0-9a-f]+ is registered", told)
    assert "Hanako" not in told


def test_a_carrier_may_have_two_guardians_and_others_see_nothing(families: Path) -> None:
    assert add(families, "--identifier", UID, "--guardian", "kato") == 0
    assert registered(families, "kato")[0] == registered(families, "sato")[0]
    assert registered(families, "suzuki")[0] == []


@pytest.mark.parametrize(
    ("arguments", "guardian", "consent", "told"),
    [
        (["--identifier", "ibeacon:1:2:3"], "sato", "mother", "ibeacon:1:2:3: is no identifier"),
        (["--identifier", "eid:0011223344556677"], "sato", "mother", "is no identifier"),
        (["--identifier", PLACE, "--button", PLACE], "sato", "mother", "its button another one"),
        (["--identifier", UID], "nobody", "mother", "There is no user nobody"),
        (["--identifier", UID], "suzuki", "mother", "no guardian"),
        (["--identifier", UID], "sato", " ", "who consented"),
    ],
)
def test_what_cannot_be_is_said_and_registers_nothing(
    families: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    guardian: str,
    consent: str,
    told: str,
) -> None:
    assert add(families, *arguments, guardian=guardian, consent=consent) == 2
    assert told in capsys.readouterr().err
    assert registered(families, "sato") == ([], ())


def test_an_identifier_is_one_tags_only(families: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(families, "--identifier", UID) == 0
    assert add(families, "--identifier", UID.upper()) == 2
    assert "registered already" in capsys.readouterr().err
    assert len(registered(families, "sato")[0]) == 1


def test_there_is_no_tag_without_consent(
    families: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["tag", "add", "Hanako", "--kind", "child", "--identifier", UID]
    assert run_command_line([*command, "--guardian", "sato", "--config", str(families)]) == 2
    assert "consent" in capsys.readouterr().err


async def test_a_running_hub_finds_the_new_tag(families: Path) -> None:
    async with Database(families.parent / "state" / "hub.sqlite") as hub:
        assert await asyncio.to_thread(add, families, "--identifier", UID) == 0
        assert [one.identifier for one in await hub.read(people.identifiers)] == [UID]
