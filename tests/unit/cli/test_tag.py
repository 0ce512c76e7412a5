"""`machimori tag`."""

import asyncio
import io
import json
import re
import time
from pathlib import Path

import pytest

from gateway.app.tag_keys import TagKeys, open_keys, read_tag_keys
from gateway.cli import run_command_line
from gateway.model import Audience, CarrierKind, TagIdentifier, Trust
from gateway.sealing import read_sealing_key, write_new_key
from gateway.store import people, tag_keys
from gateway.store.database import Connection, Database
from gateway.store.people import Ward
from gateway.store.tag_keys import Counter, SealedKeys
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


# --- tags with keys -------------------------------------------------------------------------------

IDENTITY_KEY, BIND_KEY = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
NATIVE = {
    "identity_key": IDENTITY_KEY,
    "rotation_exponent": 10,
    "zero_at": 1_795_000_000.0,
    "bind_key": BIND_KEY,
}
BTHOME = "bthome:aa:bb:cc:dd:ee:ff"


@pytest.fixture
def with_key(families: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same settings, with a hub's key."""
    file = families.parent / "tags.key"
    write_new_key(file)
    monkeypatch.setenv("MACHIMORI__HUB__KEY_FILE", str(file))
    return families


def keys_file(folder: Path, **keys: object) -> str:
    file = folder / "tag.json"
    file.write_text(json.dumps(keys))
    return str(file)


def kept(config: Path) -> tuple[SealedKeys, ...]:
    async def found() -> tuple[SealedKeys, ...]:
        async with database_of(config) as database:
            return await database.read(tag_keys.in_use)

    return asyncio.run(found())


def opened(config: Path) -> list[TagKeys]:
    key = read_sealing_key(config.parent / "tags.key")
    return [open_keys(key, one) for one in kept(config)]


def test_a_native_tag_is_added_by_its_keys_which_are_kept_sealed(
    with_key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(with_key, "--keys", keys_file(tmp_path, **NATIVE)) == 0
    ((ward,), identifiers) = registered(with_key, "sato")
    assert [tag.trust for tag in ward.tags] == [Trust.NATIVE]
    assert identifiers == ()
    assert opened(with_key) == [read_tag_keys(json.dumps(NATIVE).encode())]
    stored = (with_key.parent / "state" / "hub.sqlite").read_bytes()
    told = capsys.readouterr()
    for secret in (IDENTITY_KEY, BIND_KEY):
        assert bytes.fromhex(secret) not in stored
        assert secret not in told.out + told.err


def test_keys_may_come_by_stdin(with_key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(NATIVE).encode())))
    assert add(with_key, "--keys", "-") == 0
    assert len(kept(with_key)) == 1


def test_a_bought_sensor_may_have_a_bind_key_and_stays_low_trust(
    with_key: Path, tmp_path: Path
) -> None:
    bind_only = keys_file(tmp_path, bind_key=BIND_KEY)
    assert add(with_key, "--identifier", BTHOME.upper(), "--keys", bind_only) == 0
    ((ward,), identifiers) = registered(with_key, "sato")
    assert [tag.trust for tag in ward.tags] == [Trust.LOW]
    assert [one.identifier for one in identifiers] == [BTHOME]
    assert opened(with_key) == [TagKeys(bind_key=bytes.fromhex(BIND_KEY))]


@pytest.mark.parametrize(
    ("arguments", "keys", "told"),
    [
        (["--identifier", UID], NATIVE, "leave --identifier out"),
        ([], {"bind_key": BIND_KEY}, "needs an identifier"),
        ([], {"identity_key": IDENTITY_KEY}, "belong together"),
        (["--identifier", UID, "--button", BTHOME], {"bind_key": BIND_KEY}, "as --identifier"),
        ([], {}, "There is no key in it"),
    ],
)
def test_keys_that_do_not_fit_are_refused_and_register_nothing(
    with_key: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    keys: dict[str, object],
    told: str,
) -> None:
    assert add(with_key, *arguments, "--keys", keys_file(tmp_path, **keys)) == 2
    assert told in capsys.readouterr().err
    assert registered(with_key, "sato") == ([], ())
    assert kept(with_key) == ()


def test_keys_are_one_tags_only(
    with_key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(with_key, "--keys", keys_file(tmp_path, **NATIVE)) == 0
    again = NATIVE | {"bind_key": "0" * 32}
    assert add(with_key, "--keys", keys_file(tmp_path, **again)) == 2
    assert "registered already" in capsys.readouterr().err
    assert len(registered(with_key, "sato")[0]) == 1


def test_without_the_hubs_key_no_keys_are_kept_and_it_is_said_how_to_make_it(
    families: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(families, "--keys", keys_file(tmp_path, **NATIVE)) == 2
    assert "machimori key new" in capsys.readouterr().err
    assert registered(families, "sato") == ([], ())


def test_keys_under_another_key_of_the_hub_are_not_mixed(
    with_key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(with_key, "--keys", keys_file(tmp_path, **NATIVE)) == 0
    (with_key.parent / "tags.key").unlink()
    write_new_key(with_key.parent / "tags.key")
    other = NATIVE | {"identity_key": "1" * 32, "bind_key": "2" * 32}
    assert add(with_key, "--keys", keys_file(tmp_path, **other)) == 2
    assert "sealed under another key" in capsys.readouterr().err


def test_a_lost_tag_is_disabled_and_enabled_again(
    families: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(families, "--identifier", UID) == 0
    ((ward,), _) = registered(families, "sato")
    (tag,) = ward.tags
    config = ["--config", str(families)]
    assert run_command_line(["tag", "disable", tag.id, *config]) == 0
    assert registered(families, "sato")[1] == ()
    assert run_command_line(["tag", "enable", tag.id, *config]) == 0
    assert [one.identifier for one in registered(families, "sato")[1]] == [UID]
    assert run_command_line(["tag", "enable", "t-nobody", *config]) == 2
    assert run_command_line(["tag", "disable", "t-nobody", *config]) == 2
    assert "There is no tag t-nobody" in capsys.readouterr().err


def test_a_tag_with_a_new_battery_is_enabled_and_counts_anew(
    with_key: Path, tmp_path: Path
) -> None:
    assert add(with_key, "--keys", keys_file(tmp_path, **NATIVE)) == 0
    (keys,) = kept(with_key)

    async def counted(*, risen: Counter | None) -> Counter | None:
        async with database_of(with_key) as database:
            if risen is not None:
                await database.write(tag_keys.set_counter, keys.tag, risen)
            return await database.read(tag_keys.counter, keys.tag)

    assert asyncio.run(counted(risen=Counter(900, 1.0))) == Counter(900, 1.0)
    assert run_command_line(["tag", "enable", keys.tag, "--config", str(with_key)]) == 0
    assert asyncio.run(counted(risen=None)) is None
