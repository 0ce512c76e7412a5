"""Users, carriers, tags and guardians."""

import pytest

from gateway.model import Audience, CarrierKind, TagIdentifier, Trust
from gateway.store import people
from gateway.store.database import Connection, Database
from gateway.store.people import Carrier, Tag, TakenError, UnknownError, User

IBEACON = "ibeacon:00112233-4455-6677-8899-aabbccddeeff:1:2"


def add_user(connection: Connection, login: str, audience: Audience = Audience.GUARDIAN) -> User:
    return people.add_user(
        connection, login=login, audience=audience, password_hash="x", language="ja", at=1.0
    )


def family(connection: Connection, login: str, *, carrier: str, tag: str) -> User:
    """A guardian, the carrier and the tag with one identifier of its own."""
    user = add_user(connection, login)
    people.add_carrier(connection, Carrier(carrier, f"Name of {carrier}", CarrierKind.CHILD))
    people.add_guardianship(connection, user, carrier)
    people.add_tag(
        connection,
        Tag(tag, carrier, Trust.LOW, 5.0, "mother"),
        [TagIdentifier(f"uid:{tag}:1", tag, button=False)],
    )
    return user


async def test_a_login_is_taken_once(database: Database) -> None:
    user = await database.write(add_user, "sato")
    with pytest.raises(TakenError, match="sato"):
        await database.write(add_user, "sato")
    assert await database.read(people.user, "sato") == user
    assert await database.read(people.user_and_hash, "sato") == (user, "x")


async def test_an_unknown_login_is_said_to_be_unknown(database: Database) -> None:
    assert await database.read(people.user_and_hash, "nobody") is None
    with pytest.raises(UnknownError, match="nobody"):
        await database.read(people.user, "nobody")


async def test_language_and_password_change(database: Database) -> None:
    user = await database.write(add_user, "sato")
    await database.write(people.set_language, user.id, "en")
    await database.write(people.set_password_hash, user.id, "y")
    assert await database.read(people.user_and_hash, "sato") == (
        User(user.id, "sato", Audience.GUARDIAN, "en"),
        "y",
    )


async def test_a_guardian_has_own_wards_only(database: Database) -> None:
    sato = await database.write(family, "sato", carrier="c-1", tag="t-1")
    kato = await database.write(family, "kato", carrier="c-2", tag="t-2")
    assert [ward.carrier.id for ward in await database.read(people.wards, sato.id)] == ["c-1"]
    assert [ward.carrier.id for ward in await database.read(people.wards, kato.id)] == ["c-2"]
    assert await database.read(people.ward, sato.id, "c-2") is None
    assert await database.read(people.ward, sato.id, "c-9") is None


async def test_a_carrier_may_have_two_guardians_and_a_new_tag(database: Database) -> None:
    await database.write(family, "sato", carrier="c-1", tag="t-1")
    father = await database.write(add_user, "sato2")
    await database.write(people.add_guardianship, father, "c-1")
    newer = Tag("t-new", "c-1", Trust.LOW, 9.0, "father")
    await database.write(people.add_tag, newer, [])
    ward = await database.read(people.ward, father.id, "c-1")
    assert ward is not None
    assert [tag.id for tag in ward.tags] == ["t-new", "t-1"]


async def test_an_ended_guardianship_shows_nothing(database: Database) -> None:
    sato = await database.write(family, "sato", carrier="c-1", tag="t-1")
    await database.write(people.end_guardianship, sato.id, "c-1")
    assert await database.read(people.wards, sato.id) == []


@pytest.mark.parametrize("audience", [one for one in Audience if one is not Audience.GUARDIAN])
async def test_only_a_guardian_can_be_given_a_carrier(
    database: Database, audience: Audience
) -> None:
    await database.write(family, "sato", carrier="c-1", tag="t-1")
    other = await database.write(add_user, "other", audience)
    with pytest.raises(UnknownError, match="no guardian"):
        await database.write(people.add_guardianship, other, "c-1")


async def test_a_guardian_of_nobody_is_refused(database: Database) -> None:
    sato = await database.write(add_user, "sato")
    with pytest.raises(UnknownError, match="c-9"):
        await database.write(people.add_guardianship, sato, "c-9")


async def test_identifiers_are_one_tags_only(database: Database) -> None:
    await database.write(family, "sato", carrier="c-1", tag="t-1")
    button = TagIdentifier(IBEACON, "t-2", button=True)
    await database.write(people.add_tag, Tag("t-2", "c-1", Trust.LOW, 1.0, "x"), [button])
    assert await database.read(people.identifiers) == (
        button,
        TagIdentifier("uid:t-1:1", "t-1", button=False),
    )
    with pytest.raises(TakenError, match="t-3"):
        await database.write(
            people.add_tag,
            Tag("t-3", "c-1", Trust.LOW, 1.0, "x"),
            [TagIdentifier(IBEACON, "t-3", button=False)],
        )
    assert len(await database.read(people.identifiers)) == 2


async def test_a_disabled_tag_is_nobodys_until_it_is_back(database: Database) -> None:
    user = await database.write(family, "sato", carrier="c-1", tag="t-1")
    await database.write(people.set_disabled, "t-1", 9.0)
    assert await database.read(people.identifiers) == ()
    (ward,) = await database.read(people.wards, user.id)
    assert [tag.id for tag in ward.tags] == ["t-1"]  # where it was remains to be seen
    await database.write(people.set_disabled, "t-1", None)
    assert [one.tag for one in await database.read(people.identifiers)] == ["t-1"]
    with pytest.raises(UnknownError, match="t-9"):
        await database.write(people.set_disabled, "t-9", 9.0)
